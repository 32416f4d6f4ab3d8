"""The WebSocket that viewers speak to: Perspective's protocol, read-only and bounded, for those who may look."""

import asyncio
import hmac
import logging
from concurrent.futures import Executor
from urllib.parse import urlsplit

import perspective
from tornado.iostream import StreamBufferFullError
from tornado.web import HTTPError, RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from settings import options, setting

setting("allowed_origins", "http://localhost:8081,http://127.0.0.1:8081",
        "pages of these origins may connect, beside the server's own; separated by commas")
setting("perspective_token", "", "what viewers must give as ?token=...; needed to listen at other than a loopback address")
setting("max_viewers", 500, "viewers that may be connected at a time", least=1)
setting("idle_s", 20, "seconds after which a viewer that does not answer a ping is dropped", least=1)

MAX_REQUEST_BYTES = 2**18
MAX_UNREAD_BYTES = 2**23  # sent to a viewer and not read by it, before it is dropped: room for a big answer or two
MAX_VIEWS = 100  # of one viewer

# Fields of perspective.proto's Request, each a kind of request: what a viewer needs to look at a table.
# The others (make table, join, delete table, remove, replace, update) change one.
ENVELOPE = {1, 2}  # msg_id, entity_id
MAKE_PORT, MAKE_VIEW, DELETE_VIEW = 5, 6, 11
READING = {3, 4, 6, 7, 8, *range(10, 27), 29, 30, 34, 35, 36, 37, 39, 40, 41}
SERVER_ERROR = b"\x92\x03"  # the key of the Response's field 50
NOTHING = b"\2\0"  # a field with no content
READ_ONLY = "this server is read-only: viewers look at the table, they do not change it"
TOO_MANY_VIEWS = f"a viewer may have {MAX_VIEWS} views open here: close some"


def fields(message: bytes) -> dict[int, bytes]:
    """The fields of a protobuf message, by number, each as it stands there. Raises ValueError where it is none."""
    found, at = {}, 0
    while at < len(message):
        start = at
        key, at = varint(message, at)
        match key & 7:
            case 0:
                _, at = varint(message, at)
            case 2:
                length, at = varint(message, at)
                at += length
            case wire_type:
                raise ValueError(f"wire type {wire_type} is in no request")
        found[key >> 3] = message[start:at]
    if at > len(message):
        raise ValueError("cut short")
    return found


def varint(message: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, and where the next thing starts."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise ValueError("cut short")
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("a number of more than ten bytes")


def content(field: bytes) -> bytes:
    """What is in a field that is a text or a message. Raises ValueError where it is neither."""
    if field[0] & 7 != 2:
        raise ValueError("a number in place of a text")
    _, at = varint(field, 0)
    _, at = varint(field, at)
    return field[at:]


def named_view(request: dict[int, bytes]) -> bytes:
    """The name of the view that a request makes or deletes."""
    if MAKE_VIEW in request:
        return content(fields(content(request[MAKE_VIEW])).get(1, NOTHING))
    return content(request.get(2, NOTHING))


def refusal(request: dict[int, bytes], why: str) -> bytes:
    """The Response that tells the sender of `request` why nothing happened."""
    error = b"\x0a" + bytes([len(why)]) + why.encode()  # ServerError's field 1: the message
    return request.get(1, b"") + request.get(2, b"") + SERVER_ERROR + bytes([len(error)]) + error


def allowed_origin(origin: str, host: str) -> bool:
    """Whether a page of `origin` may read from the server that is reached as `host`."""
    return urlsplit(origin).netloc == host or origin in options.allowed_origins.split(",")


def check_token(handler: RequestHandler) -> None:
    """Refuses a request without the token, where there is one, by 403."""
    token = handler.get_query_argument("token", "")
    if options.perspective_token and not hmac.compare_digest(token.encode(), options.perspective_token.encode()):
        raise HTTPError(403, reason="the token is missing or wrong")  # a reason is not logged; the address has a token


class Viewers(set):
    """The connections of all viewers, and the Perspective server that they look at."""

    def __init__(self, engine: Executor):
        super().__init__()
        self.engine = engine
        self.server = perspective.Server()
        self.refused = 0

    def start_over(self) -> None:
        """A new Perspective server, without a table; whoever looks at the old one is asked to connect again."""
        self.server = perspective.Server()
        for viewer in list(self):
            viewer.close(1012, "there is a new table")


class ViewerHandler(WebSocketHandler):
    """One viewer's connection. It has one request under way at a time: the next is read from the network after it."""

    def initialize(self, viewers: Viewers):
        self.viewers = viewers

    def prepare(self) -> None:
        check_token(self)
        if len(self.viewers) >= options.max_viewers:
            raise HTTPError(503, reason=f"{options.max_viewers} viewers are connected: no more may (--max-viewers)")

    def check_origin(self, origin: str) -> bool:
        return allowed_origin(origin, self.request.host)

    def open(self) -> None:
        self.views = set()
        self.ws_connection.stream.max_write_buffer_size = max(MAX_UNREAD_BYTES, 200 * options.table_limit)
        loop = asyncio.get_running_loop()
        self.session = self.viewers.server.new_session(lambda message: loop.call_soon_threadsafe(self.send, message))
        self.viewers.add(self)

    def on_close(self) -> None:
        self.viewers.discard(self)
        self.viewers.engine.submit(self.session.close)

    def send(self, message: bytes) -> None:
        try:
            self.write_message(message, binary=True)
        except WebSocketClosedError:
            pass
        except StreamBufferFullError:
            logging.warning("dropped a viewer that does not read what it asked for")
            self.ws_connection.stream.close()

    async def on_message(self, message: bytes | str) -> None:
        try:
            request = fields(message) if isinstance(message, bytes) else {}
            kinds = request.keys() - ENVELOPE
            view = named_view(request)
        except ValueError:
            kinds = set()
        if not kinds:
            self.count_refusal("a message that is not Perspective's")
            self.close(1003, "not a request of Perspective's protocol")
        elif kinds == {MAKE_PORT}:
            # A datagrid asks for a port to send edits through, and draws nothing until it has one. Read as an
            # answer, its own request says "port 0", the one that is always there: no new port for the table.
            self.send(message)
        elif not kinds <= READING:
            self.count_refusal(f"a request of kind {sorted(kinds)}")
            self.send(refusal(request, READ_ONLY))
        elif MAKE_VIEW in kinds and len(self.views) >= MAX_VIEWS:
            self.count_refusal("one view more")
            self.send(refusal(request, TOO_MANY_VIEWS))
        else:
            if MAKE_VIEW in kinds:
                self.views.add(view)
            elif DELETE_VIEW in kinds:
                self.views.discard(view)
            await asyncio.get_running_loop().run_in_executor(self.viewers.engine, self.session.handle_request, message)

    def count_refusal(self, what: str) -> None:
        self.viewers.refused += 1
        logging.warning("refused %s", what)
