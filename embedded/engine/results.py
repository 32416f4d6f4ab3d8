"""The answer of a question, which the client reads a part at a time."""

import threading
import time
from collections.abc import Callable

import duckdb
import pyarrow as pa

from ..common.datatypes import arrow_type
from ..common.errors import TDengineError
from ..sql.plan import Plan
from ..storage.duckfile import Connection
from ..storage.store import Store
from ..storage.subtables import Tags
from .duckdb_errors import ERRORS, out_of_memory, translated
from .plain_result import Result, batch_of

EAGER_ROWS = 12_288  # a smaller result is read at once: an open one keeps the space of deleted rows from being used


class QueryResult(Result):
    """Rows that are read from DuckDB as the client fetches them, on a connection of the result's own.

    The connection is in the set `running` while it may be reading, so that the session can interrupt it.
    """

    def __init__(self, plan: Plan, store: Store, running: set[Connection]) -> None:
        super().__init__(0, plan.columns, plan.precision)
        self._plan, self._store, self._running = plan, store, running
        self._lock = threading.Lock()
        self._reader: pa.RecordBatchReader | None = None
        self._error: TDengineError | None = None
        self._started = self._last_fetch = time.monotonic()
        self._busy_since: float | None = None
        self._tags: Tags | None = None
        self._connection: Connection | None = store.file.reader()
        running.add(self._connection)
        store.open_results.add(self)
        try:
            with self._lock:
                self._read(self._open)
        except BaseException:
            self._finish()
            raise

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    def _open(self) -> None:
        """Start reading, so that rows and tags are of one state of the file.

        A transaction would cost as much as a small question. So it is only used where tags change meanwhile.
        """
        for name, rows in self._plan.inputs.items():
            self._connection.register(name, rows)
        self._tags = self._tags_now()
        self._start()
        if self._tags is not self._tags_now():
            self._reader.close()
            with self._store.file.state:
                self._store.file.begin(self._connection)
                self._tags = self._store.tags(self._plan.tags.table)
            self._start()
        self._next()

    def _tags_now(self) -> Tags | None:
        if self._plan.tags is None:
            return None
        with self._store.file.state:
            return self._store.tags(self._plan.tags.table)

    def _start(self) -> None:
        self._reader = self._connection.sql(self._plan.sql).to_arrow_reader(EAGER_ROWS)

    def _next(self) -> None:
        """Read so many rows that the client has some to fetch, and end the transaction after the last ones."""
        batches, count = [], 0
        while count < EAGER_ROWS:
            batch = next(self._reader, None)
            if batch is None:
                self._finish()
                break
            batches.append(batch)
            count += len(batch)
        if count:
            whole = batches[0] if len(batches) == 1 else pa.Table.from_batches(batches).combine_chunks().to_batches()[0]
            self._batch = self._finished(whole)

    def _read(self, work: Callable[[], None]) -> None:
        """Do some work in DuckDB. Errors: TDengineError."""
        self._last_fetch = self._busy_since = time.monotonic()
        try:
            work()
        except ERRORS as error:
            self._finish()
            raise (self._error or translated(error)) from error
        finally:
            self._busy_since = None

    def _finished(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows with their tags, and with the types that the columns must have."""
        columns = batch.columns
        if self._tags is not None:
            rows = pa.array(self._tags.rows_of(columns.pop().to_numpy()))
            for position, name in sorted(self._plan.tags.names.items()):
                columns.insert(position, _tag(self._tags.batch[name], rows))
        return batch_of(column if pa.types.is_dictionary(column.type) else column.cast(arrow_type(wanted))
                      for column, wanted in zip(columns, self.columns, strict=True))

    def fetch_batch(self, n: int) -> pa.RecordBatch | None:
        if (part := super().fetch_batch(n)) is not None:
            return part
        with self._lock:
            if self._error is not None:
                raise self._error
            if self._connection is None:
                return None
            self._read(self._next)
        return super().fetch_batch(n)

    def _finish(self) -> None:
        """Give the connection back. Rows that are read already can still be fetched."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        self._running.discard(connection)
        self._store.open_results.discard(self)
        try:
            if self._reader is not None:
                self._reader.close()
            self._reader = None
            for name in self._plan.inputs:
                connection.unregister(name)
            self._store.file.release(connection)
        except duckdb.Error:
            connection.close()

    def make_room(self) -> None:
        """End the question if DuckDB is working on it: a writer needs the memory."""
        self._stop(out_of_memory())

    def _stop(self, error: TDengineError) -> None:
        connection = self._connection
        if self._busy_since is not None and connection is not None:
            self._error = error
            connection.interrupt()

    def expire(self, idle_s: float, age_s: float, busy_s: float = float("inf")) -> None:
        """End the result if DuckDB has worked for `busy_s` on its next rows, if nobody has fetched for `idle_s`, or if
        it is `age_s` old. The next fetch says so.
        """
        now, busy_since = time.monotonic(), self._busy_since
        if busy_since is not None:
            if now - busy_since > busy_s:
                self._stop(TDengineError(0x0328, f"Query terminated: it took longer than {busy_s:g} s, --question "
                                                 "changes that"))
            return
        in_time = now - self._last_fetch < idle_s and now - self._started < age_s
        if in_time or not self._lock.acquire(blocking=False):
            return
        try:
            if self._connection is not None:
                self._error = TDengineError(0x0328, f"Query terminated: the result was left open for "
                                                    f"{now - self._started:.0f} s")
                self._finish()
        finally:
            self._lock.release()

    def close(self) -> None:
        super().close()
        with self._lock:
            self._finish()


def _tag(values: pa.Array, rows: pa.Array) -> pa.Array:
    """A column of tags; texts as a dictionary, which holds each once."""
    if pa.types.is_string(values.type) or pa.types.is_binary(values.type):
        return pa.DictionaryArray.from_arrays(rows, values)
    return values.take(rows)
