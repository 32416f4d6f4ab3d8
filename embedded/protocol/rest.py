"""SQL over HTTP, as `taosrest` and curl use it: `POST /rest/sql` and `POST /rest/sql/<database>`.

The body is one SQL statement. The answer is JSON, with HTTP status 200 even for an SQL error. Timestamps are text in
UTC, or with the offset of the zone that `?tz=` names. Each request has a session of its own.
"""

import asyncio
import base64
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from zoneinfo import ZoneInfo

from tornado.iostream import StreamClosedError
from tornado.web import RequestHandler

from ..common.errors import TDengineError
from ..engine.session import Session
from ..storage.store import Store
from .clients import Clients
from .requests import USER, log_in
from .rest_json import answer
from .wire import malformed

log = logging.getLogger(__name__)


class RestHandler(RequestHandler):
    """Answers one statement, block by block."""

    def initialize(self, store: Store, clients: Clients) -> None:
        self.store, self.clients = store, clients
        self.session: Session | None = None
        self.worker = ThreadPoolExecutor(1, "rest")

    def prepare(self) -> None:
        self.clients.check_room()

    async def post(self, database: str | None = None) -> None:
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.clients.add(self)
        try:
            log_in(*self._credentials())
            await self._send(self._answer(database))
        except StreamClosedError:
            pass  # the client has gone
        except Exception as error:
            self._fail(error)
        finally:
            await asyncio.wrap_future(self.worker.submit(self._close))
            self.worker.shutdown(wait=False)
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
        loop = asyncio.get_running_loop()
        while chunk := await loop.run_in_executor(self.worker, next, chunks, None):
            self.write(chunk)
            await self.flush()

    def _credentials(self) -> tuple[str, str]:
        """The user and the password. Errors: 0x1105, 0x1124, both with HTTP status 401."""
        header = self.request.headers.get("Authorization", "")
        if not header:
            self.set_status(401)
            raise TDengineError(0x1105, "no auth info input")
        try:
            scheme, _, token = header.partition(" ")
            user, colon, password = base64.b64decode(token, validate=True).decode().partition(":")
            if scheme.lower() != "basic" or not colon:
                raise ValueError(header)
            return user, password
        except ValueError as error:
            self.set_status(401)
            raise TDengineError(0x1124, "invalid basic auth") from error

    def _answer(self, database: str | None) -> Iterator[str]:
        zone = self.get_query_argument("tz", None) or self.get_query_argument("conn_tz", None)
        try:
            self.session = Session(self.store, database, zone, USER)
        except TDengineError as error:
            if error.code != 0x0388:
                raise
            # taosAdapter runs a USE for the database in the path, and does not tell its errors
            self.session = Session(self.store, None, zone, USER)
        try:
            sql = self.request.body.decode()
        except UnicodeDecodeError as error:
            raise malformed(f"SQL: {error}") from error
        result = self.session.execute(sql)
        try:
            yield from answer(result, zone and ZoneInfo(zone),
                              named=self.get_query_argument("row_with_meta", "") == "true",
                              timing=self.get_query_argument("timing", "") == "true")
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
