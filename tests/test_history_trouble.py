"""All rows while the database is silent or gone, and while the process that answers is stalled or killed."""

import os
import signal
import time

import pytest

from bridge.history.viewers import SILENCE_S
from bridge.viewer_requests import encode
from tests.helpers.history import HistoryViewer, history_process, message, view_message
from tests.helpers.programs import Server, now_ms
from tests.helpers.viewers import Viewer
from tests.helpers.waiting import wait_for
from tests.test_history import fill


def test_the_end_of_the_process_is_not_that_of_live_viewers(power_dsn, write, tmp_path):
    write(0, now_ms())
    with Server(tmp_path, power_dsn) as server, Viewer(server.port) as live, HistoryViewer(server.port) as viewer:
        assert viewer.table("meters").view().num_rows() == 1
        process, view = history_process(server), live.table().view()
        os.kill(process, signal.SIGSTOP)
        viewer.send(message(8, entity=b"meters"))  # under way
        assert view.num_rows() == 1
        os.kill(process, signal.SIGKILL)
        wait_for(lambda: viewer.closed, what="the end of the connection")
        assert viewer.closed == (1012, "the history's process has ended")
        write(0, now_ms())
        wait_for(lambda: view.num_rows() == 2, what="the new row")
        with HistoryViewer(server.port) as again:
            assert again.table("meters").view().num_rows() == 2
        assert history_process(server) != process and not live.closed


def test_the_database_ends_while_a_question_runs(start_embedded, tmp_path):
    folder = tmp_path / "database"
    embedded = start_embedded(f"--folder={folder}", "--retention=0")
    connection = embedded.connect()
    connection.execute("CREATE DATABASE power")
    connection.execute("USE power")
    fill(connection, 20_000, now_ms())
    with Server(tmp_path, f"{embedded.dsn}/power") as server, HistoryViewer(server.port) as viewer:
        table = viewer.table("meters")
        assert table.view(columns=["voltage"]).num_rows() == 20_000
        viewer.send(view_message())
        viewer.send(message(15))
        assert table.size() == 20_000  # so the view is there
        os.kill(embedded.process.pid, signal.SIGSTOP)  # it is silent
        viewer.send(message(24, encode(1, encode(1, 0) + encode(2, 9))))
        wait_for(lambda: any(viewer.asking), what="word of the question")
        embedded.kill()
        wait_for(lambda: viewer.asking and not viewer.asking[-1], 30, what="the end of the question")
        with pytest.raises(BaseException, match="does not answer|WebSocket|lost"):
            table.view(columns=["current"], group_by=["location"]).to_columns()
        start_embedded(f"--folder={folder}", "--retention=0", f"--port={embedded.port}")
        again = wait_for(lambda: rows_or_none(table), 30, what="the database's answer")
        assert again == [20_000, 20_000]


def rows_or_none(table):
    try:
        return table.view(columns=["current"], group_by=["groupid"], aggregates={"current": "count"}).to_columns()[
            "current"]
    except BaseException as error:
        assert "Abort" in str(error), error
        return None


def test_a_stalled_process_is_ended_and_live_viewers_do_not_notice(power_dsn, write, tmp_path):
    write(0, now_ms())
    with Server(tmp_path, power_dsn) as server, Viewer(server.port) as live, HistoryViewer(server.port) as viewer:
        assert viewer.table("meters").view().num_rows() == 1
        process, view, slowest = history_process(server), live.table().view(), 0
        os.kill(process, signal.SIGSTOP)
        stalled = time.monotonic()
        for _ in range(100):
            viewer.send(message(8, entity=b"meters"))
        while not viewer.closed:
            rows, asked = view.num_rows(), time.monotonic()
            assert asked - stalled < SILENCE_S + 5
            server.status()
            write(0, now_ms())
            wait_for(lambda: view.num_rows() > rows, 5, "the new row")
            slowest = max(slowest, time.monotonic() - asked)
        assert viewer.closed == (1012, f"the history's process was silent for {SILENCE_S} s") and not live.closed
        assert slowest < 4
        with HistoryViewer(server.port) as again:
            assert again.table("meters").view().num_rows() == view.num_rows()
        assert history_process(server) != process


def test_windows_fit_the_panel(power_dsn, power, tmp_path):
    fill(power, 1000, now_ms() // 1000 * 1000)
    with Server(tmp_path, power_dsn, "--history-every-s=1") as server, HistoryViewer(server.port) as viewer:
        told, config = [], {"group_by": ["timestamp"], "group_rollup_mode": "flat", "columns": ["voltage"]}
        view = viewer.table("meters").view(**config)
        view.on_update(lambda *_: told.append(1))
        assert view.num_rows() == 1000  # windows of a second
        for width, windows in (("250", 201), ("30", 18), ("0", 10), ("999999", 1000)):
            viewer.send(width)
            wait_for(lambda: told and view.num_rows() in (windows, windows - 1), what=f"{windows} windows")
            del told[:]
        viewer.send("-1")
        wait_for(lambda: viewer.closed, what="the end of the connection")
