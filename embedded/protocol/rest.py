"""SQL over HTTP, as `taosrest` and curl use it: `POST /rest/sql` and `POST /rest/sql/<database>`.

The body is one SQL statement. The answer is JSON, with HTTP status 200 even for an SQL error, and 400 or 401 for a
request that is wrong in itself. Timestamps are text in UTC, or with the offset of the zone that `?tz=` names. Each
request has a session of its own.
"""

import asyncio
import base64
import logging
import re
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from tornado.iostream import StreamClosedError
from tornado.web import stream_request_body

from ..common import clock
from ..common.errors import TDengineError
from ..engine.session import Session
from ..storage.store import Store
from .clients import MAX_MESSAGE_BYTES, Clients, LocalHandler
from .requests import PASSWORD, TOKEN, USER, log_in
from .rest_json import answer
from .wire import malformed
from .worker import Worker

log = logging.getLogger(__name__)


_TRUE, _FALSE = ("1", "t", "T", "true", "TRUE", "True"), ("", "0", "f", "F", "false", "FALSE", "False")


class LoginHandler(LocalHandler):
    """`GET /rest/login/<user>/<password>`: the token that `Authorization: Taosd` takes."""

    def get(self, user: str, password: str) -> None:
        try:
            log_in(user, password)
            self.finish({"code": 0, "desc": TOKEN})
        except TDengineError:
            self.set_status(401)
            self.finish({"code": 3, "desc": "Authentication failure"})


@stream_request_body
class RestHandler(LocalHandler):
    """Answers one statement, block by block. Only a client that has logged in may send a long one."""

    def initialize(self, store: Store, clients: Clients) -> None:
        self.store, self.clients = store, clients
        self.session: Session | None = None
        self.worker = Worker(lambda: self.session is not None and self.session.is_asking)
        self.body = bytearray()

    def prepare(self) -> None:
        super().prepare()
        self.clients.check_room()
        try:
            log_in(*self._credentials())
            self.options = self._options()
            self.request.connection.set_max_body_size(MAX_MESSAGE_BYTES)
        except TDengineError as error:
            self._fail(error)

    def data_received(self, chunk: bytes) -> None:
        self.body += chunk

    async def post(self, database: str | None = None) -> None:
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.clients.add(self)
        try:
            await self._send(self._answer(database, *self.options))
        except StreamClosedError:
            pass  # the client has gone
        except Exception as error:
            self._fail(error)
        finally:
            await asyncio.wrap_future(self.worker.submit(self._close))
            self.worker.end()
            self.clients.discard(self)

    def on_connection_close(self) -> None:
        self.ending = asyncio.create_task(self._interrupt())

    def disconnect(self) -> None:
        self.request.connection.stream.close()

    def _close(self) -> None:
        if self.session:
            self.session.close()

    async def _interrupt(self) -> None:
        while self in self.clients:  # an interrupt ends only what runs at that moment: it is repeated
            if self.session:
                self.session.interrupt()
            await asyncio.sleep(0.05)

    async def _send(self, chunks: Iterator[str]) -> None:
        """The worker's thread makes a piece; the next one is made when it has been sent."""
        while chunk := await self.worker.run(next, chunks, None):
            self.write(chunk)
            await self.flush()

    def _credentials(self) -> tuple[str, str]:
        """The user and the password. Errors: 0x1105, 0x1122, 0x1124, 0x1125, all with HTTP status 401."""
        scheme, _, token = self.request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            raise self._bad(401, 0x1105, "no auth info input")
        if scheme.lower() not in ("basic", "taosd"):
            raise self._bad(401, 0x1122, "invalid type of Authorization")
        if token.strip() == TOKEN:
            return USER, PASSWORD
        try:
            decoded = base64.b64decode(token, validate=True)
            if scheme.lower() == "taosd":
                if len(decoded) < 48 or len(decoded) % 8:
                    raise ValueError(token)
                return USER, ""  # a token that another login gave
            user, colon, password = decoded.decode().partition(":")
            if not colon:
                raise ValueError(token)
            return user, password
        except ValueError:
            raise self._bad(401, 0x1124 if scheme.lower() == "basic" else 0x1125,
                            f"invalid {scheme.lower()} auth") from None

    def _options(self) -> tuple[str | None, bool, bool]:
        """The time zone, whether rows are objects, whether to tell the time taken. Errors: 0xFFFF, with status 400."""
        zone = self.get_query_argument("conn_tz", None) or self.get_query_argument("tz", None)
        try:
            clock.zone(zone)
        except TDengineError as error:
            raise self._bad(400, error.code, error.message) from None
        if not re.fullmatch(r"[+-]?\d+|", self.get_query_argument("req_id", "")):
            raise self._bad(400, 0xFFFF, "illegal param, req_id must be numeric")
        named = self.get_query_argument("row_with_meta", "")
        if named not in _TRUE + _FALSE:
            raise self._bad(400, 0xFFFF, "illegal param, row_with_meta must be boolean")
        return zone, named in _TRUE, self.get_query_argument("timing", "") == "true"

    def _bad(self, status: int, code: int, message: str) -> TDengineError:
        self.set_status(status)
        return TDengineError(code, message)

    def _answer(self, database: str | None, zone: str | None, named: bool, timing: bool) -> Iterator[str]:
        if not self.body.strip():
            raise self._bad(400, *((0x1107, "no sql input") if self.body else (0x1106, "request is empty")))
        try:
            self.session = Session(self.store, database, zone, USER)
        except TDengineError as error:
            if error.code != 0x0388:
                raise
            # taosAdapter runs a USE for the database in the path, and does not tell its errors
            self.session = Session(self.store, None, zone, USER)
        try:
            sql = self.body.decode()
        except UnicodeDecodeError as error:
            raise malformed(f"SQL: {error}") from error
        result = self.session.execute(sql)
        try:
            yield from answer(result, zone and ZoneInfo(zone), named, timing)
        finally:
            result.close()

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, TDengineError):
            log.error("a REST request failed", exc_info=error)
            error = TDengineError(0xFFFF, f"internal error of the embedded database: {error!r}")
        if self._headers_written:  # rows have been sent already: an answer that is cut says that it is not whole
            self.request.connection.stream.close()
        else:
            self.finish({"code": error.code & 0xFFFF, "desc": error.message})
