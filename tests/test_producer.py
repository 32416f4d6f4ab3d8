"""producer.py: what it sends is what is stored, at the pace that it says."""

import asyncio
import itertools
import os
import re
import signal
import subprocess
import sys
import time

import pytest

import producer as generator
from bridge.settings import options
from tests.helpers.databases import ROOT
from tests.helpers.live_rows import count
from tests.helpers.programs import Program, producer
from tests.helpers.proxy import Proxy
from tests.helpers.waiting import wait_for


@pytest.fixture
def run(power_dsn, tmp_path):
    """A function that starts the producer; it is killed after the test, if it still runs."""
    started = []

    def run(*options: str) -> Program:
        started.append(producer(tmp_path, power_dsn, *options))
        return started[-1]
    yield run
    for program in started:
        program.kill()


@pytest.fixture
def options_stay():
    """The settings of this process are as before after the test."""
    before = vars(options).copy()
    yield
    vars(options).clear()
    vars(options).update(before)


@pytest.fixture
def one(power):
    """The one row that a query answers."""
    def query(sql):
        row, = power.query(sql)
        return row
    return query


def test_rows_sent_are_rows_stored(run, one, power):
    """With their tags. The milliseconds of a meter are distinct and ascending, and end at now."""
    before = time.time_ns() // 10**6
    program = run("--count=10", "--interval-ms=100")
    assert program.wait() == 0
    after = time.time_ns() // 10**6
    assert "3000 rows written" in program.text()
    assert one("SELECT COUNT(*) FROM meters") == (3000,)
    counts = "COUNT(*), COUNT(current), COUNT(voltage), COUNT(phase)"
    per_meter = sorted(power.query(f"SELECT tbname, {counts} FROM meters GROUP BY tbname"))
    assert per_meter == [(f"d_bind_{n}", 300, 300, 300, 300) for n in range(10)]

    tags = sorted(power.query("SELECT tbname, groupid, location FROM meters GROUP BY tbname, groupid, location"))
    assert tags == [(f"d_bind_{n}", *generator.tags(n).values()) for n in range(10)]
    assert len({location for *_, location in tags}) == 10
    assert max(len(location) for *_, location in tags) <= 24

    times = [ts for ts, in power.query("SELECT CAST(ts AS BIGINT) FROM d_bind_3 ORDER BY ts")]
    assert len(times) == len(set(times)) == 300
    assert before < times[0] and times[-1] <= after
    steps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert sum(steps) / len(steps) == pytest.approx(100 / 30, rel=0.2)  # evenly over each tick, tick after tick


def test_shares_that_do_not_divide(run, one):
    assert run("--count=3", "--interval-ms=20", "--rows-per-interval=7", "--meters=3").wait() == 0
    assert one("SELECT COUNT(*) FROM meters") == (21,)
    assert one("SELECT COUNT(*) FROM d_bind_0") == (9,)


def test_restart_keeps_every_row(run, one):
    for _ in range(2):
        assert run("--count=2", "--interval-ms=30", "--rows-per-interval=300").wait() == 0
    assert one("SELECT COUNT(*) FROM meters") == (1200,)


@pytest.mark.parametrize("signal_number", (signal.SIGTERM, signal.SIGINT))
def test_stop_says_what_was_written(run, one, power, signal_number):
    program = run("--interval-ms=30")
    wait_for(lambda: count(power, "meters") > 1000, what="1000 rows")
    program.process.send_signal(signal_number)
    assert program.wait() == 0
    rows, = one("SELECT COUNT(*) FROM meters")
    assert f"{rows} rows written" in program.text()
    assert rows % 300 == 0  # whole ticks


def test_a_producer_that_is_always_late_can_be_stopped(power_dsn, tmp_path):
    """Each write takes two hundred ticks, as the database is far."""
    with Proxy.before(power_dsn, delay_s=0.1) as far:
        program = producer(tmp_path, far.through(power_dsn), "--interval-ms=1", "--rows-per-interval=10")
        program.says("rows/s")
        program.end(10)  # on a busy machine its status may say that rows were not written
        assert "rows written" in program.text()


def test_late_ticks_of_many_rows_do_not_go_together(run, power):
    """One write of ten late ticks would take longer than the time-out, and the producer would repeat it for ever."""
    run("--interval-ms=100", "--rows-per-interval=50000", "--meters=500")
    wait_for(lambda: count(power, "meters") > 600_000, 60, what="more rows than the first tick and ten late ones have")


def test_one_status_line_for_many_ticks(run):
    program = run("--count=100", "--interval-ms=10", "--rows-per-interval=10")
    assert program.wait() == 0
    assert len(program.text().strip().splitlines()) < 5


@pytest.mark.embedded_only
def test_a_database_that_is_stalled_then_killed_and_back_loses_no_rows(start_embedded, tmp_path):
    folder = f"--folder={tmp_path / 'data'}"
    database = start_embedded(folder)
    with producer(tmp_path, database.dsn, "--interval-ms=100", "--rows-per-interval=1000", "--count=45") as program:
        connection = database.connect()
        wait_for(lambda: count(connection) > 1000, what="1000 rows")
        database.process.send_signal(signal.SIGSTOP)
        time.sleep(0.5)  # the stall itself: 5 ticks
        database.process.send_signal(signal.SIGCONT)
        rows = count(connection)
        wait_for(lambda: count(connection) > rows + 5000, what="the late ticks")
        database.kill()
        program.says("errors;")
        database = start_embedded(folder, f"--port={database.port}")
        assert program.wait() == 0
    assert count(database.connect()) == 45_000


@pytest.mark.parametrize("option, words", {
    "--rows-per-interval=0": "(ROWS_PER_INTERVAL) takes a whole number from 1 on, not '0'",
    "--interval-ms=soon": "(INTERVAL_MS) takes a whole number from 1 on, not 'soon'",
    "--rows-per-interval=4000": "raise --meters",
    "--backfill=7": "(BACKFILL) says how far back",
    "--backfill=week": "a number and s, m, h or d, such as 7d",
    "--backfill=0d": "(BACKFILL) says",
    "--backfill=-7d": "(BACKFILL) says",
    "--backfill=1.5d": "(BACKFILL) says",
    "--backfill-every-s=0": "(BACKFILL_EVERY_S) takes a whole number from 1 on",
    "--cycle-s=0": "(CYCLE_S) takes a whole number from 1 on",
    "--seed=-1": "(SEED) takes a whole number from 0 on",
    "--seed=x": "(SEED) takes a whole number from 0 on",
    "--nonsense=1": "unrecognized arguments: --nonsense=1; see --help",
}.items())
def test_a_bad_option_is_named(option, words, monkeypatch, capsys, options_stay):
    """In one line. The program itself says it in the next test."""
    monkeypatch.setattr(sys, "argv", ["producer.py", option])
    with pytest.raises(SystemExit) as end:
        asyncio.run(generator.main())
    said = capsys.readouterr().err or end.value.code  # Python writes a text to stderr, and the exit status is 1
    assert end.value.code and words in said and len(said.strip().splitlines()) == 1


def test_a_bad_environment_variable_is_named(tmp_path):
    program = Program(tmp_path / "log", sys.executable, "producer.py", INTERVAL_MS="soon")
    assert program.wait() == 2
    assert "(INTERVAL_MS) takes a whole number from 1 on, not 'soon'" in program.text()
    assert len(program.text().strip().splitlines()) == 1


def test_wrong_password_ends_it_and_is_not_shown(dsn, tmp_path):
    program = producer(tmp_path, re.sub(r":[^:/]*@", ":wr0ng@", dsn))
    assert program.wait() == 1
    assert "Authentication failure" in program.text()
    assert "wr0ng" not in program.text() and "Traceback" not in program.text()


def test_a_full_disk_for_its_words_harms_no_row(power_dsn, power):
    with open("/dev/full", "w") as full:
        options = "--count=20", "--interval-ms=100", "--rows-per-interval=20"
        done = subprocess.run([sys.executable, "producer.py", *options], cwd=ROOT, stdout=full, timeout=60,
                              env=os.environ | {"TDENGINE_DSN": power_dsn})
    assert done.returncode == 0
    assert list(power.query("SELECT COUNT(*) FROM meters")) == [(400,)]
