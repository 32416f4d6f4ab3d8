"""producer.py --backfill: rows of the past, exactly, whatever comes between, and live rows beside them."""

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys

import pytest

from tests.helpers.databases import ROOT
from tests.helpers.live_rows import count
from tests.helpers.programs import Program, Server, now_ms, producer
from tests.helpers.waiting import wait_for

FEW = "--meters=3", "--rows-per-interval=30"


def times(power, meter: int) -> list[int]:
    return [ts for ts, in power.query(f"SELECT CAST(ts AS BIGINT) FROM d_bind_{meter} ORDER BY ts")]


def rows(power) -> set[tuple]:
    return set(power.query("SELECT tbname, CAST(ts AS BIGINT), `current`, voltage, phase FROM meters"))


def test_the_past_then_live_rows_without_a_gap(power_dsn, power, tmp_path):
    started = now_ms()
    program = producer(tmp_path, power_dsn, *FEW, "--backfill=2h", "--count=5")
    assert program.wait() == 0
    past, = map(int, re.findall(r"backfill: (\d+) rows", program.text()))
    assert past in (3 * 7200, 3 * 7201)
    assert count(power, "meters") == past + 5 * 30
    for meter in range(3):
        found = times(power, meter)
        assert found == sorted(set(found)) and len(found) == past // 3 + 50
        assert started - 7200_000 <= found[0] < started - 7200_000 + 1000 + 10_000  # a start takes seconds
        assert max(later - earlier for earlier, later in zip(found, found[1:])) <= 1000 + 300  # and a tick
    assert f"{past + 150} rows written" in program.text()


def test_repeated_it_writes_the_same_rows(power_dsn, power, tmp_path):
    def fill() -> set[tuple]:
        assert producer(tmp_path, power_dsn, *FEW, "--backfill=10m", "--count=1", "--backfill-every-s=2").wait() == 0
        return {row for row in rows(power) if not row[1] % 2000}
    before = fill()
    after = fill()
    assert before <= after
    assert len({row[:2] for row in after}) == len(after) == count(power, "meters") - len(rows(power) - after)


def test_stopped_and_started_again(power_dsn, power, tmp_path):
    """By one signal, then by the other; then it is left alone."""
    options, stored = ("--meters=10", "--rows-per-interval=10", "--backfill=2d"), 0
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        program = producer(tmp_path, power_dsn, *options)
        wait_for(lambda: count(power, "meters") > stored + 50_000, what="a part of the past")
        program.process.send_signal(signal_number)
        assert program.wait() == 0
        left, of = map(int, re.search(r"backfill: (\d+) of (\d+) rows are not written", program.text()).groups())
        assert 0 < left < of
        written, = map(int, re.findall(r"(\d+) rows written", program.text()))
        assert written == count(power, "meters") if not stored else written > 50_000  # it writes some of them again
        stored = count(power, "meters")
    assert producer(tmp_path, power_dsn, *options, "--count=1").wait(120) == 0
    whole_seconds = [ts for ts in times(power, 7) if not ts % 1000]
    assert len(whole_seconds) >= 2 * 86_400
    assert max(later - earlier for earlier, later in zip(whole_seconds, whole_seconds[1:])) == 1000


@pytest.mark.embedded_only
def test_a_database_that_is_killed_and_comes_back(start_embedded, tmp_path):
    options = f"--folder={tmp_path / 'data'}", "--retention=0"
    database = start_embedded(*options)
    program = producer(tmp_path, database.dsn, *FEW, "--backfill=4d", "--backfill-every-s=2", "--count=10")
    wait_for(lambda: count(database.connect(), "power.meters") > 60_000, what="a part of the past")
    database.kill()
    program.says("errors; backfill [")
    program.says("does not answer")
    start_embedded(*options, f"--port={database.port}")
    assert program.wait(120) == 0
    past, = map(int, re.findall(r"backfill: (\d+) rows", program.text()))
    assert past >= 3 * 4 * 43_200 and count(database.connect(), "power.meters") == past + 300


def test_live_rows_keep_their_pace_meanwhile(power_dsn, power, tmp_path):
    """Viewers see the live rows, not those of the past, and nothing that looks like trouble."""
    with producer(tmp_path, power_dsn, "--backfill=30d", "--interval-ms=100") as program, \
            Server(tmp_path, power_dsn) as server:
        started = wait_for(lambda: (s := server.status())["rows_seen"] > 12_000 and s, 40, "live rows")
        status = wait_for(lambda: (s := server.status())["rows_seen"] > started["rows_seen"] + 3000 and s, 20, "more")
        assert status["newest_row_age_ms"] < 3000
        assert not status["over_limit"] and not status["late_rows"] and status["last_error"] is None
        assert "backfill: " not in program.text()  # it still writes
        assert "anew" not in server.text()


def test_the_bar_on_a_terminal(power_dsn):
    """One line, which is written again and again; then a line that stays."""
    terminal, other_end = pty.openpty()
    program = subprocess.Popen([sys.executable, "producer.py", *FEW, "--backfill=9d", "--count=1"], cwd=ROOT,
                               stdout=other_end, env=os.environ | {"TDENGINE_DSN": power_dsn})
    os.close(other_end)
    text = ""
    with open(terminal, "rb", buffering=0) as output, contextlib.suppress(OSError):  # at the end there is no terminal
        while part := output.read(10_000):
            text += part.decode()
    assert program.wait(60) == 0
    first, *rest = text.strip().split("\r\n")
    bar = r"\r\x1b\[K\d+ rows, \d+ rows/s; 0 errors; backfill \[[#.]{20}\] (\d+) %, \d+ s left"
    shares = list(map(int, re.findall(bar, first)))
    assert shares and shares == sorted(shares)
    assert re.search(r"\r\x1b\[Kbackfill: \d+ rows in \d+ s$", first) and "written" in rest[-1]


def test_a_database_that_keeps_no_rows_so_old(start_embedded, tmp_path):
    database = start_embedded("--retention=1h")
    program = producer(tmp_path, database.dsn, "--backfill=1d")
    assert program.wait() == 1
    assert re.search(r"--backfill=1d goes back too far: \[0x060B\].*--retention", program.text())
    assert "Traceback" not in program.text()


def test_bad_environment_variable(tmp_path):
    program = Program(tmp_path / "log", sys.executable, "producer.py", BACKFILL="1w")
    assert program.wait() == 2
    assert "(BACKFILL) says" in program.text()
