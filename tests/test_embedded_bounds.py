"""What strangers, silent clients and large messages cost the embedded database, measured by what the others see."""

import asyncio
import base64
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest
import taosws
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.iostream import StreamClosedError
from tornado.netutil import bind_sockets
from tornado.websocket import WebSocketClosedError, websocket_connect

from embedded.protocol import handlers
from embedded.protocol.clients import MAX_CLIENTS, MAX_WAITING
from embedded.storage.store import Store
from tests.helpers.databases import ROOT
from tests.helpers.waiting import wait_for

pytestmark = pytest.mark.embedded_only
BASIC = "Basic " + base64.b64encode(b"root:taosdata").decode()
LARGE = 61 << 20


def post(embedded, body, headers=None):
    """HTTP status and answer."""
    with closing(http.client.HTTPConnection("localhost", embedded.port, timeout=30)) as connection:
        connection.request("POST", "/rest/sql", body, headers or {})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def peak_mb(embedded):
    """The most memory that the process has taken so far."""
    status = Path(f"/proc/{embedded.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) // 1024


def test_silent_connections_lock_nobody_out(embedded, database):
    def strange(text):
        stranger = socket.create_connection(("localhost", embedded.port))
        stranger.sendall(text)
        return stranger

    strangers = [strange(text) for text in (b"", b"POST /rest/sql HTTP/1.1\r\nHost: localh") for _ in range(100)]

    async def conversation():
        silent = [await websocket_connect(f"ws://localhost:{embedded.port}/ws")
                  for _ in range(MAX_CLIENTS + MAX_WAITING + 10)]
        loop = asyncio.get_running_loop()
        started = time.monotonic()
        await asyncio.wait_for(loop.run_in_executor(None, produce_and_poll), 20)
        assert time.monotonic() - started < 5
        for client in silent:
            client.close()

    def produce_and_poll():  # a process of its own: taosws holds Python's lock, and the sockets above need it
        code = ("import sys, taosws; c = taosws.connect(sys.argv[1]); "
                "c.execute('CREATE TABLE t (ts TIMESTAMP, v INT)'); d = taosws.connect(sys.argv[1]); "
                "c.execute('INSERT INTO t VALUES (NOW, 1)'); "
                "assert list(d.query('SELECT v FROM t')) == [(1,)]")
        subprocess.run([sys.executable, "-c", code, f"{embedded.dsn}/{database}"], check=True, timeout=20)

    asyncio.run(conversation())
    assert post(embedded, "SELECT 1", {"Authorization": BASIC})[0] == 200
    for stranger in strangers:
        stranger.close()


def test_who_does_not_log_in_is_shown_out(tmp_path, monkeypatch):
    monkeypatch.setattr(handlers, "LOGIN_SECONDS", 0.5)
    store = Store(str(tmp_path))

    async def conversation():
        app = handlers.make_app(store)
        sockets = bind_sockets(0, "127.0.0.1")
        server = handlers.make_server(app)
        server.add_sockets(sockets)
        address = f"ws://127.0.0.1:{sockets[0].getsockname()[1]}/ws"
        silent, chatting, proper = [await websocket_connect(address) for _ in range(3)]
        await proper.write_message('{"action": "conn", "args": {"req_id": 1, "user": "root", "password": "taosdata"}}')
        assert json.loads(await proper.read_message())["code"] == 0
        started = time.monotonic()
        with suppress(WebSocketClosedError, StreamClosedError):
            while True:  # what needs no login does not make it stay longer
                await chatting.write_message('{"action": "version"}')
                if await asyncio.wait_for(chatting.read_message(), 5) is None:
                    break
        assert await asyncio.wait_for(silent.read_message(), 5) is None
        assert 0.2 < time.monotonic() - started < 3
        assert (silent.close_code, silent.close_reason) == (1008, "no login within 0.5 s")
        await proper.write_message('{"action": "get_current_db", "args": {"req_id": 1}}')
        assert json.loads(await proper.read_message())["code"] == 0
        proper.close()
        server.stop()
        await handlers.close_app(app)

    try:
        asyncio.run(asyncio.wait_for(conversation(), 20))
    finally:
        store.close()


def test_a_request_that_does_not_come_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(handlers, "_IDLE_SECONDS", 0.5)
    monkeypatch.setattr(handlers, "_BODY_SECONDS", 0.5)
    store = Store(str(tmp_path))
    head = f"POST /rest/sql HTTP/1.1\r\nHost: localhost\r\nAuthorization: {BASIC}\r\nContent-Length: 9\r\n\r\n"

    async def conversation():
        app = handlers.make_app(store)
        sockets = bind_sockets(0, "127.0.0.1")
        server = handlers.make_server(app)
        server.add_sockets(sockets)

        async def closed(text):
            reader, writer = await asyncio.open_connection(*sockets[0].getsockname())
            writer.write(text.encode())
            await asyncio.wait_for(reader.read(), 5)  # to the end of what the server sends: nothing
            writer.close()

        started = time.monotonic()
        await asyncio.gather(closed(""), closed(head[:40]), closed(head + "SELECT"))
        assert 0.2 < time.monotonic() - started < 3
        server.stop()
        await handlers.close_app(app)

    try:
        asyncio.run(conversation())
    finally:
        store.close()


def test_large_messages_before_a_login_are_not_read(start_embedded):
    embedded = start_embedded()
    assert post(embedded, "SELECT 1", {"Authorization": BASIC})[0] == 200
    before = peak_mb(embedded)

    def send_body(authorization):
        with suppress(OSError):  # it hangs up before it has read all
            post(embedded, bytes(LARGE), authorization)

    wrong = {"Authorization": "Basic " + base64.b64encode(b"root:wrong").decode()}
    threads = [threading.Thread(target=send_body, args=(wrong if i % 2 else None,)) for i in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    async def conversation():
        large = [await websocket_connect(f"ws://localhost:{embedded.port}/ws") for _ in range(3)]
        for client in large:
            with suppress(WebSocketClosedError, StreamClosedError):
                await client.write_message(bytes(LARGE // 4), binary=True)
        for client in large:
            assert await asyncio.wait_for(client.read_message(), 20) is None

    asyncio.run(conversation())
    assert peak_mb(embedded) - before < 60
    assert post(embedded, b" " * (2 << 20) + b"SELECT 1", {"Authorization": BASIC})[1]["data"] == [[1]]


@pytest.mark.parametrize("host, allowed", [
    ("localhost", True), ("LOCALHOST:6041", True), ("127.0.0.1:6041", True), ("127.1.2.3", True), ("[::1]:6041", True),
    ("example.com", False), ("example.com:6041", False), ("192.168.1.7", False), ("localhost.example.com", False),
    ("127.0.0.1.example.com", False),
])
def test_only_names_of_this_machine_are_answered(embedded, host, allowed):
    """A page of another site may have its own name lead to 127.0.0.1; the Host header tells."""
    for path, method in (("/-/ping", "GET"), ("/rest/sql", "POST"), ("/rest/login/root/taosdata", "GET")):
        with closing(http.client.HTTPConnection("localhost", embedded.port, timeout=10)) as connection:
            connection.request(method, path, "SELECT 1" if method == "POST" else None,
                               {"Host": host, "Authorization": BASIC})
            answer = connection.getresponse()
            assert answer.status == (200 if allowed else 403)
            assert allowed or "localhost" in json.loads(answer.read())["desc"]

    async def connect():
        (await websocket_connect(HTTPRequest(f"ws://localhost:{embedded.port}/ws", headers={"Host": host}))).close()

    if allowed:
        asyncio.run(asyncio.wait_for(connect(), 10))
    else:
        with pytest.raises(HTTPClientError, match="403"):
            asyncio.run(asyncio.wait_for(connect(), 10))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_disk_for_its_output_does_not_end_it():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with open("/dev/full", "w") as full:
        process = subprocess.Popen([sys.executable, "-m", "embedded", f"--port={port}"], cwd=ROOT, stdout=full,
                                   stderr=full)
    try:
        def answers():
            assert process.poll() is None, "it has ended"
            try:
                return socket.create_connection(("127.0.0.1", port))
            except ConnectionRefusedError:
                return None

        wait_for(answers, what="the embedded database").close()
        connection = taosws.connect(f"taosws://root:taosdata@localhost:{port}")
        connection.execute("CREATE DATABASE power")
        process.terminate()
        assert process.wait(10) == 0
    finally:
        process.kill()
