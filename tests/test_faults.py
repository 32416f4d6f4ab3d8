"""Faults of the database and of programs: no viewer waits for them, and after them all have the newest rows."""

import os
import re
import signal
import sys
import time

import pytest
import taosws

from tests.helpers.faults import FAST, FEW, RECOVERY_S, check_answers, check_flows, check_rows, check_stayed, trouble
from tests.helpers.live_rows import stored
from tests.helpers.programs import Program, Server, producer
from tests.helpers.proxy import Proxy
from tests.helpers.viewers import Viewer
from tests.helpers.waiting import wait_for

MODES = "cut", "silent", "hang"  # connections cut; accepted and never answered; the handshake answered, and no query


@pytest.fixture
def proxy(power_dsn):
    with Proxy.before(power_dsn) as proxy:
        proxy.dsn = proxy.through(power_dsn)
        yield proxy


def test_database_in_trouble(proxy, power, tmp_path):
    """One trouble after the other, under programs that run."""
    with Server(tmp_path, proxy.dsn, *FAST) as server, producer(tmp_path, proxy.dsn, *FEW) as program:
        wait_for(lambda: server.status()["rows_seen"] > 300, what="300 rows")
        with Viewer(server.port) as viewer:
            for mode in MODES:
                lines, said = len(server.text().splitlines()), len(program.text())
                with proxy.trouble(mode):
                    error = trouble(server)
                    fault_ends = time.monotonic() + 1.5
                    while time.monotonic() < fault_ends:
                        check_answers(server, viewer)
                        time.sleep(0.4)  # the pace: each looks nine times
                    assert len(server.text().splitlines()) - lines < 5, mode  # of 15 polls
                    wait_for(lambda: "errors; " in program.text()[said:], what=f"the producer's word of {mode}")
                check_flows(server, after=error)
                seen = server.status()["rows_seen"]
                wait_for(lambda: server.status()["rows_seen"] > seen + 100, what=f"rows after the mode {mode}")
            assert program.end() == 0
            assert f"{len(stored(power))} rows written" in program.text() and "dropped" not in program.text()
            check_rows(server, power, engine=True)
            check_stayed(viewer, power)


@pytest.mark.parametrize("mode", MODES)
def test_database_in_trouble_at_the_start_and_at_the_end(proxy, power, tmp_path, mode):
    """Programs can be stopped in its trouble, too."""
    proxy.mode = mode
    with Server(tmp_path, proxy.dsn, *FAST) as server, producer(tmp_path, proxy.dsn, *FEW, "--count=15") as program:
        error = trouble(server)
        assert server.status()["rows_seen"] == 0
        proxy.mode = "forward"
        assert program.wait() == 0
        check_rows(server, power)
        check_flows(server, after=error)
        assert server.status()["table_rows"] == len(stored(power)) == 900
        with producer(tmp_path, proxy.dsn, *FEW) as program:
            wait_for(lambda: server.status()["rows_seen"] > 1000, what="more rows")
            accepted = proxy.accepted
            with proxy.trouble(mode):
                trouble(server)
                wait_for(lambda: proxy.accepted >= accepted + 2, what="two programs that try to connect")
                assert program.end(5) != 0
                assert "rows not written" in program.text()
                assert server.end(5) == 0


def test_a_database_200_ms_away(power_dsn, power, tmp_path):
    """Each question has a time limit of its own: a poll may take longer than one of them. It keeps up all the same."""
    with Proxy.before(power_dsn, delay_s=0.1) as far, \
            producer(tmp_path, power_dsn, "--rows-per-interval=900") as program:
        dsn = far.through(power_dsn)
        stopped = Server(tmp_path, dsn)
        stopped.says("poller started")
        assert stopped.end(4) == 0  # amid its first poll, which takes some seconds
        assert not re.search("WARNING|ERROR", stopped.text())
        with Server(tmp_path, dsn, "--tdengine-timeout-s=1") as server:
            assert program.end() == 0
            check_rows(server, power, seconds=40)
            status = server.status()
            assert status["last_error"] is None and status["rows_seen"] >= 10_000
            assert server.text().count("poller started") == 1 and "has not answered" not in server.text()


def test_poller_killed_and_then_the_server(power_dsn, power, tmp_path):
    """A new poller goes on and repeats nothing, where rows have come that the table has no room for. None is left."""
    with Server(tmp_path, power_dsn, *FAST, "--table-limit=500") as server, \
            producer(tmp_path, power_dsn, *FEW, "--count=20") as program:
        first = wait_for(lambda: (s := server.status())["rows_seen"] > 600 and s, what="600 rows")["poller"]
        with Viewer(server.port) as viewer:
            os.kill(first, signal.SIGKILL)
            check_answers(server, viewer)
            server.says("the poller process ended; starting a new poller")
            assert program.wait() == 0
            server.seen(1200)
            check_flows(server)
            check_rows(server, power, 500, engine=True)
            check_stayed(viewer, power, 500)
        second = server.status()["poller"]
        assert second not in (first, None)
        server.process.kill()
        server.process.wait()
        wait_for(lambda: not os.path.exists(f"/proc/{second}"), what="the end of the poller")


def test_producer_drops_what_is_too_old_and_says_so(proxy, power, tmp_path):
    with producer(tmp_path, proxy.dsn, *FEW, "--keep-s=1") as program:
        wait_for(lambda: some_stored(power), what="rows")
        cut = time.monotonic()
        with proxy.trouble("cut"):
            time.sleep(2.5)  # the outage itself
        before = len(stored(power))
        wait_for(lambda: len(stored(power)) >= before + 600, RECOVERY_S, "the rows kept, and then new ones")
        seconds = time.monotonic() - cut  # a second of rows was kept, and the rows of a second came after that
        assert program.end() == 0
    written, dropped = map(int, re.search(
        r"at least (\d+) rows written; dropped up to (\d+) rows older than 1 s", program.text()).groups())
    assert written <= len(stored(power)) <= written + dropped  # TDengine may have stored a write that was cut off
    assert 600 <= dropped < 600 * seconds  # there are 600 rows/s


def test_producer_drops_no_more_than_it_was_to_write(proxy, tmp_path):
    proxy.mode = "cut"
    program = producer(tmp_path, proxy.dsn, *FEW, "--keep-s=1", "--count=15")
    assert program.wait() == 1
    dropped, = re.search(r"dropped (?:up to )?(\d+) rows", program.text()).groups()
    left, = re.search(r"stopped with (?:up to )?(-?\d+) rows not written", program.text()).groups()
    assert int(dropped) <= 900 and int(left) >= 0


def some_stored(power) -> list[tuple]:
    try:
        return stored(power)
    except taosws.Error:  # the producer has not made the table yet
        return []


def test_super_table_dropped_and_made_again(fast_server, module_dsn, fast_power, tmp_path):
    assert producer(tmp_path, module_dsn, *FEW, "--count=2").wait() == 0
    check_rows(fast_server, fast_power, engine=True)
    assert fast_server.status()["table_rows"] == 120
    with Viewer(fast_server.port) as viewer:
        fast_power.execute("DROP TABLE meters")
        trouble(fast_server, "the super table does not exist yet")
        check_answers(fast_server, viewer)
        assert producer(tmp_path, module_dsn, *FEW, "--count=4").wait() == 0
        check_rows(fast_server, fast_power, engine=True)
        assert len(stored(fast_power)) == 240
        wait_for(lambda: viewer.closed, what="the end of the old table's connection")
        assert viewer.closed[0] == 1012
    check_flows(fast_server)


def test_super_table_and_database_dropped_under_the_producer(fast_server, module_dsn, fast_power, tmp_path):
    seen = fast_server.status()["rows_seen"]
    with producer(tmp_path, module_dsn, *FEW) as program:
        wait_for(lambda: fast_server.status()["rows_seen"] > seen + 300, what="300 rows")
        fast_power.execute("DROP TABLE meters")
        wait_for(lambda: list(fast_power.query("SHOW STABLES")), what="the producer's new table")
        wait_for(lambda: len(stored(fast_power)) > 300, what="300 rows in it")
        check_flows(fast_server)
        said = len(program.text())
        fast_power.execute(f"DROP DATABASE {module_dsn.rpartition('/')[2]}")
        wait_for(lambda: "errors; " in program.text()[said:], what="word of it")
        seen = fast_server.status()["rows_seen"]
        wait_for(lambda: fast_server.status()["rows_seen"] > seen + 300, what="rows of the new database")
        assert program.end() == 0
        check_rows(fast_server, taosws.connect(module_dsn))
        check_flows(fast_server)


def test_producer_killed_again_and_again(fast_server, module_dsn, fast_power, tmp_path):
    """At 100 writes a second a kill comes in the middle of one, sooner or later."""
    for _ in range(3):
        rows = fast_server.status()["rows_seen"]
        program = producer(tmp_path, module_dsn, "--interval-ms=10", "--rows-per-interval=90")
        wait_for(lambda: fast_server.status()["rows_seen"] > rows, what="new rows")
        program.process.kill()
        program.process.wait()
    check_rows(fast_server, fast_power)
    assert fast_server.status()["last_error"] is None


STEPPED_BACK = """
import asyncio, time, producer
real, started = time.time_ns, time.monotonic()
time.time_ns = lambda: real() - 60 * 10**9 * (time.monotonic() > started + 0.7)
asyncio.run(producer.main())
"""


def test_clock_stepped_back_under_the_producer(fast_server, module_dsn, fast_power, tmp_path):
    before = fast_server.status()
    program = Program(tmp_path / "producer.log", sys.executable, "-c", STEPPED_BACK, *FEW, "--count=20",
                      TDENGINE_DSN=module_dsn)
    assert "the clock was set back by 60 s: rows are ahead of it" in program.says("set back")
    assert program.wait() == 0
    assert fast_server.seen(before["rows_seen"] + 1200)["late_rows"] == before["late_rows"]
    check_rows(fast_server, fast_power)
