"""perspective_server.py: each row of the database once in the viewers' table, whatever came first."""

import signal
from pathlib import Path

import pytest
import taosws

from tests.helpers.live_rows import shown, stored
from tests.helpers.programs import Server, now_ms, producer
from tests.helpers.viewers import CopyViewer, Viewer
from tests.helpers.waiting import wait_for


def test_status(server):
    status = server.status()
    assert "taosdata@" not in status["database"] and ":***@" in status["database"]
    assert status["tdengine_version"].startswith("3.")
    assert status["rows_seen"] == 1
    assert 0 <= status["newest_row_age_ms"] < 30_000
    assert status["last_error"] is None


def test_port_in_use_names_the_option(server, module_dsn, tmp_path):
    second = Server(tmp_path, module_dsn, f"--perspective-port={server.port}")
    assert second.wait() == 1
    assert "choose another with --perspective-port" in second.text().splitlines()[-1]


def test_newest_rows_are_there_before_it_listens(power_dsn, power, tmp_path):
    assert producer(tmp_path, power_dsn, "--count=3", "--interval-ms=50").wait() == 0
    with Server(tmp_path, power_dsn) as server:
        assert server.status()["rows_seen"] == 900
        with CopyViewer(server.port) as copy, Viewer(server.port) as viewer:
            copy.has(power, 10_000)
            assert sorted(shown(viewer)) == sorted(stored(power))
            for process in server.processes():
                assert "pandas" not in Path(f"/proc/{process}/maps").read_text()  # it takes time and memory for nothing
    assert server.process.returncode == 0


def test_started_before_the_producer(power_dsn, connection, database, tmp_path):
    """It says what it waits for. Then rows arrive once and ascending while they are written; the newest stay."""
    connection.execute(f"DROP DATABASE {database}")
    pace = "--interval-ms=100"
    with Server(tmp_path, power_dsn, pace, "--table-limit=1000") as server:
        waiting = wait_for(lambda: server.status()["waiting"], what="a word on what it waits for")
        assert "the database does not exist yet: start producer.py" in waiting
        assert "the database does not exist yet" in server.text()
        assert producer(tmp_path, power_dsn, pace, "--count=10", "--rows-per-interval=60").wait() == 0
        status = server.seen(600)
        assert status["waiting"] is None and status["last_error"] is None
        assert "rows are flowing" in server.text()
        power = taosws.connect(power_dsn)
        with Viewer(server.port) as viewer:
            rows = shown(viewer)
            assert sorted(rows) == sorted(stored(power))
            assert [row[0] for row in rows] == sorted(row[0] for row in rows)
            assert producer(tmp_path, power_dsn, pace, "--count=5", "--rows-per-interval=110").wait() == 0
            newest = stored(power, 1000)
            wait_for(lambda: max(shown(viewer)) == max(newest), what="the newest row")
            rows = shown(viewer)
        assert len(rows) == 1000
        assert min(rows)[0] >= newest[0][0] - 10  # of rows of one millisecond any may be the last to stay


def test_eight_grouped_viewers_on_an_empty_database(power_dsn, write, tmp_path):
    """On an *empty* table grouped views can hang Perspective: there is no table before its first rows.

    "last" is the newest value, also of a group.
    """
    with Server(tmp_path, power_dsn, "--interval-ms=50") as server:
        viewers = [Viewer(server.port).__enter__() for _ in range(8)]
        assert all(viewer.client.get_hosted_table_names() == [] for viewer in viewers)
        start = now_ms()
        write(0, start, voltage=221)
        views = [viewer.table().view(group_by=["location"], columns=["voltage"], aggregates={"voltage": "last"})
                 for viewer in viewers]
        for step in range(1, 5):
            write(0, start + step, voltage=221 + step)
        for view in views:
            wait_for(lambda: view.to_columns()["voltage"] == [225, 225], what="the newest row in every view")
        assert server.status()["viewers"] == 8
        for viewer in viewers:
            viewer.__exit__()


@pytest.mark.embedded_only
def test_a_stalled_database_is_said_and_survived(start_embedded, tmp_path):
    database = start_embedded()
    dsn = f"{database.dsn}/power"
    with Server(tmp_path, dsn, "--interval-ms=100", "--tdengine-timeout-s=1") as server:
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
