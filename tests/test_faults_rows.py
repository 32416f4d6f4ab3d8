"""Rows and tables that are not as expected: each is said in words, and viewers have the newest rows, each once."""

import time
from functools import partial

import pytest
import taosws

import meters
from tests.helpers.faults import (
    FAST,
    FEW,
    RECOVERY_S,
    check_answers,
    check_flows,
    check_rows,
    now_shown,
    trouble,
)
from tests.helpers.live_rows import shown
from tests.helpers.meter_rows import write_row
from tests.helpers.programs import Server, now_ms, producer
from tests.helpers.viewers import CopyViewer, Viewer
from tests.helpers.waiting import wait_for

COUNTED_S = 4  # the poller counts rows every 3 s: then it has done so


def test_rows_later_than_the_overlap_are_counted_and_shown(power_dsn, power, write, tmp_path):
    """In a full ring, whose viewers notice nothing, and in a table that has room, whose viewers connect again."""
    start, options = now_ms() - 5000, ("--interval-ms=300", "--overlap-ms=500")
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
    """The first table is there before the server. The others come between two polls, in place of a table with rows."""
    power.execute("CREATE STABLE meters ({}) TAGS ({})".format(*OTHER_COLUMNS[0]))
    with Server(tmp_path, power_dsn, "--interval-ms=500") as server:
        poller = server.status()["poller"]
        for columns, tags, words in OTHER_COLUMNS:
            power.execute(f"CREATE STABLE IF NOT EXISTS meters ({columns}) TAGS ({tags})")
            error = trouble(server, words)
            with producer(tmp_path, power_dsn, *FEW) as program:
                program.says(words)
                seen = server.status()["rows_seen"]
                power.execute("DROP TABLE meters")
                wait_for(lambda: server.status()["rows_seen"] > seen + 300, RECOVERY_S, "rows")
                check_flows(server, after=error)
                assert program.end() == 0
            check_rows(server, power)
            assert server.status()["poller"] == poller
            assert server.text().count(words) == 1
            assert "Traceback" not in server.text() + program.text()
            power.execute("DROP TABLE meters")


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
    with Server(tmp_path, power_dsn) as server, CopyViewer(server.port) as viewer:
        assert server.status()["rows_seen"] == 0
        with producer(tmp_path, power_dsn, *FEW, "--count=5") as program:
            assert program.wait() == 0
        server.seen(300)
        status = wait_for(lambda: (s := server.status())["future_rows"] == 1 and s, RECOVERY_S, "the row in /status")
        assert 0 < status["future_ms"] <= 8000
        assert 0 <= status["newest_row_age_ms"] < 5000
        viewer.has(power, 10_000)
        wait_for(lambda: server.status()["future_rows"] == 0, RECOVERY_S, "its time")
        assert server.status()["rows_seen"] == 301


def rewritten(power, meter: int, ts: int, current: float = 10.5, voltage: int | str = 220, phase: float = 0.5) -> None:
    """Writes a row of a subtable that is there."""
    power.execute(f"INSERT INTO d_bind_{meter} VALUES ({ts}, {current}, {voltage}, {phase})")


@pytest.fixture
def write_fast(fast_power):
    """A function that writes one row of a meter at a time in epoch ms, with its voltage."""
    fast_power.execute(meters.create_super_table())
    return partial(write_row, fast_power)


def test_late_rows_within_the_overlap(fast_server, fast_power, write_fast):
    start, before = now_ms(), fast_server.status()
    write_fast(0, start)
    fast_server.seen(before["rows_seen"] + 1)
    for late in (1999, 1, 700, 1500, 30):
        write_fast(late % 10, start - late)
    assert fast_server.seen(before["rows_seen"] + 6)["late_rows"] == before["late_rows"]
    check_rows(fast_server, fast_power)


def test_rows_that_are_overwritten_repeated_and_deleted(fast_server, fast_power, write_fast):
    start = now_ms() - 10_000
    for n in range(50):
        write_fast(n % 3, start + 200 * n)
    check_rows(fast_server, fast_power)
    for n in (49, 48, 10, 0):
        rewritten(fast_power, n % 3, start + 200 * n, voltage=100 + n)
        rewritten(fast_power, (n + 1) % 3, start + 200 * ((n + 1) % 50))  # as it was, or nearly
    check_rows(fast_server, fast_power, engine=True)
    rows = now_shown(fast_server)
    assert len(rows) == len({(row[0], row[2]) for row in rows})
    fast_power.execute("DROP TABLE d_bind_0")
    check_rows(fast_server, fast_power, engine=True)


def test_nulls_in_every_column(fast_server, fast_power, write_fast):
    """The first row has nothing else."""
    start, seen = now_ms(), fast_server.status()["rows_seen"]
    fast_power.execute("CREATE TABLE d_bind_77 USING meters TAGS (NULL, NULL)")
    rewritten(fast_power, 77, start, "NULL", "NULL", "NULL")
    fast_server.seen(seen + 1)
    with Viewer(fast_server.port) as viewer:
        assert viewer.table().schema() == meters.PERSPECTIVE_SCHEMA
        check_rows(fast_server, fast_power, engine=True)
        grouped = viewer.table().view(group_by=["location", "groupid"], columns=["voltage"],
                                      aggregates={"voltage": "last"})
        write_fast(0, start)
        for n, column in enumerate(("current", "voltage", "phase")):
            rewritten(fast_power, 0, start + n + 1, **{column: "NULL"})
        rewritten(fast_power, 77, start + 9, "NULL", "NULL", "NULL")
        rewritten(fast_power, 77, start + 10, voltage=230)
        fast_server.seen(seen + 7)
        check_rows(fast_server, fast_power, engine=True)
        assert (start + 9, None, None, None, None, None) in shown(viewer)
        wait_for(lambda: 230 in grouped.to_columns()["voltage"], what="the group without a name")
    check_flows(fast_server)
