"""All rows while the database is silent or gone, and while the process that answers is stalled or killed."""

import os
import signal
import time

import pytest

import meters
from bridge.history.viewers import SILENCE_S
from bridge.viewer_requests import encode
from tests.helpers.history import HistoryViewer, fill, history_process, message, view_message
from tests.helpers.meter_rows import write_row
from tests.helpers.programs import Server, now_ms
from tests.helpers.viewers import Viewer
from tests.helpers.waiting import wait_for


@pytest.fixture(scope="module")
def server(module_dsn, module_power, tmp_path_factory):
    """One server, whose poller is slow, for the tests that end its history's process."""
    module_power.execute(meters.create_super_table())
    write_row(module_power, 0, now_ms())
    with Server(tmp_path_factory.mktemp("server"), module_dsn, "--interval-ms=1000") as server:
        yield server


def test_the_end_of_the_process_is_not_that_of_live_viewers(server, module_power):
    with Viewer(server.port) as live, HistoryViewer(server.port) as viewer:
        rows = viewer.table("meters").view().num_rows()
        process, view = history_process(server), live.table().view()
        os.kill(process, signal.SIGSTOP)
        viewer.send(message(8, entity=b"meters"))  # under way
        assert view.num_rows() == rows
        os.kill(process, signal.SIGKILL)
        wait_for(lambda: viewer.closed, what="the end of the connection")
        assert viewer.closed == (1012, "the history's process has ended")
        write_row(module_power, 0, now_ms())
        wait_for(lambda: view.num_rows() == rows + 1, what="the new row")
        with HistoryViewer(server.port) as again:
            assert again.table("meters").view().num_rows() == rows + 1
        assert history_process(server) != process and not live.closed


def test_the_database_ends_while_a_question_runs(start_embedded, tmp_path):
    folder = tmp_path / "database"
    embedded = start_embedded(f"--folder={folder}", "--retention=0")
    connection = embedded.connect()
    connection.execute("CREATE DATABASE power")
    connection.execute("USE power")
    fill(connection, 20_000, now_ms())
    with Server(tmp_path, f"{embedded.dsn}/power", "--interval-ms=1000") as server, \
            HistoryViewer(server.port) as viewer:
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


def test_a_stalled_process_is_ended_and_live_viewers_do_not_notice(server, module_power):
    with Viewer(server.port) as live, HistoryViewer(server.port) as viewer:
        assert viewer.table("meters").view().num_rows()
        process, view, told, slowest = history_process(server), live.table().view(), [], 0
        view.on_update(lambda *_: told.append(1))
        os.kill(process, signal.SIGSTOP)
        stalled = time.monotonic()
        for _ in range(100):
            viewer.send(message(8, entity=b"meters"))
        while not viewer.closed:
            rows, known, asked = view.num_rows(), len(told), time.monotonic()
            assert asked - stalled < SILENCE_S + 5
            server.status()
            write_row(module_power, 0, now_ms())
            wait_for(lambda: len(told) > known, 5, "the new row")
            assert view.num_rows() > rows
            slowest = max(slowest, time.monotonic() - asked)
        assert viewer.closed == (1012, f"the history's process was silent for {SILENCE_S} s") and not live.closed
        assert slowest < 4
        with HistoryViewer(server.port) as again:
            assert again.table("meters").view().num_rows() == view.num_rows()
        assert history_process(server) != process
