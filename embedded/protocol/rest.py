"""SQL over HTTP, as `taosrest` and curl use it: `POST /rest/sql` and `POST /rest/sql/<database>`.

The body is one SQL statement, the answer JSON with HTTP status 200 even for an SQL error. Timestamps are
text in UTC, or with the offset of the zone that `?tz=` names. Each request is a session of its own.
"""

import asyncio
import base64
import json
import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tornado.iostream import StreamClosedError
from tornado.web import RequestHandler

from ..common.datatypes import DOUBLE, FLOAT, TIMESTAMP, VARBINARY, Column
from ..common.errors import TDengineError
from ..engine.session import Session
from .connection import USER, log_in
from .wire import malformed, rows_per_block

log = logging.getLogger(__name__)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RestHandler(RequestHandler):
    """One statement, answered block by block: a large result never stands in memory as a whole."""

    def initialize(self, store, clients: set):
        self.store, self.clients = store, clients
        self.session: Session | None = None
        self.worker = ThreadPoolExecutor(1, "rest")

    def prepare(self):
        self.clients.make_room()

    async def post(self, database: str | None = None):
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.clients.add(self)
        try:
            log_in(*self._credentials())
            await self._send(self._answer(database))
        except StreamClosedError:
            pass  # nobody waits for the rest
        except Exception as error:
            self._fail(error)
        finally:
            await asyncio.wrap_future(self.worker.submit(self._close))
            self.worker.shutdown(wait=False)
            self.clients.discard(self)

    def on_connection_close(self):
        self.ending = asyncio.create_task(self._interrupt())

    def hang_up(self):
        self.request.connection.stream.close()

    def _close(self):
        if self.session:
            self.session.close()

    async def _interrupt(self):
        while self in self.clients:  # again and again: it ends only what runs at that moment
            if self.session:
                self.session.interrupt()
            await asyncio.sleep(0.05)

    async def _send(self, chunks: Iterator[str]) -> None:
        """Each piece is made in the worker's thread and sent before the next one is made."""
        loop = asyncio.get_running_loop()
        while chunk := await loop.run_in_executor(self.worker, next, chunks, None):
            self.write(chunk)
            await self.flush()

    def _credentials(self) -> tuple[str, str]:
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
            self.session = Session(self.store, None, zone, USER)  # the path is a USE whose errors are not told
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
        if self._headers_written:  # rows are on their way: a cut answer says that it is not whole
            self.request.connection.stream.close()
        else:
            self.finish({"code": error.code & 0xFFFF, "desc": error.message})


def answer(result, zone: ZoneInfo | None, named: bool = False, timing: bool = False) -> Iterator[str]:
    """A result as the text of one JSON object, in pieces. `named`: rows as objects."""
    started = time.perf_counter_ns()
    end = (lambda: f',"timing":{time.perf_counter_ns() - started}}}') if timing else (lambda: "}")
    if not result.columns:
        rows = [{"affected_rows": result.affected}] if named else [[result.affected]]
        yield f'{{"code":0,"column_meta":[["affected_rows","INT",4]],"data":{json.dumps(rows)},"rows":1{end()}'
        return
    names = [column.name for column in result.columns]
    meta = json.dumps([[column.name, column.type.name, column.length] for column in result.columns])
    writers = [writer(column, result.precision, zone) for column in result.columns]
    start, count = f'{{"code":0,"column_meta":{meta},"data":[', 0
    while values := result.fetch_columns(rows_per_block(result.columns)):
        rows = as_json(values, writers)
        yield start + json.dumps([dict(zip(names, row)) for row in rows] if named else rows)[1:-1]
        start, count = ",", count + len(rows)
    yield f'{"" if count else start}],"rows":{count}{end()}'


def as_json(table: Sequence[Sequence], writers: Sequence[Callable | None]) -> list[tuple]:
    """The rows of columns, of which those that have a writer are put into JSON's types."""
    columns = [values if write is None else [None if value is None else write(value) for value in values]
               for write, values in zip(writers, table)]
    return list(zip(*columns))


def writer(column: Column, precision: int, zone: ZoneInfo | None) -> Callable | None:
    if column.type is TIMESTAMP:
        return lambda value: timestamp_text(value, precision, zone)
    if column.type is VARBINARY:
        return bytes.hex
    if column.type in (FLOAT, DOUBLE):
        return lambda value: value if math.isfinite(value) else None
    return None


def timestamp_text(value: int, precision: int, zone: ZoneInfo | None = None) -> str:
    """`value` in units of `precision` as `2026-11-25T03:04:05.678Z`, with exactly 3, 6 or 9 digits."""
    digits = 3 * (precision + 1)
    seconds, fraction = divmod(value, 10**digits)
    try:
        whole = (_EPOCH + timedelta(seconds=seconds)).astimezone(zone or UTC).isoformat()
    except OverflowError as error:
        raise TDengineError(0x060B, "Timestamp data out of range") from error
    offset = "Z" if whole[19:] == "+00:00" else whole[19:]
    return f"{whole[:19]}.{fraction:0{digits}}{offset}"
