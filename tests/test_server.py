"""perspective_server.py: each row of the database once in the viewers' table, whatever came first."""

import os
import signal
from pathlib import Path

import pytest

from tests.helpers.live_rows import shown, stored
from tests.helpers.programs import Server, now_ms, producer
from tests.helpers.viewers import CopyViewer, Viewer
from tests.helpers.waiting import wait_for


def test_newest_rows_are_there_before_it_listens(power_dsn, power, tmp_path):
    assert producer(tmp_path, power_dsn, "--count=3", "--interval-ms=50").wait() == 0
    with Server(tmp_path, power_dsn) as server:
        assert server.status()["rows_seen"] == 900
        with Viewer(server.port) as viewer:
            assert sorted(shown(viewer)) == sorted(stored(power))
            for process in server.processes():
                assert "pandas" not in Path(f"/proc/{process}/maps").read_text()  # it takes time and memory for nothing


def test_rows_arrive_once_and_ascending_while_they_are_written(power_dsn, power, tmp_path):
    with Server(tmp_path, power_dsn, "--interval-ms=50") as server:
        assert producer(tmp_path, power_dsn, "--count=30", "--interval-ms=50").wait() == 0
        server.seen(9000)
        with Viewer(server.port) as viewer:
            rows = shown(viewer)
        assert sorted(rows) == sorted(stored(power))
        assert [row[0] for row in rows] == sorted(row[0] for row in rows)


def test_table_keeps_the_newest(power_dsn, power, tmp_path):
    with Server(tmp_path, power_dsn, "--table-limit=500", "--interval-ms=50") as server:
        assert producer(tmp_path, power_dsn, "--count=5", "--interval-ms=50", "--rows-per-interval=310").wait() == 0
        newest = stored(power, 500)
        with Viewer(server.port) as viewer:
            wait_for(lambda: max(shown(viewer)) == max(newest), what="the newest row")
            rows = shown(viewer)
        assert len(rows) == 500
        assert min(rows)[0] >= newest[0][0] - 10  # of rows of one millisecond any may be the last to stay


def test_last_shows_the_newest_value(power_dsn, write, tmp_path):
    start = now_ms()
    for step in range(5):
        write(1, start + step, voltage=200 + step)
    with Server(tmp_path, power_dsn) as server, Viewer(server.port) as viewer:
        view = viewer.table().view(group_by=["location"], columns=["voltage"], aggregates={"voltage": "last"})
        assert view.to_columns()["voltage"] == [204, 204]
        write(1, start + 5, voltage=205)
        wait_for(lambda: view.to_columns()["voltage"] == [205, 205], what="the newest value")


def test_late_and_repeated_rows(power_dsn, power, write, tmp_path):
    start = now_ms()
    write(0, start)
    with Server(tmp_path, power_dsn, "--interval-ms=50", "--overlap-ms=2000") as server, \
            CopyViewer(server.port) as viewer:
        server.seen(1)
        write(1, start - 1500)  # late, within the overlap
        server.seen(2)
        write(0, start)  # again, with the same values
        write(2, start - 60_000)  # later than the overlap: a check finds it, within seconds
        write(2, start + 1)
        assert server.seen(4)["late_rows"] == 1
        viewer.has(power, 10_000)
        assert sorted(row[0] for row in viewer.rows) == [start - 60_000, start - 1500, start, start + 1]


def test_restart_shows_the_same_rows(power_dsn, power, tmp_path):
    assert producer(tmp_path, power_dsn, "--count=2", "--interval-ms=50").wait() == 0
    for _ in range(2):
        with Server(tmp_path, power_dsn) as server, CopyViewer(server.port) as viewer:
            viewer.has(power, 10_000)
        assert server.process.returncode == 0


def test_started_before_the_producer(power_dsn, connection, database, tmp_path):
    connection.execute(f"DROP DATABASE {database}")
    with Server(tmp_path, power_dsn, "--interval-ms=50") as server:
        waiting = wait_for(lambda: server.status()["waiting"], what="a word on what it waits for")
        assert "the database does not exist yet: start producer.py" in waiting
        assert "the database does not exist yet" in server.text()
        assert producer(tmp_path, power_dsn, "--count=2", "--interval-ms=50").wait() == 0
        status = server.seen(600)
        assert status["waiting"] is None and status["last_error"] is None
        assert "rows are flowing" in server.text()


def test_eight_grouped_viewers_on_an_empty_database(power_dsn, write, tmp_path):
    """On an *empty* table grouped views can hang Perspective: there is no table before its first rows."""
    with Server(tmp_path, power_dsn, "--interval-ms=50") as server:
        viewers = [Viewer(server.port).__enter__() for _ in range(8)]
        assert all(viewer.client.get_hosted_table_names() == [] for viewer in viewers)
        write(0, now_ms(), voltage=221)
        views = [viewer.table().view(group_by=["location"], columns=["voltage"], aggregates={"voltage": "last"})
                 for viewer in viewers]
        write(0, now_ms(), voltage=222)
        for view in views:
            wait_for(lambda: view.to_columns()["voltage"] == [222, 222], what="the second row in every view")
        assert server.status()["viewers"] == 8
        for viewer in viewers:
            viewer.__exit__()


def test_poller_killed_goes_on_and_repeats_nothing(power_dsn, power, tmp_path):
    with Server(tmp_path, power_dsn, "--interval-ms=50") as server:
        program = producer(tmp_path, power_dsn, "--count=40", "--interval-ms=50")
        wait_for(lambda: server.status()["rows_seen"] > 2000, what="2000 rows")
        poller = int(server.text().split("poller started, process ")[1].split()[0])
        os.kill(poller, signal.SIGKILL)
        assert program.wait() == 0
        server.seen(12_000)
        with Viewer(server.port) as viewer:
            rows = shown(viewer)
        assert len(rows) == len(set(rows)) == 10_000  # --table-limit
        assert sorted(rows)[-9000:] == sorted(stored(power))[-9000:]


@pytest.mark.embedded_only
def test_a_stalled_database_is_said_and_survived(start_embedded, tmp_path):
    database = start_embedded()
    dsn = f"{database.dsn}/power"
    with Server(tmp_path, dsn, "--interval-ms=50", "--tdengine-timeout-s=1") as server:
        assert producer(tmp_path, dsn, "--count=3", "--interval-ms=50").wait() == 0
        server.seen(900)
        database.process.send_signal(signal.SIGSTOP)
        error = wait_for(lambda: server.status()["last_error"], what="a word on the stall")
        with Viewer(server.port) as viewer:  # the viewers do not notice
            assert viewer.table().size() == 900
        assert error in server.text()
        database.process.send_signal(signal.SIGCONT)
        assert producer(tmp_path, dsn, "--count=3", "--interval-ms=50").wait() == 0
        assert server.seen(1800)["last_error"] is None


def test_status(power_dsn, write, tmp_path):
    write(0, now_ms())
    with Server(tmp_path, power_dsn) as server:
        status = server.status()
        assert "taosdata@" not in status["database"] and ":***@" in status["database"]
        assert status["tdengine_version"].startswith("3.")
        assert status["rows_seen"] == 1
        assert 0 <= status["newest_row_age_ms"] < 30_000
        assert status["last_error"] is None


def test_port_in_use_names_the_option(power_dsn, tmp_path):
    with Server(tmp_path, power_dsn) as first:
        second = Server(tmp_path, power_dsn, f"--perspective-port={first.port}")
        assert second.wait() == 1
        assert "choose another with --perspective-port" in second.text().splitlines()[-1]
