"""The live rows beside a real database: any history, polled now and then, gives viewers the newest rows, each once.

The algorithm's own tests are in `test_poller.py`; here are the real questions, over a real connection.
"""

import math
import random
import re
import time

import pytest
import taosws
from hypothesis import HealthCheck, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

import meters
import producer as generator
from bridge import poller as module
from bridge import slices
from bridge.known_rows import BEFORE_ALL, KnownRows
from bridge.poller import Poller
from bridge.questions import Questions
from bridge.settings import parse
from bridge.writer import bind
from tests.helpers.live_rows import ViewersRing, stored
from tests.helpers.programs import Server, now_ms
from tests.helpers.viewers import CopyViewer
from tests.helpers.waiting import wait_for

QUIET_S = 10  # the poller takes two checks and a load at most


class Histories(RuleBasedStateMachine):
    """Rows of all kinds are written, overwritten and deleted; the poller comes and goes."""

    power: taosws.Connection  # of the test

    @initialize(limit=some.sampled_from((1, 5, 30)), slice_rows=some.integers(1, 8),
                overlap=some.sampled_from((0, 2000)))
    def start(self, limit, slice_rows, overlap):
        slices.SLICE_ROWS = slice_rows
        self.power.execute("DROP TABLE IF EXISTS meters")
        self.make_table()
        self.viewers, self.overlap = ViewersRing(limit), overlap
        self.poller = Poller(Questions(lambda: None), KnownRows(limit), overlap)

    def make_table(self):
        self.power.execute(meters.create_super_table())
        self.statement = None

    def write(self, *meters_: int, ts: int, current: float = 0.5):
        """A row of each of these meters, by parameter binding, as the producer does; its random phase makes it new."""
        if self.statement is None:
            self.statement = self.power.stmt2_statement()
            self.statement.prepare(meters.insert_rows())
        self.statement.bind([bind(f"d_bind_{meter}", generator.tags(meter), {
            "ts": [ts], "current": [current], "voltage": [220], "phase": [random.random()]}) for meter in meters_])
        self.statement.execute()

    @rule(count=some.integers(1, 12), ago=some.sampled_from((0, 0, 1, 40, 1500, 9000)))
    def aligned_rows(self, count, ago):
        self.write(*range(count), ts=now_ms() - ago)

    @rule(meter=some.integers(0, 3), ahead=some.sampled_from((100, 8 * 3600_000)))
    def row_of_the_future(self, meter, ahead):
        self.write(meter, ts=now_ms() + ahead)

    @rule(meter=some.integers(0, 3), value=some.sampled_from((math.nan, math.inf, -math.inf)))
    def odd_value(self, meter, value):
        self.write(meter, ts=now_ms(), current=value)

    @rule(data=some.data())
    def overwritten_row(self, data):
        rows = list(self.power.query("SELECT tbname, CAST(ts AS BIGINT) FROM meters ORDER BY ts"))
        if rows:
            name, ts = data.draw(some.sampled_from(rows))
            self.write(int(name.rpartition("_")[2]), ts=ts)

    @rule(meter=some.integers(0, 3))
    def dropped_subtable(self, meter):
        self.power.execute(f"DROP TABLE IF EXISTS d_bind_{meter}")
        self.statement = None

    @rule()
    def dropped_super_table(self):
        self.power.execute("DROP TABLE meters")
        self.make_table()

    @rule()
    def tick(self):
        assert self.viewers.tick(self.poller) == ""

    @rule()
    def new_poller(self):
        self.poller = Poller(Questions(lambda: None), self.viewers.known_to(self.poller), self.overlap)

    @rule()
    def quiet_moment(self):
        def quiet() -> bool:
            self.tick()
            return self.viewers.has_newest_of([row for row in stored(self.power) if row[0] <= now_ms()])

        wait_for(quiet, QUIET_S, "the newest rows")


def test_any_history(power_dsn, power, monkeypatch):
    parse("", "database", arguments=[f"--tdengine-dsn={power_dsn}"])
    monkeypatch.setattr(slices, "SLICE_ROWS", slices.SLICE_ROWS)
    monkeypatch.setattr(module, "CHECK_EVERY_MS", 50)
    monkeypatch.setattr(Histories, "power", power, raising=False)
    run_state_machine_as_test(Histories, settings=settings(
        max_examples=12, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)))


def test_every_statement_has_a_lower_bound(power_dsn, power, write):
    """A statement without one costs more, the more rows are stored. Only the first question for the newest has none."""
    parse("", "database", arguments=[f"--tdengine-dsn={power_dsn}"])
    start, asked = now_ms() - 20_000, []

    class Listening(Questions):
        def _ask(self, sql):
            asked.append(sql)
            return super()._ask(sql)

    poller = Poller(Listening(lambda: None), KnownRows(20), 2000)
    for number in range(90):
        write(number % 5, start + number * 200)
        if number >= 60:
            while poller.poll()[0].more:
                pass
            poller.check()
    write(7, now_ms())
    write(8, now_ms() - 1500)
    write(7, now_ms() + 3600_000)
    deadline = time.monotonic() + 7  # two checks
    while time.monotonic() < deadline:
        poller.poll()
        poller.check()
        time.sleep(0.3)  # a tick
    about_rows = [sql for sql in asked if "`meters`" in sql]
    assert {sql.split()[1].split("(")[0] for sql in about_rows} == {"CAST", "COUNT"}
    unbounded = [sql for sql in about_rows if int(re.search(r"WHERE `ts` > (-?\d+)", sql)[1]) < start - 60_000]
    assert unbounded == [meters.select_newest(BEFORE_ALL)]


@pytest.mark.parametrize("meters_, limit", ((3000, 5000), (12_000, 10_000), (12_000, 30_000)))
def test_a_fleet_of_meters_that_reports_in_one_millisecond(power_dsn, power, tmp_path, meters_, limit):
    """Each row is delivered once, also where one millisecond has more rows than a slice, or than the table."""
    parse("", "database", "pace", "producer",
          arguments=[f"--tdengine-dsn={power_dsn}", "--tdengine-timeout-s=30"])  # machines are shared
    writer = generator.Writer()

    def beat() -> None:
        now = [now_ms()]
        assert writer.write(generator.bind_random(dict.fromkeys(range(meters_), now))) == ""

    beat()
    with Server(tmp_path, power_dsn, f"--table-limit={limit}") as server, CopyViewer(server.port) as viewer:
        for count in range(2, 4):
            beat()
            server.seen(count * meters_)
        newest = stored(power, max(limit, meters_))
        cut = newest[-min(limit, len(newest))][0]  # of this millisecond any rows may stay
        wait_for(lambda: {row for row in viewer.rows if row[0] > cut} == {row for row in newest if row[0] > cut}
                 and len(viewer.rows) == min(limit, len(newest)) and min(viewer.rows)[0] >= cut, what="the newest rows")
        assert set(viewer.rows) <= set(stored(power)) and len(set(viewer.rows)) == len(viewer.rows)
        assert server.status()["over_limit"] == (meters_ > limit)
        assert "Traceback" not in server.text() and "anew" not in server.text()
