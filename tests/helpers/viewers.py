"""Viewers over a real WebSocket: `with Viewer(port) as viewer: viewer.table()` has a real Perspective client."""

import asyncio
import json
import threading

import perspective
import pyarrow as pa
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

import meters
from bridge.viewer_requests import parse_request, varint
from tests.helpers.live_rows import stored
from tests.helpers.waiting import wait_for


def handshake(path: str) -> bytes:
    """The request that opens a WebSocket, for peers that send nothing more, or something wrong."""
    return (f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").encode()


class Connection:
    """A WebSocket to the server, in a thread of its own. Each kind of viewer has its `_receive`."""

    PATH = ""

    def __init__(self, port: int, query: str = "", **headers: str):
        self.request = HTTPRequest(f"ws://127.0.0.1:{port}{self.PATH}?{query}", headers=headers)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.closed = None  # (code, reason) once the server has closed the connection

    def __enter__(self):
        self.thread.start()
        self.socket = asyncio.run_coroutine_threadsafe(self._connect(), self.loop).result(10)
        asyncio.run_coroutine_threadsafe(self._receive(), self.loop)
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.socket.close)
        wait_for(lambda: self.closed, what="the end of the connection")
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    async def _connect(self):
        return await websocket_connect(self.request, max_message_size=2**30)

    async def _receive(self):
        """Reads to the end, and sets `closed`."""
        raise NotImplementedError

    def send(self, message: str | bytes):
        """Sends any message."""
        self.loop.call_soon_threadsafe(self.socket.write_message, message, isinstance(message, bytes))


class Viewer(Connection):
    """A Perspective client. It may be called from the test's thread, since the socket has its own."""

    PATH = "/websocket"

    def __init__(self, port: int, query: str = "", **headers: str):
        super().__init__(port, query, **headers)
        self.waiting = {}  # the requests that have no answer yet, by their number

    def __enter__(self):
        self.client = perspective.Client(self._send)
        return super().__enter__()

    def _send(self, message: bytes):
        if self.closed:
            raise ConnectionError("the connection is lost")
        request = parse_request(bytes(message))
        self.waiting[request.id] = request
        self.send(bytes(message))

    async def _receive(self):
        while (message := await self.socket.read_message()) is not None:
            self.waiting.pop(varint(message, 1)[0], None)  # its first field is the request's number
            await asyncio.to_thread(self.client.handle_response, message)
        self.closed = (self.socket.close_code, self.socket.close_reason)
        for request in self.waiting.values():  # without an answer the client would wait for ever
            await asyncio.to_thread(self.client.handle_response, request.refusal("the connection is lost"))

    def table(self, name: str = "meters_values"):
        """The hosted table, as soon as there is one."""
        wait_for(lambda: name in self.client.get_hosted_table_names(), what=f"the table {name}")
        return self.client.open_table(name)


class RawViewer(Viewer):
    """Keeps the answers as they come, in `answers`."""

    def __init__(self, port: int):
        super().__init__(port)
        self.answers = []

    async def _receive(self):
        while (message := await self.socket.read_message()) is not None:
            self.answers.append(message)
        self.closed = True


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


class CopyViewer(Connection):
    """A page that keeps a copy of the table. `rows` are the rows of the copy, `limits` its limit at each beginning."""

    PATH = "/rows"

    def __init__(self, port: int, query: str = "", **headers: str):
        super().__init__(port, query, **headers)
        self.rows, self.limits, self.signs = [], [], 0

    async def _receive(self):
        anew = False
        while (message := await self.socket.read_message()) is not None:
            if message == "":
                self.signs += 1
            elif isinstance(message, str):
                self.limits.append(json.loads(message)["limit"])
                anew = True
            else:
                self.take(message, anew)
                anew = False
        self.closed = (self.socket.close_code, self.socket.close_reason)

    def take(self, arrow: bytes, anew: bool) -> None:
        """Puts an Arrow stream into the copy; `anew`: in place of all its rows."""
        assert pa.ipc.open_stream(arrow).schema == meters.ARROW_SCHEMA
        self.rows = (([] if anew else self.rows) + meters.from_arrow(arrow))[-self.limits[-1]:]

    def has(self, power, limit: int) -> None:
        """Waits until the copy has exactly the database's newest rows. Nothing may be written meanwhile."""
        newest = sorted(stored(power, limit))
        wait_for(lambda: sorted(self.rows) == newest, what="the database's newest rows")
