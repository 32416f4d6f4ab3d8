"""The embedded database as a Tornado application: `/ws`, `/rest/sql` and their like, as taosAdapter has them.

The event loop moves bytes, and answers what needs no work in the database. Each connection has a thread of its own
for that work: requests are answered in order, and a long query of one client never delays another client's.
"""

import asyncio
import contextlib

from tornado.web import Application
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from ..storage.store import Store
from .bounded_server import BoundedServer
from .clients import LOGIN_SECONDS, MAX_BYTES_BEFORE_LOGIN, MAX_MESSAGE_BYTES, Clients, LocalHandler
from .connection import Connection
from .messages import handle, is_short
from .rest import LoginHandler, RestHandler
from .worker import Worker

# Requests of one connection are read ahead of the one that is being answered: 16 small ones, or one large one.
_MAX_WAITING, _LARGE_BYTES = 16, 1 << 20
_IDLE_SECONDS, _BODY_SECONDS = 30, 60  # until a request's headers are there, and its body after them


class SocketHandler(LocalHandler, WebSocketHandler):
    """One client's WebSocket."""

    def initialize(self, store: Store, clients: Clients) -> None:
        self.clients = clients
        self.connection = Connection(store)
        self.requests = asyncio.Queue(_MAX_WAITING)
        self.worker = Worker(self.connection.is_asking)

    def prepare(self) -> None:
        super().prepare()
        self.clients.check_room()

    @property
    def max_message_size(self) -> int:
        return MAX_BYTES_BEFORE_LOGIN

    def open(self) -> None:
        self.set_nodelay(True)
        self.clients.wait(self)
        self.answering = asyncio.create_task(self._answer())
        self.deadline = asyncio.get_running_loop().call_later(
            LOGIN_SECONDS, self.drop, f"no login within {LOGIN_SECONDS} s")

    async def on_message(self, message: str | bytes) -> None:
        await self.requests.put(message)
        if len(message) > _LARGE_BYTES:
            await self.requests.join()

    def on_close(self) -> None:
        self.answering.cancel()
        self.deadline.cancel()
        self.clients.waiting.pop(self, None)
        self.ending = asyncio.create_task(self._end())

    def drop(self, reason: str) -> None:
        """Close the connection at once; the client may see why."""
        self.clients.waiting.pop(self, None)
        connection = self.ws_connection  # which `close` forgets
        self.close(1008, reason)
        if connection is not None:
            connection.stream.close()

    def disconnect(self) -> None:
        self.close(1001, "the embedded database stops")
        # Tornado would wait for the client's answer to that, and a client that waits in a call never gives one.
        self.on_connection_close()

    async def _answer(self) -> None:
        while True:
            message = await self.requests.get()
            if is_short(self.connection, message):
                reply = handle(self.connection, message)
            else:
                reply = await self.worker.run(handle, self.connection, message)
            if self.connection.session and self not in self.clients:
                self._log_in()
            if reply is not None:
                with contextlib.suppress(WebSocketClosedError):  # then on_close follows
                    await self.write_message(reply, binary=isinstance(reply, bytes))
            self.requests.task_done()

    def _log_in(self) -> None:
        self.deadline.cancel()
        if self.clients.log_in(self):
            self.ws_connection.params.max_message_size = MAX_MESSAGE_BYTES
        else:
            self.drop("too many clients are connected")

    async def _end(self) -> None:
        closing = asyncio.wrap_future(self.worker.submit(self.connection.close))
        while not closing.done():  # an interrupt ends only what runs at that moment: it is repeated
            self.connection.interrupt()
            await asyncio.wait({closing}, timeout=0.05)
        self.worker.end()
        self.clients.discard(self)


class PingHandler(LocalHandler):
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
            ("/rest/login/([^/]+)/([^/]+)", LoginHandler),
            ("/-/ping", PingHandler),
        ],
        clients=shared["clients"],
        log_function=lambda handler: None,
    )


def make_server(app: Application) -> BoundedServer:
    """A server with bounds for what comes before a login; `RestHandler` raises that of a body after it."""
    return BoundedServer(app, max_buffer_size=MAX_MESSAGE_BYTES + 2**20,  # with room for the frame's own bytes
                         max_body_size=MAX_BYTES_BEFORE_LOGIN, idle_connection_timeout=_IDLE_SECONDS,
                         body_timeout=_BODY_SECONDS)


async def close_app(app: Application) -> None:
    """Disconnect all clients; return when none uses the store any more."""
    clients = app.settings["clients"]
    for client in (*clients, *clients.waiting):
        client.disconnect()
    while clients:
        await asyncio.sleep(0.01)
