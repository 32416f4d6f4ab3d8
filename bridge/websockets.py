"""The WebSockets of viewers, read-only, bounded, and for those who may look: of pages with a copy of the table, and of those that query it."""

import asyncio
import hmac
import json
import logging
from contextlib import suppress
from urllib.parse import urlsplit

from tornado.iostream import StreamBufferFullError
from tornado.web import HTTPError, RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from bridge.hosted_table import HostedTable
from bridge.newest_rows import Rows
from bridge.settings import options
from bridge.viewer_requests import DELETE_VIEW, MAKE_PORT, MAKE_VIEW, objection, parse_request

MAX_REQUEST_BYTES = 2**18
MAX_UNREAD_BYTES = 2**23  # sent to a viewer and not read by it, before it is dropped: room for a big answer or two


def allowed_origin(origin: str, host: str) -> bool:
    """Whether a page of `origin` may read from the server that is reached as `host`."""
    return urlsplit(origin).netloc == host or origin in options.allowed_origins.split(",")


def check_token(handler: RequestHandler) -> None:
    """Refuses a request without the token, where there is one, by 403."""
    token = handler.get_query_argument("token", "")
    if options.perspective_token and not hmac.compare_digest(token.encode(), options.perspective_token.encode()):
        raise HTTPError(403, reason="the token is missing or wrong")  # a reason is not logged; the address has a token


class Viewers(set):
    """The connections of all viewers."""

    def __init__(self):
        super().__init__()
        self.views = set()  # the names of all open views
        self.refused = 0

    def new_table(self) -> None:
        """Asks those that query the table to connect again."""
        for viewer in list(self):
            if isinstance(viewer, PerspectiveHandler):
                viewer.close(1012, "there is a new table")


class Viewer(WebSocketHandler):
    """One viewer's connection, of either kind."""

    def initialize(self, viewers: Viewers):
        self.viewers = viewers

    def prepare(self) -> None:
        check_token(self)
        if len(self.viewers) >= options.max_viewers:
            raise HTTPError(503, reason=f"{options.max_viewers} viewers are connected: no more may (--max-viewers)")

    def check_origin(self, origin: str) -> bool:
        return allowed_origin(origin, self.request.host)

    def open(self) -> None:
        self.ws_connection.stream.max_write_buffer_size = max(MAX_UNREAD_BYTES, 200 * options.table_limit)
        self.viewers.add(self)

    def on_close(self) -> None:
        self.viewers.discard(self)

    def send(self, message: bytes | str) -> None:
        try:
            self.write_message(message, binary=isinstance(message, bytes))
        except WebSocketClosedError:
            pass
        except StreamBufferFullError:
            logging.warning("dropped a viewer that does not read what it asked for")
            self.ws_connection.stream.close()

    def count_refusal(self, what: str) -> None:
        self.viewers.refused += 1
        logging.warning("refused %s", what)


class CopyHandler(Viewer):
    """The WebSocket of a page that keeps a copy of the table.

    It sends `{"limit": ...}` as text, then, as binary messages, Arrow IPC streams: the newest rows, and new ones as they come.
    Text again means that rows were changed or deleted: the next message replaces all. Whoever sends "" gets "", as a sign of life.
    """

    def initialize(self, viewers: Viewers, rows: Rows):
        super().initialize(viewers)
        self.rows = rows

    def open(self) -> None:
        super().open()
        self.begin()
        if arrow := self.rows.all():
            self.send(arrow)
        self.rows.copies.add(self)

    def begin(self) -> None:
        self.send(json.dumps({"limit": options.table_limit}))

    def on_message(self, message: bytes | str) -> None:
        if message == "":
            return self.send("")
        self.count_refusal("a message to one that only listens")
        self.close(1003, "only an empty text is answered here")

    def on_close(self) -> None:
        super().on_close()
        self.rows.copies.discard(self)


class PerspectiveHandler(Viewer):
    """Perspective's protocol. A viewer has one request under way at a time: the next is read from the network after it."""

    def initialize(self, viewers: Viewers, table: HostedTable):
        super().initialize(viewers)
        self.table = table

    async def open(self) -> None:
        super().open()
        self.session, self.views = None, set()
        loop = asyncio.get_running_loop()
        session = await self.table.new_session(lambda message: loop.call_soon_threadsafe(self.send, message))
        if self in self.viewers:
            self.session = session
        else:
            await self.table.run(session.close)

    def on_close(self) -> None:
        super().on_close()
        self.forget(set(self.views))
        if self.session:
            with suppress(RuntimeError):  # the engine's thread has ended: the server stops
                self.table.run(self.session.close)

    async def on_message(self, message: bytes | str) -> None:
        try:
            request = parse_request(message)
        except ValueError as error:
            self.count_refusal(f"a message that is no request of Perspective's: {error}")
            return self.close(1003, "no request of Perspective's protocol")
        if request.kind == MAKE_PORT:
            # A datagrid asks for a port to send edits through, and draws nothing until it has one. Read as an
            # answer, its own request says "port 0", the one that is always there: no new port for the table.
            self.send(message)
        elif why := objection(request, self.views, self.viewers.views):
            self.count_refusal(f"a request of kind {request.kind}: {why}")
            self.send(request.refusal(why))
        else:
            if request.kind == MAKE_VIEW:
                self.views.update(request.fields[1])
                self.viewers.views.update(request.fields[1])
            elif request.kind == DELETE_VIEW:
                self.forget({request.entity})
            await self.table.run(self.session.handle_request, message)

    def forget(self, views: set[str]) -> None:
        self.viewers.views -= views
        self.views -= views
