"""Results: the answer of a statement, which the client reads a part at a time."""

import json
import sqlite3
import threading
import time
from collections.abc import Sequence

from ..common.datatypes import Column
from ..common.errors import TDengineError
from ..common.values import to_client
from ..sql.plan import Plan
from ..storage.store import Store

EAGER_ROWS = 10_000  # a smaller result is read at once: an open one keeps the write-ahead log from being shortened


def translated(error: sqlite3.Error) -> TDengineError:
    """SQLite's error as TDengine's, as near as there is one."""
    text = str(error)
    if "no such table" in text:  # somebody dropped it meanwhile
        return TDengineError(0x2603, "Table does not exist")
    if "interrupted" in text:
        return TDengineError(0x0328, "Query terminated")
    if "user-defined" in text or "overflow" in text or "string or blob too big" in text:
        return TDengineError(0x2800, f"Function internal error: {text}")
    return TDengineError(0xFFFF, f"the embedded database failed: {text}")


class Result:
    """Rows, or (where `columns` is empty) how many rows were written: `affected`."""

    def __init__(self, affected: int = 0, columns: Sequence[Column] = (), precision: int = 0,
                 rows: Sequence[tuple] = ()) -> None:
        self.affected, self.columns, self.precision = affected, list(columns), precision
        self._values, self._at = list(zip(*rows, strict=True)), 0

    def fetch_columns(self, n: int) -> list[Sequence]:
        """The next rows, at most n, column-major; [] at the end."""
        part = [values[self._at:self._at + n] for values in self._values]
        if not part or not part[0]:
            return []
        self._at += len(part[0])
        return part

    def fetch(self, n: int) -> list[tuple]:
        """The next rows, at most n, row by row; [] at the end."""
        return list(zip(*self.fetch_columns(n), strict=True))

    def close(self) -> None:
        self._values = []


class QueryResult(Result):
    """Rows that are read from SQLite as the client fetches them, on a connection of the result's own.

    The connection is in the set `running` while it may be reading, so that the session can interrupt it.
    """

    def __init__(self, plan: Plan, store: Store, running: set[sqlite3.Connection]) -> None:
        super().__init__(0, plan.columns, plan.precision)
        self._plan, self._store, self._running = plan, store, running
        self._lock = threading.Lock()
        self._cursor: sqlite3.Cursor | None = None
        self._error: TDengineError | None = None
        self._started = self._last_fetch = time.monotonic()
        self._connection = self._store.file.reader()
        running.add(self._connection)
        try:
            self._connection.execute("BEGIN")  # so that rows and tags are of one state of the file
            self._cursor = self._connection.execute(plan.sql, plan.parameters)
            self._values = self._read(EAGER_ROWS)
        except BaseException as error:
            self._finish()
            raise (translated(error) if isinstance(error, sqlite3.Error) else error) from None
        if not self._values or len(self._values[0]) < EAGER_ROWS:
            self._finish()
        else:
            self._store.open_results.add(self)

    @property
    def is_open(self) -> bool:
        return self._cursor is not None

    def _read(self, n: int) -> list[Sequence]:
        values = list(zip(*self._cursor.fetchmany(n), strict=True))
        if values and self._plan.tags:
            self._put_tags(values)
        return to_client(values, self.columns)

    def _put_tags(self, values: list[Sequence]) -> None:
        """Put the columns that are tags in the place of the last column, which holds the subtables."""
        subtables = values.pop()
        rows = self._connection.execute(self._plan.tags.sql, (json.dumps(list(set(subtables))),)).fetchall()
        known, *tags = zip(*rows, strict=True)
        for position, tag in zip(self._plan.tags.positions, tags, strict=True):
            values.insert(position, list(map(dict(zip(known, tag, strict=True)).__getitem__, subtables)))

    def fetch_columns(self, n: int) -> list[Sequence]:
        if part := super().fetch_columns(n):
            return part
        self._values, self._at = [], 0
        with self._lock:
            self._last_fetch = time.monotonic()
            if self._error is not None:
                raise self._error
            if self._cursor is None:
                return []
            try:
                values = self._read(n)
            except sqlite3.Error as error:
                self._finish()
                raise translated(error) from error
            if not values:
                self._finish()
            return values

    def _finish(self) -> None:
        """Give the connection back. Rows that are read already can still be fetched."""
        if self._connection is None:
            return
        if self._cursor is not None:
            self._cursor.close()
        self._connection.commit()
        self._running.discard(self._connection)
        self._store.open_results.discard(self)
        self._store.file.release(self._connection)
        self._cursor = self._connection = None

    def expire(self, idle_s: float, age_s: float) -> None:
        """End the result if nobody has fetched for `idle_s` or if it is `age_s` old. The next fetch says so."""
        now = time.monotonic()
        in_time = now - self._last_fetch < idle_s and now - self._started < age_s
        if in_time or not self._lock.acquire(blocking=False):
            return
        try:
            if self._cursor is not None:
                self._error = TDengineError(0x0328, f"Query terminated: the result was left open for "
                                                    f"{now - self._started:.0f} s")
                self._finish()
        finally:
            self._lock.release()

    def close(self) -> None:
        super().close()
        with self._lock:
            self._finish()
