"""Faults: each is said in words, no viewer waits for it, and after it all viewers have the newest rows, each once."""

import os
import re
import signal
import statistics
import sys
import threading
import time
from collections import Counter
from contextlib import suppress

import pytest
import taosws

import meters
from tests.helpers.live_rows import shown, stored
from tests.helpers.programs import Program, Server, now_ms, producer
from tests.helpers.proxy import Proxy
from tests.helpers.viewers import CopyViewer, Viewer
from tests.helpers.waiting import wait_for

FAST = "--interval-ms=50", "--tdengine-timeout-s=1"
FEW = *FAST, "--rows-per-interval=30"
RECOVERY_S = 20  # it is 5 s; machines are shared
COUNTED_S = 4  # the poller counts rows every 3 s: then it has done so


@pytest.fixture
def proxy(power_dsn):
    host, port = re.search(r"@([^:/]+):(\d+)", power_dsn).groups()
    with Proxy(int(port), host) as proxy:
        proxy.dsn = re.sub(r"@[^/]+", f"@127.0.0.1:{proxy.port}", power_dsn)
        yield proxy


def now_shown(server) -> list[tuple] | None:
    """The rows that a viewer finds who comes now. None where the server closes the connection meanwhile."""
    found = []

    def look():
        with suppress(Exception), Viewer(server.port) as viewer:
            found.append(shown(viewer))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(2)
    return found[0] if found else None


def check_rows(server, power, limit: int = 10_000, seconds: float = RECOVERY_S, engine: bool = False) -> None:
    """Waits until a new viewer has exactly the database's newest rows, each once: its copy, or the engine's table."""
    def equal(rows):
        newest = stored(power, limit)
        cut = newest[0][0] if len(newest) == limit else -1  # of this millisecond any row may be the last to stay
        return rows is not None and len(rows) == len(newest) and (
            Counter(row for row in rows if row[0] > cut) == Counter(row for row in newest if row[0] > cut))
    what = "the database's newest rows, each once"
    if engine:
        wait_for(lambda: equal(now_shown(server)), seconds, what)
    else:
        with CopyViewer(server.port) as copy:
            wait_for(lambda: equal(list(copy.rows)), seconds, what)


def check_stayed(viewer, power) -> None:
    """A viewer that was there all the time is still connected, and has the database's rows."""
    assert viewer.closed is None
    assert Counter(shown(viewer)) == Counter(stored(power))


def check_answers(server, viewer) -> None:
    """A viewer's question, and /status, are answered at once."""
    table = viewer.table()
    for ask in (table.size, server.status):
        seconds = []
        for _ in range(9):
            started = time.monotonic()
            ask()
            seconds.append(time.monotonic() - started)
        assert statistics.median(seconds) < 0.2


def trouble(server, words: str = "") -> str:
    """Waits until /status says a trouble with these words, and returns all it says. The log has to say it too."""
    def said():
        status = server.status()
        error = status["last_error"] or status["waiting"]
        return error and words in error and error
    error = wait_for(said, RECOVERY_S, f"{words!r} in /status")
    server.says(error, 5)
    return error


def check_flows(server, after: str = "") -> None:
    """Waits until /status says no trouble. Where there was one, `after`, the log says that it is over."""
    def flows():
        status = server.status()
        return status["last_error"] is None and status["waiting"] is None
    wait_for(flows, RECOVERY_S, "the end of the trouble in /status")
    if after:
        wait_for(lambda: "rows are flowing" in server.text().rpartition(after)[2], 5, "the trouble's end in the log")


def rewritten(power, meter: int, ts: int, current: float = 10.5, voltage: int | str = 220, phase: float = 0.5) -> None:
    """Writes a row of a subtable that is there."""
    power.execute(f"INSERT INTO d_bind_{meter} VALUES ({ts}, {current}, {voltage}, {phase})")


@pytest.mark.parametrize("mode", ("cut", "silent", "hang"))
def test_database_in_trouble(proxy, power, tmp_path, mode):
    """Connections cut; TCP accepted and never answered; the handshake answered, and then no query."""
    with Server(tmp_path, proxy.dsn, *FAST) as server, producer(tmp_path, proxy.dsn, *FEW, "--count=60") as program:
        wait_for(lambda: server.status()["rows_seen"] > 300, what="300 rows")
        with Viewer(server.port) as viewer:
            lines = len(server.text().splitlines())
            with proxy.trouble(mode):
                error = trouble(server)
                fault_ends = time.monotonic() + 1.5
                while time.monotonic() < fault_ends:
                    check_answers(server, viewer)
                    time.sleep(0.2)  # the pace: each looks nine times
                assert "errors; " in program.text()
                assert len(server.text().splitlines()) - lines < 10  # of 30 polls
            check_flows(server, after=error)
            assert program.wait() == 0
            assert "1800 rows written" in program.text() and "dropped" not in program.text()
            check_rows(server, power, engine=True)
            check_stayed(viewer, power)
        assert len(stored(power)) == 1800


@pytest.mark.parametrize("mode", ("cut", "silent", "hang"))
def test_database_in_trouble_at_the_start(proxy, power, tmp_path, mode):
    proxy.mode = mode
    with Server(tmp_path, proxy.dsn, *FAST) as server, producer(tmp_path, proxy.dsn, *FEW, "--count=30") as program:
        error = trouble(server)
        assert server.status()["rows_seen"] == 0
        proxy.mode = "forward"
        assert program.wait() == 0
        check_rows(server, power)
        check_flows(server, after=error)
        assert server.status()["table_rows"] == len(stored(power)) == 900


def test_a_database_200_ms_away(power_dsn, power, tmp_path):
    """Each question has a time limit of its own: a poll may take longer than one of them."""
    host, port = re.search(r"@([^:/]+):(\d+)", power_dsn).groups()
    with Proxy(int(port), host, delay_s=0.1) as far, producer(tmp_path, power_dsn, "--count=40") as program:
        dsn = re.sub(r"@[^/]+", f"@127.0.0.1:{far.port}", power_dsn)
        with Server(tmp_path, dsn, "--tdengine-timeout-s=1") as server:
            assert program.wait(40) == 0
            check_rows(server, power, seconds=40)
            status = server.status()
            assert status["last_error"] is None and status["rows_seen"] >= 10_000
            assert server.text().count("poller started") == 1 and "has not answered" not in server.text()


def test_table_rows_is_null_without_a_table(power_dsn, write, tmp_path):
    with Server(tmp_path, power_dsn, *FAST) as server:
        assert server.status()["table_rows"] is None
        write(0, now_ms())
        server.seen(1)
        assert server.status()["table_rows"] == 1


@pytest.mark.parametrize("mode", ("silent", "hang"))
def test_programs_can_be_stopped_while_the_database_hangs(proxy, tmp_path, mode):
    with Server(tmp_path, proxy.dsn, *FAST) as server, producer(tmp_path, proxy.dsn, *FEW) as program:
        wait_for(lambda: server.status()["rows_seen"] > 300, what="300 rows")
        accepted = proxy.accepted
        with proxy.trouble(mode):
            trouble(server)
            wait_for(lambda: proxy.accepted >= accepted + 2, what="two programs that try to connect")
            assert program.end(5) != 0
            assert "rows not written" in program.text()
            assert server.end(5) == 0


def test_super_table_dropped_and_made_again(power_dsn, power, tmp_path):
    with Server(tmp_path, power_dsn, *FAST) as server:
        assert producer(tmp_path, power_dsn, *FEW, "--count=5").wait() == 0
        check_rows(server, power, engine=True)
        with Viewer(server.port) as viewer:
            power.execute("DROP TABLE meters")
            trouble(server, "the super table does not exist yet")
            check_answers(server, viewer)
            assert producer(tmp_path, power_dsn, *FEW, "--count=8").wait() == 0
            check_rows(server, power, engine=True)
            assert len(stored(power)) == 240
            wait_for(lambda: viewer.closed, what="the end of the old table's connection")
            assert viewer.closed[0] == 1012
        check_flows(server)


def test_super_table_dropped_under_the_producer(power_dsn, power, tmp_path):
    with Server(tmp_path, power_dsn, *FAST) as server, producer(tmp_path, power_dsn, *FEW) as program:
        wait_for(lambda: server.status()["rows_seen"] > 300, what="300 rows")
        power.execute("DROP TABLE meters")
        wait_for(lambda: list(power.query("SHOW STABLES")), what="the producer's new table")
        wait_for(lambda: len(stored(power)) > 300, what="300 rows in it")
        assert program.end() == 0
        check_rows(server, power)
        check_flows(server)


def test_database_dropped_and_made_again(power_dsn, connection, database, tmp_path):
    with Server(tmp_path, power_dsn, *FAST) as server, producer(tmp_path, power_dsn, *FEW) as program:
        wait_for(lambda: server.status()["rows_seen"] > 300, what="300 rows")
        connection.execute(f"DROP DATABASE {database}")
        program.says("errors; ")
        seen = server.status()["rows_seen"]
        wait_for(lambda: server.status()["rows_seen"] > seen + 300, what="rows of the new database")
        program.end()
        power = taosws.connect(power_dsn)
        check_rows(server, power)
        check_flows(server)


def test_poller_killed(power_dsn, power, tmp_path):
    with Server(tmp_path, power_dsn, *FAST) as server, producer(tmp_path, power_dsn, *FEW, "--count=20") as program:
        first = wait_for(lambda: (s := server.status())["rows_seen"] > 300 and s, what="300 rows")["poller"]
        with Viewer(server.port) as viewer:
            os.kill(first, signal.SIGKILL)
            check_answers(server, viewer)
            server.says("the poller process ended; starting a new poller")
            assert program.wait() == 0
            check_flows(server)
            check_rows(server, power, engine=True)
            check_stayed(viewer, power)
        assert server.status()["poller"] not in (first, None)


def test_server_killed_leaves_no_poller(power_dsn, write, tmp_path):
    server = Server(tmp_path, power_dsn, *FAST).__enter__()
    poller = server.status()["poller"]
    server.process.kill()
    server.process.wait()
    wait_for(lambda: not os.path.exists(f"/proc/{poller}"), what="the end of the poller")


def test_producer_killed_again_and_again(power_dsn, power, tmp_path):
    """At 100 writes a second a kill comes in the middle of one, sooner or later."""
    with Server(tmp_path, power_dsn, *FAST) as server:
        for _ in range(3):
            rows = server.status()["rows_seen"]
            program = producer(tmp_path, power_dsn, "--interval-ms=10", "--rows-per-interval=90")
            wait_for(lambda: server.status()["rows_seen"] > rows, what="new rows")
            program.process.kill()
            program.process.wait()
        check_rows(server, power)
        assert server.status()["last_error"] is None


def test_late_rows_within_the_overlap(power_dsn, power, write, tmp_path):
    start = now_ms()
    write(0, start)
    with Server(tmp_path, power_dsn, *FAST) as server:
        for late in (1999, 1, 700, 1500, 30):
            write(late % 10, start - late)
        assert server.seen(6)["late_rows"] == 0
        check_rows(server, power)


def test_rows_later_than_the_overlap_are_counted_and_shown(power_dsn, power, write, tmp_path):
    """In a full ring, whose viewers notice nothing, and in a table that has room, whose viewers connect again."""
    start, options = now_ms() - 5000, (*FAST, "--overlap-ms=500")
    for n in range(20):
        write(0, start + n * 200)
    with Server(tmp_path, power_dsn, *options, "--table-limit=20") as full, \
            Server(tmp_path, power_dsn, *options) as roomy, Viewer(full.port) as viewer, Viewer(roomy.port) as other:
        assert viewer.table().size() == other.table().size() == 20
        time.sleep(COUNTED_S)
        for n in (3, 9, 2):
            write(1, start + n * 200 + 1)
        check_rows(full, power, 20, engine=True)
        check_rows(roomy, power, engine=True)
        for server in (full, roomy):
            wait_for(lambda: server.status()["late_rows"] == 3, RECOVERY_S, "three late rows in /status")
            server.says("3 rows came later than OVERLAP_MS (500 ms)", 1)
        check_answers(full, viewer)
        assert viewer.closed is None
        wait_for(lambda: other.closed, what="the end of the old table's connection")
        assert other.closed[0] == 1012


def test_overwritten_and_repeated_rows(power_dsn, power, write, tmp_path):
    start = now_ms() - 10_000
    for n in range(50):
        write(n % 3, start + 200 * n)
    with Server(tmp_path, power_dsn, *FAST, "--overlap-ms=500") as server:
        check_rows(server, power, engine=True)
        for n in (49, 48, 10, 0):
            rewritten(power, n % 3, start + 200 * n, voltage=100 + n)
            rewritten(power, (n + 1) % 3, start + 200 * ((n + 1) % 50))  # as it was, or nearly
        check_rows(server, power, engine=True)
        rows = now_shown(server)
        assert len(rows) == len({(row[0], row[2]) for row in rows})


def test_deleted_rows(power_dsn, power, write, tmp_path):
    start = now_ms() - 10_000
    for n in range(50):
        write(n % 3, start + 200 * n)
    with Server(tmp_path, power_dsn, *FAST) as server:
        check_rows(server, power, engine=True)
        power.execute("DROP TABLE d_bind_0")
        check_rows(server, power, engine=True)


COLUMNS = "ts TIMESTAMP, current FLOAT, voltage INT, phase FLOAT"
TAGS = "groupid INT, location BINARY(24)"


OTHER_COLUMNS = (
    (COLUMNS.replace(", phase FLOAT", ""), TAGS, "column phase is missing"),
    (COLUMNS.replace("voltage INT", "voltage FLOAT"), TAGS,
     "column voltage is FLOAT column in the database, INT column in meters.py"),
    (COLUMNS, TAGS.replace("groupid INT", "groupid BIGINT"),
     "tag groupid is BIGINT tag in the database, INT tag in meters.py"),
    (COLUMNS + ", " + TAGS.split(", ")[0], TAGS.split(", ")[1],
     "tag groupid is INT column in the database, INT tag in meters.py"),
)


def test_other_columns_are_named(power_dsn, power, tmp_path):
    """The first table is there before the server, the others come under it."""
    power.execute("CREATE STABLE meters ({}) TAGS ({})".format(*OTHER_COLUMNS[0]))
    with Server(tmp_path, power_dsn, *FAST) as server:
        poller = server.status()["poller"]
        for columns, tags, words in OTHER_COLUMNS:
            power.execute(f"CREATE STABLE IF NOT EXISTS meters ({columns}) TAGS ({tags})")
            trouble(server, words)
            with producer(tmp_path, power_dsn, *FEW) as program:
                program.says(words)
                seen = server.status()["rows_seen"]
                power.execute("DROP TABLE meters")
                wait_for(lambda: server.status()["rows_seen"] > seen + 300, RECOVERY_S, "rows")
                check_flows(server)
                assert program.end() == 0
            check_rows(server, power)
            assert server.status()["poller"] == poller
            assert server.text().count(words) == 1
            assert "Traceback" not in server.text() + program.text()
            power.execute("DROP TABLE meters")


def test_a_column_changes_its_type_between_two_polls(power_dsn, power, write, tmp_path):
    write(0, now_ms())
    with Server(tmp_path, power_dsn, "--interval-ms=500") as server:
        server.seen(1)
        poller = server.status()["poller"]
        power.execute("DROP TABLE meters")
        power.execute(f"CREATE STABLE meters ({COLUMNS.replace('voltage INT', 'voltage FLOAT')}) TAGS ({TAGS})")
        error = trouble(server, "column voltage is FLOAT")
        with producer(tmp_path, power_dsn, *FEW) as program:
            program.says("column voltage is FLOAT")
            power.execute("DROP TABLE meters")
            check_flows(server, after=error)
        check_rows(server, power)
        assert server.status()["poller"] == poller


def test_database_of_another_precision(power_dsn, connection, database, tmp_path):
    connection.execute(f"DROP DATABASE {database}")
    connection.execute(f"CREATE DATABASE {database} PRECISION 'us'")
    with Server(tmp_path, power_dsn, FAST[0]) as server, producer(tmp_path, power_dsn, *FEW) as program:
        trouble(server, "the database counts time in us, meters.py in ms")
        poller = server.status()["poller"]
        program.says("the database counts time in us")
        connection.execute(f"DROP DATABASE {database}")
        wait_for(lambda: server.status()["rows_seen"] > 300, RECOVERY_S, "rows")
        program.end()
        check_rows(server, taosws.connect(power_dsn))
        check_flows(server)
        assert server.status()["poller"] == poller


def test_a_row_of_the_future_waits_for_its_time(power_dsn, power, write, tmp_path):
    """Other rows come as ever; /status says how many wait, and how far ahead the last of them is."""
    write(0, now_ms() + 8000)
    with Server(tmp_path, power_dsn, *FAST) as server, CopyViewer(server.port) as viewer:
        assert server.status()["rows_seen"] == 0
        with producer(tmp_path, power_dsn, *FEW, "--count=40") as program:
            assert program.wait() == 0
        server.seen(1200)
        status = wait_for(lambda: (s := server.status())["future_rows"] == 1 and s, RECOVERY_S, "the row in /status")
        assert 0 < status["future_ms"] <= 8000
        assert 0 <= status["newest_row_age_ms"] < 5000
        viewer.has(power, 10_000)
        wait_for(lambda: server.status()["future_rows"] == 0, RECOVERY_S, "its time")
        assert server.status()["rows_seen"] == 1201


STEPPED_BACK = """
import asyncio, time, producer
real, started = time.time_ns, time.monotonic()
time.time_ns = lambda: real() - 60 * 10**9 * (time.monotonic() > started + 0.7)
asyncio.run(producer.main())
"""


def test_clock_stepped_back_under_the_producer(power_dsn, power, tmp_path):
    with Server(tmp_path, power_dsn, *FAST) as server:
        program = Program(tmp_path / "producer.log", sys.executable, "-c", STEPPED_BACK, *FEW, "--count=40",
                          TDENGINE_DSN=power_dsn)
        assert "the clock was set back by 60 s: rows are ahead of it" in program.says("set back")
        assert program.wait() == 0
        assert server.seen(1200)["late_rows"] == 0
        check_rows(server, power)


def test_nulls_in_every_column(power_dsn, power, write, tmp_path):
    start = now_ms()
    write(0, start)
    power.execute("CREATE TABLE d_bind_77 USING meters TAGS (NULL, NULL)")
    with Server(tmp_path, power_dsn, *FAST) as server, Viewer(server.port) as viewer:
        grouped = viewer.table().view(group_by=["location", "groupid"], columns=["voltage"],
                                      aggregates={"voltage": "last"})
        for n, column in enumerate(("current", "voltage", "phase")):
            rewritten(power, 0, start + n + 1, **{column: "NULL"})
        rewritten(power, 77, start + 9, "NULL", "NULL", "NULL")
        rewritten(power, 77, start + 10, voltage=230)
        server.seen(6)
        check_rows(server, power, engine=True)
        assert (start + 9, None, None, None, None, None) in shown(viewer)
        wait_for(lambda: 230 in grouped.to_columns()["voltage"], what="the group without a name")
        check_flows(server)


def test_only_nulls_from_the_start(power_dsn, power, write, tmp_path):
    power.execute(meters.create_super_table())
    power.execute("CREATE TABLE d_bind_77 USING meters TAGS (NULL, NULL)")
    rewritten(power, 77, now_ms(), "NULL", "NULL", "NULL")
    with Server(tmp_path, power_dsn, *FAST) as server, Viewer(server.port) as viewer:
        assert viewer.table().schema() == meters.PERSPECTIVE_SCHEMA
        check_rows(server, power, engine=True)


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
    program = producer(tmp_path, proxy.dsn, *FEW, "--keep-s=1", "--count=30")
    assert program.wait() == 1
    dropped, = re.search(r"dropped (?:up to )?(\d+) rows", program.text()).groups()
    left, = re.search(r"stopped with (?:up to )?(-?\d+) rows not written", program.text()).groups()
    assert int(dropped) <= 900 and int(left) >= 0


def some_stored(power) -> list[tuple]:
    try:
        return stored(power)
    except taosws.Error:  # the producer has not made the table yet
        return []
