"""Generated histories of a database that is polled now and then, for tests of the poller's algorithm."""

import math
from collections import Counter
from itertools import cycle, islice, product

from hypothesis import strategies as some

from bridge.known_rows import KnownRows
from bridge.poller import Poller
from bridge.questions import NoAnswer
from tests.helpers.live_rows import ViewersRing

START = 1_764_000_000_000
METERS = 6


class FakeQuestions:
    """A database in memory: `stored` has each row by its key, (subtable, time)."""

    version = "fake"

    def __init__(self):
        self.stored = {}
        self.clock = START
        self.fails_at = -1  # the question that fails: 0 is the next
        self.asked = []  # (question, lower bound) of each

    def asks(self, name: str, after: int = 0):
        self.fails_at -= 1
        if self.fails_at == -1:
            raise NoAnswer("the connection is lost")
        self.asked.append((name, after))

    def connect(self):
        self.asks("connect")

    def check_columns(self):
        self.asks("check_columns")

    def now(self):
        self.asks("now")
        return self.clock

    def newest(self, after):
        self.asks("newest", after)
        return max((ts for _, ts in self.stored if ts > after), default=None)

    def count(self, after, until):
        self.asks("count", after)
        return len(self.between(after, until))

    def counts(self, after, until, width):
        self.asks("counts", after)
        return Counter(row[0] - row[0] % width for row in self.between(after, until))

    def rows(self, after, until, limit=None):
        self.asks("rows", after)
        return sorted(self.between(after, until), key=lambda row: row[0])[:limit]

    def between(self, after, until):
        return [row for row in self.stored.values() if after < row[0] <= until]


STEPS = {}  # what may come in a history: by the name of the method, the method with each choice of its arguments


def step(*choices):
    """Makes a method a step, with each combination of these values as its arguments."""
    def add(method):
        STEPS[method.__name__] = [(method, arguments) for arguments in product(*choices)]
        return method
    return add


class History:
    """A history of a database that is polled now and then: after each quiet moment viewers have its newest rows."""

    def __init__(self, limit: int, overlap: int):
        self.database, self.viewers, self.overlap = FakeQuestions(), ViewersRing(limit), overlap
        self.serial = 0
        self.poller = Poller(self.database, KnownRows(limit), overlap)

    def write(self, meter: int, ts: int, value: float = 0.5):
        self.serial += 1
        self.database.stored[meter, ts] = (ts, value, self.serial)  # the serial number makes rows different

    def one_of_the_stored(self, number: int) -> list[tuple]:
        """The key of a row in a list, which is empty where no row is stored."""
        keys = sorted(self.database.stored)
        return [keys[number % len(keys)]] if keys else []

    @step((1, 7, 300, 5000))
    def time_passes(self, ms):
        self.database.clock += ms

    @step(range(1, METERS + 1), (0, 0, 1))
    def aligned_rows(self, meters, ago):
        for meter in range(meters):
            self.write(meter, self.database.clock - ago)

    @step(range(METERS + 1), (1, 3, 40, 60, 1999, 2001, 9000, 10**8))
    def late_row(self, meter, ago):
        self.write(meter, self.database.clock - ago)

    @step(range(METERS + 1), (1, 8, 300, 8 * 3600_000))
    def row_of_the_future(self, meter, ahead):
        self.write(meter, self.database.clock + ahead)

    @step((math.nan, math.inf, -math.inf), range(METERS + 1))
    def odd_value(self, value, meter):
        self.write(meter, self.database.clock, value)

    @step(range(40))
    def overwritten(self, number):
        for key in self.one_of_the_stored(number):
            self.write(*key)

    @step(range(40))
    def deleted(self, number):
        for key in self.one_of_the_stored(number):
            del self.database.stored[key]

    @step(range(METERS + 1))
    def subtable_dropped(self, meter):
        self.database.stored = {key: row for key, row in self.database.stored.items() if key[0] != meter}

    @step()
    def all_dropped(self):
        self.database.stored.clear()

    @step((10, 5000, 60_000))
    def clock_set_back(self, ms):
        self.database.clock -= ms

    @step(range(13))
    def a_question_fails(self, question):
        self.database.fails_at = question

    @step()
    def tick(self):
        self.viewers.tick(self.poller)

    @step()
    def poller_replaced(self):
        """As after its process has died: the new one knows what was delivered, and where it had come to."""
        self.poller = Poller(self.database, self.viewers.known_to(self.poller), self.overlap)

    @step()
    def quiet_moment(self):
        self.database.fails_at = -1
        for _ in range(24):  # three checks
            self.database.clock += 600
            self.tick()
        of_now = [row for row in self.database.stored.values() if row[0] <= self.database.clock]
        assert self.viewers.has_newest_of(of_now), (sorted(self.viewers.rows), of_now)
        ahead = [ts for _, ts in self.database.stored if ts > self.database.clock]
        assert self.poller.future_rows >= len(ahead)
        assert bool(ahead) <= bool(self.poller.future_ms)


@some.composite
def histories(draw):
    """Some 40 steps, all of a few kinds: what takes many steps of one kind is rare where each may be of any."""
    kinds = {"tick", *draw(some.lists(some.sampled_from([*STEPS]), min_size=1, max_size=8))}
    each = max(len(STEPS[kind]) for kind in kinds)  # so that all kinds are as likely
    steps = [step for kind in sorted(kinds) for step in islice(cycle(STEPS[kind]), each)]
    return draw(some.lists(some.sampled_from(steps), min_size=30, max_size=40)) + STEPS["quiet_moment"]
