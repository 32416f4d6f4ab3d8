"""A real Perspective client over a real WebSocket, for tests: `with Viewer(port) as viewer: viewer.table()`."""

import asyncio
import threading

import perspective
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from conftest import wait_for
from viewer_requests import parse_request, varint


class Viewer:
    """Its socket is served by a thread of its own, so that Perspective's blocking calls can be used."""

    def __init__(self, port: int, query: str = "", **headers: str):
        self.request = HTTPRequest(f"ws://127.0.0.1:{port}/websocket?{query}", headers=headers)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.closed = None  # (code, reason) once the server has closed the connection
        self.waiting = {}  # the requests without an answer, by their number

    def __enter__(self):
        self.thread.start()
        self.socket = asyncio.run_coroutine_threadsafe(self._connect(), self.loop).result(10)
        self.client = perspective.Client(self._send)
        asyncio.run_coroutine_threadsafe(self._receive(), self.loop)
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.socket.close)
        wait_for(lambda: self.closed, what="the end of the connection")
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    async def _connect(self):
        return await websocket_connect(self.request, max_message_size=2**30)

    def _send(self, message: bytes):
        if self.closed:
            raise ConnectionError("the connection is lost")
        request = parse_request(bytes(message))
        self.waiting[request.id] = request
        self.send(message)

    def send(self, message: bytes):
        """Any message, past the client."""
        self.loop.call_soon_threadsafe(self.socket.write_message, bytes(message), True)

    async def _receive(self):
        while (message := await self.socket.read_message()) is not None:
            self.waiting.pop(varint(message, 1)[0], None)  # its first field is the request's number
            await asyncio.to_thread(self.client.handle_response, message)
        self.closed = (self.socket.close_code, self.socket.close_reason)
        for request in self.waiting.values():  # a client would wait for the answers for ever
            await asyncio.to_thread(self.client.handle_response, request.refusal("the connection is lost"))

    def table(self, name: str = "meters_values"):
        """The hosted table, as soon as there is one."""
        wait_for(lambda: name in self.client.get_hosted_table_names(), what=f"the table {name}")
        return self.client.open_table(name)
