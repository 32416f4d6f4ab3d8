"""`/rows`: what a page gets that keeps a copy of the table."""

import socket

import pytest

from tests.helpers.programs import Server, now_ms, producer
from tests.helpers.viewers import CopyViewer, Viewer, handshake
from tests.helpers.waiting import wait_for


def test_newest_rows_first_then_new_ones(power_dsn, write, power, tmp_path):
    start = now_ms() - 1000
    for i in range(7):
        write(i, start + i)
    with Server(tmp_path, power_dsn, "--table-limit=5") as server, CopyViewer(server.port) as viewer:
        viewer.has(power, 5)
        write(7, start + 7)
        write(8, start + 8)
        viewer.has(power, 5)
        assert viewer.limits == [5]
        with CopyViewer(server.port) as later:
            later.has(power, 5)
            assert later.rows == viewer.rows


def test_waits_for_the_first_rows(power_dsn, write, power, tmp_path):
    with Server(tmp_path, power_dsn) as server, CopyViewer(server.port) as viewer:
        wait_for(lambda: viewer.limits, what="the beginning")
        write(0, now_ms())
        viewer.has(power, 10_000)
        assert len(viewer.rows) == 1 and len(viewer.limits) == 1


@pytest.mark.parametrize("limit, begun", ((1000, 2), (5, 1)))
def test_rows_that_are_overwritten_or_deleted(power_dsn, write, power, tmp_path, limit, begun):
    """A copy with fewer rows than it has room for begins again; a full one gets as many rows as it holds."""
    start = now_ms() - 1000
    for i in range(9):
        write(i, start + i)
    with Server(tmp_path, power_dsn, f"--table-limit={limit}") as server, CopyViewer(server.port) as viewer:
        viewer.has(power, limit)
        power.execute("DROP TABLE d_bind_7")
        write(6, start + 6, voltage=99)
        viewer.has(power, limit)
        assert len(viewer.limits) == begun


def test_every_row_of_a_backlog_comes_once(power_dsn, power, tmp_path):
    with Server(tmp_path, power_dsn, "--table-limit=100000") as server, CopyViewer(server.port) as viewer:
        assert producer(tmp_path, power_dsn, "--count=4", "--rows-per-interval=15000", "--meters=100").wait() == 0
        wait_for(lambda: len(viewer.rows) >= 60_000, what="the last row")
        assert len(set(viewer.rows)) == len(viewer.rows) == 60_000
        with CopyViewer(server.port) as later:
            wait_for(lambda: len(later.rows) >= 60_000, what="all rows, stream by stream")
            assert sorted(later.rows) == sorted(viewer.rows)


def test_signs_of_life(power_dsn, tmp_path):
    with Server(tmp_path, power_dsn) as server, CopyViewer(server.port) as viewer:
        viewer.send("")
        wait_for(lambda: viewer.signs == 1, what="an answer")


@pytest.mark.parametrize("message", ("{}", b"", b"\x08\x01\x22\x00", "x" * 300_000))
def test_what_is_not_asked_for_ends_the_connection(power_dsn, tmp_path, message):
    with Server(tmp_path, power_dsn) as server:
        with CopyViewer(server.port) as viewer:
            viewer.send(message)
            code, _ = wait_for(lambda: viewer.closed, what="the end of the connection")
            assert code == (1003 if len(message) < 1000 else 1009)
        wait_for(lambda: server.status()["viewers"] == 0, what="its end")


def test_the_same_bounds_as_for_other_viewers(power_dsn, tmp_path):
    with Server(tmp_path, power_dsn, "--perspective-token=sesame", "--max-viewers=2") as server:
        for query, headers in (("", {}), ("token=sesame", {"Origin": "http://elsewhere.example"})):
            with pytest.raises(Exception, match="403"):
                CopyViewer(server.port, query, **headers).__enter__()
        with CopyViewer(server.port, "token=sesame"), Viewer(server.port, "token=sesame"):
            with pytest.raises(Exception, match="503"):
                CopyViewer(server.port, "token=sesame").__enter__()


def test_one_that_does_not_read_is_dropped(power_dsn, power, tmp_path):
    with Server(tmp_path, power_dsn, "--table-limit=20000", "--idle-s=5") as server:
        with socket.create_connection(("127.0.0.1", server.port)) as slow, CopyViewer(server.port) as viewer:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.sendall(handshake("/rows"))
            with producer(tmp_path, power_dsn, "--rows-per-interval=18000", "--meters=100"):
                server.says("does not read", 60)
                wait_for(lambda: server.status()["viewers"] == 1, what="its end")
            assert viewer.rows and not viewer.closed


def test_the_hosted_table_is_made_when_it_is_asked_for(power_dsn, write, power, tmp_path):
    """A viewer finds it at once, and with the rows that came before."""
    start = now_ms() - 1000
    for i in range(7):
        write(i, start + i)
    with Server(tmp_path, power_dsn, "--table-limit=5") as server, CopyViewer(server.port) as copy:
        write(7, start + 7)
        copy.has(power, 5)
        with Viewer(server.port) as viewer, Viewer(server.port) as another:
            assert viewer.client.open_table("meters_values").size() == 5
            write(8, start + 8)
            copy.has(power, 5)
            view = another.client.open_table("meters_values").view(columns=["voltage"])
            wait_for(lambda: view.to_columns()["voltage"] == [row[4] for row in copy.rows], what="the same rows")
