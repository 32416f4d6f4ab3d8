"""The poller's algorithm alone, beside a fake of the database's questions: a thousand generated histories.

The real questions are tested beside it, in `test_live_rows.py`.
"""

import math
from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from bridge import slices
from bridge.known_rows import AFTER_ALL, BEFORE_ALL, KnownRows
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


class Histories(RuleBasedStateMachine):
    """Any history of a database, polled now and then: after each quiet moment viewers have its newest rows."""

    @initialize(limit=some.integers(1, 40), slice_rows=some.integers(1, 8), overlap=some.sampled_from((0, 50, 2000)))
    def start(self, limit, slice_rows, overlap):
        slices.SLICE_ROWS, slices.LEAST_SLICE_ROWS = slice_rows, 1
        self.database, self.viewers, self.overlap = FakeQuestions(), ViewersRing(limit), overlap
        self.serial = 0
        self.poller = Poller(self.database, KnownRows(limit), overlap)

    def write(self, meter: int, ts: int, value: float = 0.5):
        self.serial += 1
        self.database.stored[meter, ts] = (ts, value, self.serial)  # the serial number makes rows different

    @rule(ms=some.sampled_from((1, 7, 300, 5000)))
    def time_passes(self, ms):
        self.database.clock += ms

    @rule(meters=some.integers(1, METERS), ago=some.sampled_from((0, 0, 1)))
    def aligned_rows(self, meters, ago):
        for meter in range(meters):
            self.write(meter, self.database.clock - ago)

    @rule(meter=some.integers(0, METERS), ago=some.sampled_from((1, 3, 40, 60, 1999, 2001, 9000, 10**8)))
    def late_row(self, meter, ago):
        self.write(meter, self.database.clock - ago)

    @rule(meter=some.integers(0, METERS), ahead=some.sampled_from((1, 8, 300, 8 * 3600_000)))
    def row_of_the_future(self, meter, ahead):
        self.write(meter, self.database.clock + ahead)

    @rule(value=some.sampled_from((math.nan, math.inf, -math.inf)), meter=some.integers(0, METERS))
    def odd_value(self, value, meter):
        self.write(meter, self.database.clock, value)

    @rule(data=some.data())
    def overwritten(self, data):
        if self.database.stored:
            self.write(*data.draw(some.sampled_from(sorted(self.database.stored))))

    @rule(data=some.data())
    def deleted(self, data):
        if self.database.stored:
            del self.database.stored[data.draw(some.sampled_from(sorted(self.database.stored)))]

    @rule(meter=some.integers(0, METERS))
    def subtable_dropped(self, meter):
        self.database.stored = {key: row for key, row in self.database.stored.items() if key[0] != meter}

    @rule()
    def all_dropped(self):
        self.database.stored.clear()

    @rule(ms=some.sampled_from((10, 5000, 60_000)))
    def clock_set_back(self, ms):
        self.database.clock -= ms

    @rule(question=some.integers(0, 12))
    def a_question_fails(self, question):
        self.database.fails_at = question

    @rule()
    def tick(self):
        self.viewers.tick(self.poller)

    @rule()
    def poller_replaced(self):
        """As after its process has died: the new one knows what was delivered, and where it had come to."""
        self.poller = Poller(self.database, self.viewers.known_to(self.poller), self.overlap)

    @rule()
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

    @invariant()
    def statements_are_bounded(self):
        """Only where viewers have all that there is does a statement begin before all times."""
        if hasattr(self, "database"):
            assert sum(name == "newest" and after == BEFORE_ALL for name, after in self.database.asked) < 1000


@pytest.mark.parametrize("part", range(5))  # so that several workers share the 1000 histories
def test_any_history(part):
    run_state_machine_as_test(Histories, settings=settings(max_examples=200, stateful_step_count=40, deadline=None))


def polled(stored, limit=10, **options):
    database = FakeQuestions()
    database.stored = {(meter, ts): (ts, meter, 0.0) for meter, ts in stored}
    database.clock += 10_000
    poller = Poller(database, KnownRows(limit), 2000)
    return database, poller, poller.poll()


@pytest.mark.parametrize("rows", (9, 10, 11, 25, 1000))
def test_a_fleet_that_reports_in_one_millisecond(rows):
    """One millisecond is read whole, however many rows it has, and once."""
    slices.SLICE_ROWS = 4
    database, poller, (first, _) = polled((meter, START) for meter in range(rows))
    assert first.rows == first.new_rows == rows
    assert poller.poll()[0].rows == 0
    for beat in range(1, 4):
        for meter in range(rows):
            database.stored[meter, START + beat * 1000] = (START + beat * 1000, meter, 0.0)
        delivery, _ = poller.poll()
        assert delivery.rows == delivery.new_rows == rows
        assert delivery.over_limit == (rows > 10)
        assert poller.poll()[0].rows == 0


@pytest.mark.parametrize("ago", (0, 1000, 10**7, 10**11, 10**13))
@pytest.mark.parametrize("rows", (0, 1, 5, 9, 10, 11))
def test_loading_takes_few_questions(rows, ago):
    """Also where the database has nearly as many rows as the table, and some that are much older."""
    database, _, (first, _) = polled([(0, START - ago - i) for i in range(rows)] + [(1, START - 8), (1, START)])
    assert first.rows and sum(name == "count" for name, _ in database.asked) <= 12


@pytest.mark.parametrize("waiting, questions", [(21, "rows count"), (34, "rows count"), (35, "rows count rows"),
                                               (55, "rows count rows"), (56, "rows count count count rows"),
                                               (5000, "rows count count count rows")])
def test_more_rows_than_the_table_holds(waiting, questions):
    """Few questions find the rows that have a place: with each of them a database far away falls behind."""
    slices.SLICE_ROWS = 15
    database, poller, _ = polled(((0, START + i) for i in range(20)), limit=20)
    while poller.poll()[0].more:
        pass
    for i in range(20, 20 + waiting):
        database.stored[0, START + i] = (START + i, 0, 0.0)
    database.clock = START + 20 + waiting
    database.asked.clear()
    delivery, rows = poller.poll()
    assert [name for name, _ in database.asked if name not in ("now", "counts")] == questions.split()
    assert delivery.over_limit and delivery.new_rows
    seen, shown = delivery.new_rows, rows
    while delivery.more:
        delivery, rows = poller.poll()
        seen, shown = seen + delivery.new_rows, shown + rows
    assert seen == waiting
    assert [row[0] for row in shown[-20:]] == list(range(START + waiting, START + waiting + 20))
    assert len(shown) < 40


def test_statements_of_a_large_database_have_a_lower_bound():
    database, poller, _ = polled(((i % 5, START + i * 100) for i in range(90)), limit=30)
    for i in range(90, 200):
        database.clock += 100
        database.stored[i % 5, START + i * 100] = (START + i * 100, 0, 0.0)
        while poller.poll()[0].more:
            pass
        poller.check()
    unbounded = [(name, after) for name, after in database.asked if name not in ("connect", "check_columns", "now")
                 and after < START - 10**5]
    assert unbounded == [("newest", BEFORE_ALL)]


def test_rows_of_the_future_are_counted_and_wait_for_their_time():
    database, poller, (delivery, _) = polled([(0, START), (1, START + 8 * 3600_000)])
    assert delivery.rows == 1
    poller.check()
    delivery, _ = poller.poll()
    assert (delivery.rows, delivery.future_rows, delivery.future_ms) == (0, 1, 8 * 3600_000 - 10_000)
    database.clock += 8 * 3600_000
    delivery, rows = poller.poll()
    assert [row[0] for row in rows] == [START + 8 * 3600_000]


def test_a_late_row_that_pushes_a_newer_one_out_is_put_right_in_a_quiet_moment():
    """The ring drops what came first, not what is oldest."""
    database, poller, _ = polled([(0, START + 9000), (1, START + 9100), (2, START + 9200)], limit=3)
    database.stored[3, START + 8500] = (START + 8500, 3, 0.0)
    assert poller.poll()[0].rows == 1
    reasons = []
    for _ in range(24):
        database.clock += 600
        delivery, rows = poller.poll()
        reasons += [delivery.anew] if delivery.anew else []
        poller.check()
    assert reasons == ["late rows had pushed newer ones out"]
    kept = sorted(row[0] for row in poller.known.between(BEFORE_ALL, AFTER_ALL))
    assert kept == [START + 9000, START + 9100, START + 9200]


def test_a_new_poller_counts_the_rows_that_came_meanwhile():
    """Also those that have no place in the table any more."""
    database, poller, _ = polled(((0, START + number) for number in range(5)), limit=5)
    known = KnownRows(5)
    known.restore(poller.known.between(BEFORE_ALL, AFTER_ALL), poller.known.floor, poller.known.cursor)
    database.stored |= {(0, START + number): (START + number, 0, 1.0) for number in range(5, 105)}
    successor, seen = Poller(database, known, 2000), 0
    for _ in range(50):
        seen += successor.poll()[0].new_rows
    assert seen == 100


def test_slices_become_smaller_after_a_failure():
    slices.SLICE_ROWS, slices.LEAST_SLICE_ROWS = 100, 2
    database, poller, _ = polled([(0, START)])
    sizes = []
    for _ in range(4):
        database.fails_at = 0
        assert poller.poll()[0].error == "the connection is lost"
        sizes.append(poller.slices.size)
    assert sizes == [25, 6, 2, 2]


@pytest.fixture(autouse=True)
def sizes(monkeypatch):
    monkeypatch.setattr(slices, "SLICE_ROWS", slices.SLICE_ROWS)
    monkeypatch.setattr(slices, "LEAST_SLICE_ROWS", slices.LEAST_SLICE_ROWS)
    assert AFTER_ALL > START
