"""The viewers' WebSockets: they are read-only and bounded, and open to those who may look."""

import asyncio
import hmac
import json
import logging
from ipaddress import ip_address

from tornado.concurrent import Future
from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError, RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from bridge.newest_rows import NewestRows
from bridge.settings import names, options

MAX_REQUEST_BYTES = 2**18  # what panels send has a few hundred bytes
MAX_UNREAD_BYTES = 2**23  # a viewer that has not read so much is dropped: 500 of them would take 4 GB


def allowed_origin(origin: str, host: str) -> bool:
    """Whether a page of `origin` may read from the server that is reached as `host`."""
    return origin.partition("://")[2] == host or origin in names(options.allowed_origins)


def check_token(handler: RequestHandler) -> None:
    """Refuses a request without the token, where there is one, by 403."""
    token = handler.get_query_argument("token", "")
    if options.perspective_token and not hmac.compare_digest(token.encode(), options.perspective_token.encode()):
        raise HTTPError(403, reason="the token is missing or wrong")  # a reason is not logged; the address has a token


def address(request: HTTPServerRequest) -> str:
    """Whose request it is: a reverse proxy on this machine says for whom it asks."""
    forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return forwarded if forwarded and ip_address(request.remote_ip).is_loopback else request.remote_ip


class Viewers(set):
    """The connections of all viewers."""

    def __init__(self) -> None:
        super().__init__()
        self.views: set[str] = set()  # the names of all open views
        self.refused = 0


class Viewer(WebSocketHandler):
    """One viewer's connection, at `/rows`, `/websocket` or `/history`."""

    def initialize(self, viewers: Viewers) -> None:
        self.viewers = viewers
        self.unread = 0  # bytes that the network has not taken yet

    def prepare(self) -> None:
        check_token(self)
        if len(self.viewers) >= options.max_viewers:
            raise HTTPError(503, reason=f"{options.max_viewers} viewers are connected: no more can (--max-viewers)")

    def check_origin(self, origin: str) -> bool:
        return allowed_origin(origin, self.request.host)

    def open(self) -> None:
        self.viewers.add(self)

    def on_close(self) -> None:
        self.viewers.discard(self)

    def send(self, message: bytes | str) -> Future | None:
        """Sends a message of any size. The future is done when the network has taken it; None: nothing is sent."""
        if self.unread > MAX_UNREAD_BYTES:
            return self.drop()
        size = len(message)
        self.unread += size

        def sent(future: Future) -> None:
            self.unread -= size
            if not future.cancelled():
                future.exception()  # of a viewer that has gone: nobody else asks for it

        try:
            future = asyncio.ensure_future(self.write_message(message, binary=isinstance(message, bytes)))
        except WebSocketClosedError:
            return None
        future.add_done_callback(sent)
        return future

    def drop(self) -> None:
        if self in self.viewers:
            self.viewers.discard(self)
            logging.warning("dropped a viewer that does not read what it asked for")
            self.ws_connection.stream.close()

    def count_refusal(self, what: str) -> None:
        self.viewers.refused += 1
        logging.warning("refused %s", what)


class CopyHandler(Viewer):
    """The WebSocket of a page that keeps a copy of the table.

    It sends `{"limit": ...}` as text, then, as binary messages, Arrow IPC streams: the newest rows, and new ones as
    they come. Text again means that the page begins again: the next message replaces all. Each stream waits until the
    network has taken the one before, so a page gets rows as fast as it reads; it is dropped when it stops reading.
    A viewer that sends "" gets "", as a sign of life.
    """

    def initialize(self, viewers: Viewers, rows: NewestRows) -> None:
        super().initialize(viewers)
        self.rows = rows

    def open(self) -> None:
        super().open()
        self.sending = asyncio.create_task(self.send_rows())

    async def send_rows(self) -> None:
        while True:
            number, beginning = self.rows.first, self.rows.beginnings
            await self.send_in_time(json.dumps({"limit": options.table_limit}))
            while following := await self.rows.next(number, beginning):
                number, _, arrow = following
                await self.send_in_time(arrow)

    async def send_in_time(self, message: bytes | str) -> None:
        try:
            async with asyncio.timeout(options.idle_s):
                if sending := self.send(message):
                    await sending
        except TimeoutError:
            self.drop()
        except WebSocketClosedError:
            pass  # `on_close` ends the task

    def on_message(self, message: bytes | str) -> None:
        if message == "":
            self.send("")
            return
        self.count_refusal("a message to one that only listens")
        self.close(1003, "only an empty text is answered here")

    def on_close(self) -> None:
        super().on_close()
        self.sending.cancel()
