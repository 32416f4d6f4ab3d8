"""The WebSocket that viewers speak to: Perspective's own handler, read-only, for those who may look."""

import hmac
import logging
from urllib.parse import urlsplit

from perspective.handlers.tornado import PerspectiveTornadoHandler
from tornado.web import HTTPError, RequestHandler

from settings import options, setting

setting("allowed_origins", "http://localhost:8081,http://127.0.0.1:8081",
        "pages of these origins may connect, beside the server's own; separated by commas")
setting("perspective_token", "", "what viewers must give as ?token=...; needed to listen at other than a loopback address")

# Fields of perspective.proto's Request, each a kind of request: what a viewer needs to look at a table.
# The others (make table, join, delete table, remove, replace, update) change one.
ENVELOPE = {1, 2}  # msg_id, entity_id
MAKE_PORT = 5
READING = {3, 4, 6, 7, 8, *range(10, 27), 29, 30, 34, 35, 36, 37, 39, 40, 41}
SERVER_ERROR = b"\x92\x03"  # the key of the Response's field 50
READ_ONLY = b"this server is read-only: viewers look at the table, they do not change it"


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


def refusal(request: dict[int, bytes]) -> bytes:
    """The Response that tells the sender of `request` why nothing happened."""
    error = b"\x0a" + bytes([len(READ_ONLY)]) + READ_ONLY  # ServerError's field 1: the message
    return request.get(1, b"") + request.get(2, b"") + SERVER_ERROR + bytes([len(error)]) + error


def allowed_origin(origin: str, host: str) -> bool:
    """Whether a page of `origin` may read from the server that is reached as `host`."""
    return urlsplit(origin).netloc == host or origin in options.allowed_origins.split(",")


def check_token(handler: RequestHandler) -> None:
    """Refuses a request without the token, where there is one, by 403."""
    token = handler.get_query_argument("token", "")
    if not hmac.compare_digest(token.encode(), options.perspective_token.encode()):
        raise HTTPError(403, reason="the token is missing or wrong")  # a reason is not logged; the address has a token


class ViewerHandler(PerspectiveTornadoHandler):
    """One viewer's connection."""

    count = 0
    refused = 0

    def prepare(self) -> None:
        check_token(self)

    def check_origin(self, origin: str) -> bool:
        return allowed_origin(origin, self.request.host)

    def open(self) -> None:
        super().open()
        ViewerHandler.count += 1

    def on_close(self) -> None:
        ViewerHandler.count -= 1
        super().on_close()

    def on_message(self, message: bytes | str) -> None:
        try:
            request = fields(message) if isinstance(message, bytes) else {}
        except ValueError:
            request = {}
        kinds = request.keys() - ENVELOPE
        if kinds and kinds <= READING:
            super().on_message(message)
        elif kinds == {MAKE_PORT}:
            # A datagrid asks for a port to send edits through, and draws nothing until it has one. Read as an
            # answer, its own request says "port 0", the one that is always there: no new port for the table.
            self.write_message(message, binary=True)
        else:
            ViewerHandler.refused += 1
            logging.warning("refused a request of kind %s: viewers only read", sorted(kinds) or "unknown")
            if not kinds:
                return self.close(1003, "not a request of Perspective's protocol")
            self.write_message(refusal(request), binary=True)
