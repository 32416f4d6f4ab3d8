"""The viewers' WebSocket: read-only, bounded, and closed to those who do not belong."""

import asyncio
import socket
import struct
import urllib.error

import pytest

from bridge.viewer_requests import CHANGING, COLLAPSE, DELETE_VIEW, MAKE_VIEW, REQUESTS, encode, parse_request
from bridge.websockets import MAX_REQUEST_BYTES
from tests.helpers.programs import Server, now_ms, producer
from tests.helpers.viewers import RawViewer, Viewer, handshake
from tests.helpers.waiting import wait_for


def test_viewers_only_read(power_dsn, write, tmp_path):
    write(0, now_ms())
    with Server(tmp_path, power_dsn) as server, Viewer(server.port) as viewer:
        table = viewer.table()
        for change in (lambda: table.update([{"voltage": 1}]), lambda: table.replace([{"voltage": 1}]),
                       lambda: table.clear(), lambda: table.delete(), lambda: viewer.client.table([{"a": 1}])):
            with pytest.raises(BaseException, match="read-only"):
                change()
        assert table.make_port() == 0
        assert table.size() == 1
        assert viewer.client.get_hosted_table_names() == ["meters_values"]
        assert server.status()["refused_requests"] >= 5


def test_origins(power_dsn, write, tmp_path):
    write(0, now_ms())
    with Server(tmp_path, power_dsn) as server:
        for origin in ("http://localhost:8081", f"http://127.0.0.1:{server.port}"):
            with Viewer(server.port, Origin=origin) as viewer:
                assert viewer.table().size() == 1
            assert server.get("/status", Origin=origin).headers["Access-Control-Allow-Origin"] == origin
        with pytest.raises(Exception, match="403"):
            Viewer(server.port, Origin="http://elsewhere.example").__enter__()
        assert "Access-Control-Allow-Origin" not in server.get("/status", Origin="http://elsewhere.example").headers


def test_token(power_dsn, write, tmp_path):
    write(0, now_ms())
    with Server(tmp_path, power_dsn, "--perspective-token=open sesame") as server:
        with Viewer(server.port, "token=open%20sesame") as viewer:
            assert viewer.table().size() == 1
        assert server.get("/status?token=open%20sesame").status == 200
        for query in ("", "token=sesame"):
            with pytest.raises(Exception, match="403"):
                Viewer(server.port, query).__enter__()
            with pytest.raises(urllib.error.HTTPError, match="403"):
                server.get(f"/status?{query}")
        assert "sesame" not in server.text()


def test_other_than_loopback_needs_a_token(power_dsn, tmp_path):
    server = Server(tmp_path, power_dsn, "--perspective-host=0.0.0.0")
    assert server.wait() == 1
    assert "set PERSPECTIVE_TOKEN" in server.text() and len(server.text().splitlines()) == 1


def test_serves_the_page_and_its_assets_only(power_dsn, tmp_path):
    with Server(tmp_path, power_dsn) as server:
        assert b"perspective-viewer" in server.get("/").read()
        assert server.get("/prsp-viewer.html").status == 200
        assert len(server.get("/assets/perspective/perspective-anywidget.js").read()) > 10**6
        for path in ("/meters.py", "/.git/config", "/requirements.txt", "/.venv/pyvenv.cfg", "/assets/", "//etc/passwd",
                     "/assets/perspective/../../meters.py", "/assets/perspective/%2e%2e/x",
                     "/assets/perspective/%2e%2e%2f%2e%2e/__init__.py", "/assets/perspective//etc/passwd",
                     "/prsp-viewer.html/../run.sh", "/prsp-viewer.html%00"):
            with pytest.raises(urllib.error.HTTPError, match="40[34]"):
                server.get(path)


def test_a_token_where_none_is_wanted_is_ignored(power_dsn, write, tmp_path):
    write(0, now_ms())
    with Server(tmp_path, power_dsn) as server, Viewer(server.port, "token=sesame") as viewer:
        assert viewer.table().size() == 1


def test_every_request_that_is_not_known_to_read_is_refused(power_dsn, write, tmp_path):
    write(0, now_ms())
    with Server(tmp_path, power_dsn) as server:
        kinds = sorted(set(range(3, 100)) - REQUESTS.keys())
        changing = [kind in CHANGING for kind in kinds]
        with RawViewer(server.port) as viewer:
            for kind in kinds:
                viewer.send(encode(1, kind) + encode(2, b"meters_values") + encode(kind, b""))
            wait_for(lambda: len(viewer.answers) == len(kinds), what="an answer for each")
            assert [b"read-only" in answer for answer in viewer.answers] == changing
            assert [b"of another version" in answer for answer in viewer.answers] == [not known for known in changing]
            assert server.status()["refused_requests"] == len(kinds)


WINDOWS = (
    {"column": "current", "aggregate": "avg", "partition_by": ["location"], "order_by": ["timestamp", "asc"],
     "rows": 3},
    {"column": "current", "aggregate": "sum", "order_by": ["timestamp", "desc"], "range": 1000.0},
    {"column": "current", "aggregate": "max", "cumulative": True},
    {"column": "voltage", "aggregate": "lag", "offset": 1},
    {"column": "current", "aggregate": "ema", "order_by": ["timestamp", "asc"], "alpha": 0.3},
)


def test_window_columns(power_dsn, write, tmp_path):
    write(0, now_ms())
    with Server(tmp_path, power_dsn) as server, Viewer(server.port) as viewer:
        for window in WINDOWS:
            view = viewer.table().view(windows={"rolling": window}, columns=["rolling"])
            assert len(view.to_columns()["rolling"]) == 1, window
        assert server.status()["refused_requests"] == 0


def test_viewers_that_vanish_leave_no_traceback(power_dsn, write, tmp_path):
    """As when a page is loaded anew again and again, while answers are under way."""
    write(0, now_ms())
    with Server(tmp_path, power_dsn, "--interval-ms=10") as server, Viewer(server.port) as viewer:
        requests = b"".join(
            masked(encode(1, number) + encode(2, b"meters_values") + encode(7, b"")) for number in range(20))
        for number in range(40):
            write(number % 10, now_ms())
            with socket.create_connection(("127.0.0.1", server.port)) as vanishing:
                vanishing.sendall(handshake(("/websocket", "/rows")[number % 2]))
                if number % 2 == 0:
                    vanishing.sendall(requests)
                vanishing.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # it ends by a reset
        wait_for(lambda: server.status()["viewers"] == 1, what="the end of the others")
        assert viewer.table().size() > 0
        assert "Traceback" not in server.text() and "never retrieved" not in server.text()


def masked(message: bytes) -> bytes:
    """A short message as a binary frame of a client's; its mask is zero."""
    return bytes([0x82, 0x80 | len(message)]) + bytes(4) + message


def test_views_belong_to_the_viewer_who_made_them(power_dsn, write, tmp_path):
    write(0, now_ms())
    with Server(tmp_path, power_dsn) as server, SlowViewer(server.port) as viewer, RawViewer(server.port) as other:
        view = viewer.table().view(group_by=["location"])
        made = next(request for request in map(parse_request, viewer.sent) if request.kind == MAKE_VIEW)
        name = made.fields[1][0].encode()
        for entity, request, why in ((name, encode(DELETE_VIEW, b""), b"no view of this name"),
                                     (name, encode(COLLAPSE, b""), b"no view of this name"),
                                     (b"meters_values", encode(MAKE_VIEW, encode(1, name)), b"must be new")):
            other.send(encode(1, 1) + encode(2, entity) + request)
            wait_for(lambda: other.answers, what="an answer")
            assert why in other.answers.pop()
        assert view.num_rows() == 2


def test_what_is_no_request_ends_the_connection(power_dsn, write, tmp_path):
    write(0, now_ms())
    messages = b"", b"\xff" * 20, b"\x08\x01", b"\x0d\0\0\0\0", b"\x1a\x05", b"\x32\x02\x08\x01" * 3
    with Server(tmp_path, power_dsn) as server:
        for refused, message in enumerate(messages, 1):
            with Viewer(server.port) as viewer:
                viewer.send(message)
                code, _ = wait_for(lambda: viewer.closed, what="the end of the connection")
                assert code == 1003, message
            assert server.status()["refused_requests"] == refused, message


def test_a_message_that_is_too_long_ends_the_connection(power_dsn, write, tmp_path):
    write(0, now_ms())
    with Server(tmp_path, power_dsn) as server, Viewer(server.port) as beside:
        with Viewer(server.port) as viewer:
            viewer.send(encode(1, 1) + encode(2, b"x" * MAX_REQUEST_BYTES) + encode(4, b""))
            assert wait_for(lambda: viewer.closed, what="the end of the connection")
        assert beside.table().size() == 1


def test_viewers_are_bounded(power_dsn, write, tmp_path):
    write(0, now_ms())
    with Server(tmp_path, power_dsn, "--max-viewers=2") as server, Viewer(server.port):
        with Viewer(server.port):
            with pytest.raises(Exception, match="503"):
                Viewer(server.port).__enter__()
        wait_for(lambda: server.status()["viewers"] == 1, what="a free place")
        with Viewer(server.port) as viewer:
            assert viewer.table().size() == 1


class SlowViewer(Viewer):
    """Keeps what it sends, and stops to read when it is told to."""

    def __init__(self, port: int):
        super().__init__(port)
        self.sent, self.reading = [], True

    def _send(self, message: bytes):
        self.sent.append(bytes(message))
        super()._send(message)

    async def _receive(self):
        while self.reading and (message := await self.socket.read_message()) is not None:
            await asyncio.to_thread(self.client.handle_response, message)
        self.closed = True


def test_a_viewer_that_does_not_read_is_dropped(power_dsn, power, tmp_path):
    assert producer(tmp_path, power_dsn, "--count=35", "--interval-ms=30").wait() == 0
    with Server(tmp_path, power_dsn) as server, Viewer(server.port) as beside:
        slow = SlowViewer(server.port).__enter__()
        view = slow.table().view()
        view.to_columns()
        slow.reading = False
        for _ in range(100):
            slow.send(slow.sent[-1])
        server.says("does not read what it asked for")
        wait_for(lambda: server.status()["viewers"] == 1, what="its end")
        assert beside.table().view().num_rows() == 10_000


def test_a_peer_that_does_not_answer_pings_is_dropped(power_dsn, write, tmp_path):
    write(0, now_ms())
    with Server(tmp_path, power_dsn, "--idle-s=1") as server, Viewer(server.port) as viewer:
        with socket.create_connection(("127.0.0.1", server.port)) as silent:
            silent.sendall(handshake("/websocket"))
            wait_for(lambda: server.status()["viewers"] == 2, what="the silent peer")
            wait_for(lambda: server.status()["viewers"] == 1, what="its end")
        assert viewer.table().size() == 1
