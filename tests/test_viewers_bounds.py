"""Viewers of all kinds: none without the token, not too many, and none who vanish or do not read."""

import json
import socket
import struct
import urllib.error

import pytest

from bridge.viewer_requests import encode
from tests.helpers.history import HistoryViewer
from tests.helpers.programs import Server, now_ms, producer
from tests.helpers.viewers import CopyViewer, SlowViewer, Viewer, handshake
from tests.helpers.waiting import wait_for

TOKEN = "token=open%20sesame"


def test_tokens_and_numbers(power_dsn, write, tmp_path):
    """All kinds of viewers need the token, and a page of an origin that is allowed; together they may be two here.

    Those without a token take nobody's place.
    """
    write(0, now_ms())
    with Server(tmp_path, power_dsn, "--perspective-token=open sesame", "--max-viewers=2") as server:
        def viewers() -> int:
            with server.get(f"/status?{TOKEN}") as reply:
                return json.load(reply)["viewers"]

        for kind in (Viewer, CopyViewer, HistoryViewer):
            for query, headers in (("", {}), ("token=sesame", {}), (TOKEN, {"Origin": "http://elsewhere.example"})):
                with pytest.raises(Exception, match="403"):
                    kind(server.port, query, **headers).__enter__()
            with kind(server.port, TOKEN), CopyViewer(server.port, TOKEN):
                with pytest.raises(Exception, match="503"):
                    kind(server.port, TOKEN).__enter__()
            wait_for(lambda: viewers() == 0, what="free places")
        for query in ("", "token=sesame"):
            with pytest.raises(urllib.error.HTTPError, match="403"):
                server.get(f"/status?{query}")
        with Viewer(server.port, TOKEN) as live, HistoryViewer(server.port, TOKEN) as history:
            assert live.table().size() == history.table("meters").size() == 1
        assert "sesame" not in server.text()


def test_other_than_loopback_needs_a_token(power_dsn, tmp_path):
    server = Server(tmp_path, power_dsn, "--perspective-host=0.0.0.0")
    assert server.wait() == 1
    assert "set PERSPECTIVE_TOKEN" in server.text() and len(server.text().splitlines()) == 1


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
    with Server(tmp_path, power_dsn, "--idle-s=1", "--interval-ms=1000") as server, CopyViewer(server.port) as viewer:
        with socket.create_connection(("127.0.0.1", server.port)) as silent:
            silent.sendall(handshake("/websocket"))
            wait_for(lambda: server.status()["viewers"] == 2, what="the silent peer")
            wait_for(lambda: server.status()["viewers"] == 1, what="its end")
        assert len(viewer.rows) == 1 and not viewer.closed
