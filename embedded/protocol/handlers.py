"""The embedded database as a Tornado application: `/ws`, `/rest/sql` and `/-/ping`, as taosAdapter has them.

The event loop only moves bytes. Each connection has a thread of its own for the work in the database: requests
are answered in order, and a long query of one client never delays another client's.
"""

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor

from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from ..storage.store import Store
from .clients import Clients
from .connection import Connection
from .messages import handle
from .rest import RestHandler

MAX_MESSAGE_BYTES = 64 << 20  # a bind of a million rows of meters; as Python objects they take several times as much
# Requests of one connection are read ahead of the one that is being answered: 16 small ones, or one large one.
_MAX_WAITING, _LARGE_BYTES = 16, 1 << 20


class SocketHandler(WebSocketHandler):
    """One client's WebSocket."""

    def initialize(self, store: Store, clients: Clients) -> None:
        self.clients = clients
        self.connection = Connection(store)
        self.requests = asyncio.Queue(_MAX_WAITING)
        self.worker = ThreadPoolExecutor(1, "connection")

    def prepare(self) -> None:
        self.clients.check_room()

    def open(self) -> None:
        self.set_nodelay(True)
        self.clients.add(self)
        self.answering = asyncio.create_task(self._answer())

    async def on_message(self, message: str | bytes) -> None:
        await self.requests.put(message)
        if len(message) > _LARGE_BYTES:
            await self.requests.join()

    def on_close(self) -> None:
        self.answering.cancel()
        self.ending = asyncio.create_task(self._end())

    def disconnect(self) -> None:
        self.close(1001, "the embedded database stops")
        # Tornado would wait for the client's answer to that, and a client that waits in a call never gives one.
        self.on_connection_close()

    async def _answer(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            message = await self.requests.get()
            reply = await loop.run_in_executor(self.worker, handle, self.connection, message)
            if reply is not None:
                with contextlib.suppress(WebSocketClosedError):  # then on_close follows
                    await self.write_message(reply, binary=isinstance(reply, bytes))
            self.requests.task_done()

    async def _end(self) -> None:
        closing = asyncio.wrap_future(self.worker.submit(self.connection.close))
        while not closing.done():  # an interrupt ends only what runs at that moment: it is repeated
            self.connection.interrupt()
            await asyncio.wait({closing}, timeout=0.05)
        self.worker.shutdown(wait=False)
        self.clients.discard(self)


class PingHandler(RequestHandler):
    """Answers with status 200 and nothing else."""

    def get(self) -> None:
        pass


def make_app(store: Store) -> Application:
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
    """Disconnect all clients; return when none uses the store any more."""
    clients = app.settings["clients"]
    for client in list(clients):
        client.disconnect()
    while clients:
        await asyncio.sleep(0.01)
