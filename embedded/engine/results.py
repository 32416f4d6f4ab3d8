"""Results: what a statement has answered, read a part at a time."""

import json
import sqlite3
import threading
import time
from typing import Any, Sequence

from ..common.datatypes import Column
from ..common.errors import TDengineError
from ..sql.planner import Plan
from ..common.values import to_client

EAGER_ROWS = 10_000  # a result up to this size is read at once, so that it pins nothing


def refused(error: sqlite3.Error) -> TDengineError:
    text = str(error)
    if "no such table" in text:  # dropped meanwhile
        return TDengineError(0x2603, "Table does not exist")
    if "interrupted" in text:
        return TDengineError(0x0328, "Query terminated")
    if "user-defined" in text or "overflow" in text or "string or blob too big" in text:
        return TDengineError(0x2800, f"Function internal error: {text}")
    return TDengineError(0xFFFF, f"the embedded database failed: {text}")


class Result:
    """Rows (`columns` is not empty) or a count of rows written (`affected`)."""

    def __init__(self, affected: int = 0, columns: Sequence[Column] = (), precision: int = 0,
                 rows: Sequence[tuple] = ()):
        self.affected, self.columns, self.precision = affected, list(columns), precision
        self._values, self._at = list(zip(*rows)), 0

    def fetch_columns(self, n: int) -> list[Sequence]:
        """The next at most n rows, column-major; [] at the end."""
        part = [values[self._at:self._at + n] for values in self._values]
        if not part or not part[0]:
            return []
        self._at += len(part[0])
        return part

    def fetch(self, n: int) -> list[tuple]:
        """The same, row by row."""
        return list(zip(*self.fetch_columns(n)))

    def close(self) -> None:
        self._values = []


class QueryResult(Result):
    """Rows read from SQLite as they are fetched, on a connection of its own. `running`: where that is noted meanwhile."""

    def __init__(self, plan: Plan, store: Any, running: set):
        super().__init__(0, plan.columns, plan.precision)
        self._plan, self._store, self._running = plan, store, running
        self._lock = threading.Lock()
        self._cursor: sqlite3.Cursor | None = None
        self._error: TDengineError | None = None
        self._started = self._used = time.monotonic()
        self._connection = self._store.file.reader()
        running.add(self._connection)
        try:
            self._connection.execute("BEGIN")  # rows and tags are of one state
            self._cursor = self._connection.execute(plan.sql, plan.parameters)
            self._values = self._read(EAGER_ROWS)
        except BaseException as error:
            self._finish()
            raise (refused(error) if isinstance(error, sqlite3.Error) else error) from None
        if not self._values or len(self._values[0]) < EAGER_ROWS:
            self._finish()
        else:
            self._store.opened(self)

    @property
    def is_open(self) -> bool:
        return self._cursor is not None

    def _read(self, n: int) -> list[Sequence]:
        values = list(zip(*self._cursor.fetchmany(n)))
        if values and self._plan.tags:
            self._put_tags(values)
        return to_client(values, self.columns)

    def _put_tags(self, values: list[Sequence]) -> None:
        subtables = values.pop()
        rows = self._connection.execute(self._plan.tags.sql, (json.dumps(list(set(subtables))),)).fetchall()
        known, *tags = zip(*rows)
        for position, tag in zip(self._plan.tags.positions, tags):
            values.insert(position, list(map(dict(zip(known, tag)).__getitem__, subtables)))

    def fetch_columns(self, n: int) -> list[Sequence]:
        if part := super().fetch_columns(n):
            return part
        self._values, self._at = [], 0
        with self._lock:
            self._used = time.monotonic()
            if self._error is not None:
                raise self._error
            if self._cursor is None:
                return []
            try:
                values = self._read(n)
            except sqlite3.Error as error:
                self._finish()
                raise refused(error) from error
            if not values:
                self._finish()
            return values

    def _finish(self) -> None:
        if self._connection is None:
            return
        if self._cursor is not None:
            self._cursor.close()
        self._connection.commit()
        self._running.discard(self._connection)
        self._store.closed(self)
        self._store.file.release(self._connection)
        self._cursor = self._connection = None

    def expire(self, idle_s: float, age_s: float) -> None:
        """End a result that holds the write-ahead log for too long; its next fetch says so."""
        now = time.monotonic()
        if now - self._used < idle_s and now - self._started < age_s or not self._lock.acquire(blocking=False):
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
