"""Inserts: rows on their way from a batch into the file."""

import time
from collections.abc import Sequence
from itertools import groupby
from typing import Protocol

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..common import clock
from ..common.catalog import Database, Table
from ..common.errors import TDengineError
from .changes import Changes
from .duckfile import Transaction
from .rows import Batch, distinct, write
from .subtables import with_room

ROOM_SECONDS = 5  # how long a writer waits for the memory that questions have taken
MAX_TICKS = (31556995200000, 31556995200000000, 9214646400000000000)  # TDengine's end of time, by precision


class OpenResult(Protocol):
    """A result that has rows left to read, and holds a state of the file."""

    def expire(self, idle_s: float, age_s: float, busy_s: float) -> None: ...

    def make_room(self) -> None: ...

    def close(self) -> None: ...


class Inserts(Changes):
    """`retention_s` is in seconds; 0 keeps all rows."""

    def __init__(self, folder: str, memory_mb: int, retention_s: float) -> None:
        super().__init__(folder, memory_mb)
        self.retention_s = retention_s
        self.open_results: set[OpenResult] = set()

    def insert(self, batches: Sequence[Batch]) -> int:
        """Upsert by (subtable, ts): the named columns are overwritten, the others stay. All batches or none.

        Returns how many rows are stored: a timestamp that is given twice counts once. Errors: 0x0216, 0x060B, 0x2603.
        """
        for batch in batches:
            self._check_times(batch)
        deadline = time.monotonic() + ROOM_SECONDS
        while True:
            try:
                return self._insert(batches)
            except duckdb.OutOfMemoryException:
                if time.monotonic() > deadline:
                    raise
                for result in list(self.open_results):  # writers come first
                    result.make_room()
                time.sleep(0.01)

    def _insert(self, batches: Sequence[Batch]) -> int:
        created: dict[tuple[Database, str], tuple[Table, int]] = {}
        written: dict[Table, list[tuple[np.ndarray, np.ndarray]]] = {}
        with self.file.lock, self.file.write() as change:
            newest = self._newest
            for (table, columns), group in groupby(batches, lambda batch: (batch.table, batch.columns)):
                group = list(group)
                numbers = np.concatenate([np.repeat(self._numbers(change, batch, created), batch.counts)
                                          for batch in group])
                if not len(numbers):
                    continue
                newest = with_room(newest, int(numbers.max()))
                keys = write(change, table, columns, numbers, list(zip(*(batch.values for batch in group),
                                                                        strict=True)), newest)
                written.setdefault(table, []).append(keys)
            change.then(lambda: self._publish_times(newest, written), of_rows=True)
        return sum(distinct(keys) for keys in written.values())

    def _publish_times(self, newest: np.ndarray, written: dict[Table, list[tuple[np.ndarray, np.ndarray]]]) -> None:
        self._newest = with_room(newest, len(self._newest) - 1)
        for table, keys in written.items():
            oldest = min(int(times.min()) for _, times in keys)
            self._oldest[table.id] = min(oldest, self._oldest.get(table.id, oldest))

    def _numbers(self, change: Transaction, batch: Batch,
                 created: dict[tuple[Database, str], tuple[Table, int]]) -> np.ndarray:
        """The subtables' numbers. Those that are missing are created in the file, and noted in `created`."""
        known, table = batch.database.subtables, batch.table
        missing = {}
        for position, name in enumerate(batch.names):
            if name not in known and (batch.database, name) not in created:
                missing.setdefault(name, position)
        if missing:
            taken = any(name in batch.database.tables for name in missing)
            if taken or batch.tags is None or batch.database.tables.get(table.name) is not table:
                raise TDengineError(0x2603, "Table does not exist")
            chosen = pa.array(missing.values(), pa.int64())
            numbers = self._add_subtables(change, batch.database, table, list(missing),
                                          [tag.take(chosen) for tag in batch.tags])
            created |= {(batch.database, name): (table, tb) for name, tb in zip(missing, numbers, strict=True)}
        numbers = np.empty(len(batch.names), np.int32)
        for position, name in enumerate(batch.names):
            subtable = known.get(name)
            owner, numbers[position] = ((subtable.table, subtable.tb) if subtable
                                        else created[batch.database, name])
            if owner is not table:
                raise TDengineError(0x2603, "Table does not exist")
        return numbers

    def _check_times(self, batch: Batch) -> None:
        times, precision = batch.values[0], batch.table.precision
        if not len(times):
            return
        if times.null_count:
            raise TDengineError(0x0216, "Primary timestamp column should not be null")
        first, last = pc.min_max(times).as_py().values()
        if last > MAX_TICKS[precision] or first < clock.now(precision) - batch.database.keep_ticks:
            raise TDengineError(0x060B, "Timestamp data out of range")
        if self.retention_s and first < self._oldest_accepted(precision):
            raise TDengineError(0x060B, "Timestamp data out of range: the embedded database keeps rows for "
                                        f"{self.retention_s:g} s, --retention changes that")

    def _oldest_accepted(self, precision: int) -> int:
        """In ticks."""
        return clock.now(precision) - int(self.retention_s * clock.UNITS[precision])
