"""`/rows`: what a page gets that keeps a copy of the table."""

import socket
from functools import partial

import pytest

import meters
from tests.helpers.meter_rows import write_row
from tests.helpers.programs import Server, now_ms, producer
from tests.helpers.viewers import CopyViewer, Viewer, handshake
from tests.helpers.waiting import wait_for


@pytest.fixture(scope="module")
def full(module_dsn, module_power, tmp_path_factory):
    """One server, whose table has room for five rows, and more rows in its database."""
    module_power.execute(meters.create_super_table())
    for i in range(7):
        write_row(module_power, i, now_ms() - 1000 + i)
    with Server(tmp_path_factory.mktemp("server"), module_dsn, "--table-limit=5") as server:
        yield server


@pytest.fixture
def write_full(full, module_power):
    """A function that writes a row into the database of `full`."""
    return partial(write_row, module_power)


def test_newest_rows_first_then_new_ones(full, write_full, module_power):
    start = now_ms()
    with CopyViewer(full.port) as viewer:
        viewer.has(module_power, 5)
        write_full(7, start + 7)
        write_full(8, start + 8)
        viewer.has(module_power, 5)
        assert viewer.limits == [5]
        with CopyViewer(full.port) as later:
            later.has(module_power, 5)
            assert later.rows == viewer.rows


def test_a_full_copy_gets_rows_in_place_of_those_overwritten_or_deleted(full, write_full, module_power):
    start = now_ms()
    for i in range(6):
        write_full(i, start + i)
    with CopyViewer(full.port) as viewer:
        viewer.has(module_power, 5)
        module_power.execute("DROP TABLE d_bind_4")
        write_full(3, start + 3, voltage=99)
        viewer.has(module_power, 5)
        assert len(viewer.limits) == 1


def test_a_copy_that_has_room_begins_again(power_dsn, write, power, tmp_path):
    """It waits for the first rows, and begins again where rows are overwritten or deleted."""
    start = now_ms() - 1000
    with Server(tmp_path, power_dsn) as server, CopyViewer(server.port) as viewer:
        wait_for(lambda: viewer.limits, what="the beginning")
        write(6, start + 6)
        write(7, start + 7)
        viewer.has(power, 10_000)
        assert len(viewer.rows) == 2 and len(viewer.limits) == 1
        power.execute("DROP TABLE d_bind_7")
        write(6, start + 6, voltage=99)
        viewer.has(power, 10_000)
        assert len(viewer.rows) == 1 and len(viewer.limits) == 2


def test_every_row_of_a_backlog_comes_once(power_dsn, power, tmp_path):
    with Server(tmp_path, power_dsn, "--table-limit=50000") as server, CopyViewer(server.port) as viewer:
        assert producer(tmp_path, power_dsn, "--count=2", "--rows-per-interval=15000", "--meters=100").wait() == 0
        wait_for(lambda: len(viewer.rows) >= 30_000, what="the last row")
        assert len(set(viewer.rows)) == len(viewer.rows) == 30_000
        with CopyViewer(server.port) as later:
            wait_for(lambda: len(later.rows) >= 30_000, what="all rows, stream by stream")
            assert sorted(later.rows) == sorted(viewer.rows)


def test_signs_of_life(full):
    with CopyViewer(full.port) as viewer:
        viewer.send("")
        wait_for(lambda: viewer.signs == 1, what="an answer")


@pytest.mark.parametrize("message", ("{}", b"", b"\x08\x01\x22\x00", "x" * 300_000))
def test_what_is_not_asked_for_ends_the_connection(full, message):
    with CopyViewer(full.port) as viewer:
        viewer.send(message)
        code, _ = wait_for(lambda: viewer.closed, what="the end of the connection")
        assert code == (1003 if len(message) < 1000 else 1009)
    wait_for(lambda: full.status()["viewers"] == 0, what="its end")


def test_one_that_does_not_read_is_dropped(power_dsn, power, tmp_path):
    with Server(tmp_path, power_dsn, "--table-limit=20000", "--idle-s=2") as server:
        with socket.create_connection(("127.0.0.1", server.port)) as slow, CopyViewer(server.port) as viewer:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.sendall(handshake("/rows"))
            with producer(tmp_path, power_dsn, "--rows-per-interval=18000", "--meters=100"):
                server.says("does not read", 60)
                wait_for(lambda: server.status()["viewers"] == 1, what="its end")
            assert viewer.rows and not viewer.closed


def test_the_hosted_table_is_made_when_it_is_asked_for(full, write_full, module_power):
    """A viewer finds it at once, and with the rows that came before."""
    start = now_ms()
    with CopyViewer(full.port) as copy:
        write_full(7, start + 7)
        copy.has(module_power, 5)
        with Viewer(full.port) as viewer, Viewer(full.port) as another:
            assert viewer.client.open_table("meters_values").size() == 5
            write_full(8, start + 8)
            copy.has(module_power, 5)
            view = another.client.open_table("meters_values").view(columns=["voltage"])
            wait_for(lambda: view.to_columns()["voltage"] == [row[4] for row in copy.rows], what="the same rows")
