"""The embedded database as a Tornado application: `/ws`, `/rest/sql` and `/-/ping`, as taosAdapter has them.

The event loop only moves bytes. Each connection has one thread of its own for the blocking work: its
requests are answered in order, and a long query of one client never delays another's.
"""

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor

from tornado.web import Application, HTTPError, RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from .connection import Connection
from .rest import RestHandler

MAX_MESSAGE_BYTES = 64 << 20  # a bind of a million meter rows; in Python it takes several times as much
MAX_CLIENTS = 128  # each has a thread; most systems give a process 1024 files
_MAX_WAITING, _LARGE = 16, 1 << 20  # requests of one connection read ahead of the one under way, none after a large one


class Clients(set):
    """The handlers that use the store at present."""

    def make_room(self) -> None:
        if len(self) >= MAX_CLIENTS:
            raise HTTPError(503, reason=f"{MAX_CLIENTS} clients are connected: no more may")


class SocketHandler(WebSocketHandler):
    """One client's WebSocket."""

    def initialize(self, store, clients: Clients):
        self.clients = clients
        self.connection = Connection(store)
        self.requests = asyncio.Queue(_MAX_WAITING)
        self.worker = ThreadPoolExecutor(1, "connection")

    def prepare(self):
        self.clients.make_room()

    def open(self):
        self.set_nodelay(True)
        self.clients.add(self)
        self.serving = asyncio.create_task(self._serve())

    async def on_message(self, message: str | bytes):
        await self.requests.put(message)
        if len(message) > _LARGE:
            await self.requests.join()

    def on_close(self):
        self.serving.cancel()
        self.ending = asyncio.create_task(self._end())

    def hang_up(self):
        self.close(1001, "the embedded database stops")
        self.on_connection_close()  # not after the client's answer, which a client that waits in a call never gives

    async def _serve(self):
        loop = asyncio.get_running_loop()
        while True:
            message = await self.requests.get()
            reply = await loop.run_in_executor(self.worker, self.connection.handle, message)
            if reply is not None:
                with contextlib.suppress(WebSocketClosedError):  # on_close is on its way
                    await self.write_message(reply, binary=isinstance(reply, bytes))
            self.requests.task_done()

    async def _end(self):
        closing = asyncio.wrap_future(self.worker.submit(self.connection.close))
        while not closing.done():  # again and again: it ends only what runs at that moment
            self.connection.interrupt()
            await asyncio.wait({closing}, timeout=0.05)
        self.worker.shutdown(wait=False)
        self.clients.discard(self)


class PingHandler(RequestHandler):
    def get(self):
        pass


def make_app(store) -> Application:
    """The application over a store; `close_app` ends it."""
    shared = {"store": store, "clients": Clients()}
    return Application(
        [
            ("/ws", SocketHandler, shared),
            ("/rest/sql/?", RestHandler, shared),
            ("/rest/sql/([^/]+)", RestHandler, shared),
            ("/-/ping", PingHandler),
        ],
        clients=shared["clients"],
        websocket_max_message_size=MAX_MESSAGE_BYTES,
        log_function=lambda handler: None,
    )


async def close_app(app: Application) -> None:
    """Hang up on every client; return when none uses the store any more."""
    clients = app.settings["clients"]
    for client in list(clients):
        client.hang_up()
    while clients:
        await asyncio.sleep(0.01)
