"""Rows on disk: one DuckDB file in a folder, one writer at a time, readers beside it.

Rows are on the disk before a call that writes them returns. Rows are kept for `retention_s` seconds by their own
timestamp; `sweep` deletes older ones.

A key of (subtable, time) would cost more than all else. So there is none: the newest time of each subtable is kept in
memory. Rows that are newer are appended, and the others are merged with those that are there.

TDengine drops whole files of old rows. So rows are deleted here in coarse steps, sixty for the whole retention. With
finer ones, the rows that a viewer shows would change every second, even where new rows are rare.
"""

import time
from collections.abc import Callable, Sequence
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
from .rows import Batch, append, in_order, last_of_each, merge
from .subtables import NO_ROWS, with_room

RETENTION_STEPS, SHORTEST_STEP_S = 60, 1
SWEEP_ROWS = 200_000  # in one transaction: some 30 ms, in which writers wait
SWEEP_SECONDS = 0.1  # in one sweep
IDLE_SECONDS, AGE_SECONDS = 60, 600  # of an open result: it keeps DuckDB from using the space of deleted rows again
ROOM_SECONDS = 5  # how long a writer waits for the memory that questions have taken
MAX_TICKS = (31556995200000, 31556995200000000, 9214646400000000000)  # TDengine's end of time, by precision


class OpenResult(Protocol):
    """A result that has rows left to read, and holds a state of the file."""

    def expire(self, idle_s: float, age_s: float, busy_s: float) -> None: ...

    def make_room(self) -> None: ...

    def close(self) -> None: ...


class Store(Changes):
    """The databases of one folder and their rows.

    `retention_s` is in seconds; 0 keeps all rows. `memory_mb` bounds what DuckDB takes. A question may take
    `question_s` seconds; 0 sets no limit.

    Errors: OSError where the folder cannot be written, or another process has it open.
    """

    def __init__(self, folder: str, retention_s: float = 3600, memory_mb: int = 512, question_s: float = 60) -> None:
        super().__init__(folder, memory_mb)
        self.retention_s, self.question_s = retention_s, question_s
        self.open_results: set[OpenResult] = set()

    def close(self) -> None:
        with self.file.lock:
            for result in list(self.open_results):
                result.close()
            self.file.close()

    # ------------------------------------------------------------------ writing

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
                keys = _write(change, table, columns, numbers, list(zip(*(batch.values for batch in group),
                                                                        strict=True)), newest)
                written.setdefault(table, []).append(keys)
            change.then(lambda: self._publish_times(newest, written))
        return sum(_distinct(keys) for keys in written.values())

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

    # ------------------------------------------------------------------ housekeeping

    def _delete_before(self, precision: int) -> int:
        """The time, in ticks, before which rows are deleted now. It moves step by step."""
        step = int(max(SHORTEST_STEP_S, self.retention_s / RETENTION_STEPS) * clock.UNITS[precision])
        return self._oldest_accepted(precision) // step * step

    def sweep(self) -> bool:
        """Delete rows past the retention, for a moment; True while there is more to do.

        It also ends results that a client has left open and questions that take too long, and keeps the write-ahead
        log short.
        """
        for result in list(self.open_results):
            result.expire(IDLE_SECONDS, AGE_SECONDS, self.question_s or float("inf"))
        more = bool(self.retention_s) and self._for_each_table(self._delete_old_rows, SWEEP_SECONDS)
        self.file.checkpoint()
        return more

    def _for_each_table(self, work: Callable[[Database, Table], bool], seconds: float) -> bool:
        """Call `work` for every table while it returns True, for `seconds` at most; True when there is more."""
        deadline = time.monotonic() + seconds
        for database in list(self.databases.values()):
            for table in list(database.tables.values()):
                while work(database, table):
                    if time.monotonic() > deadline:
                        return True
                    time.sleep(0.001)  # without a pause, writers that wait for the lock would not get it
        return False

    def _delete_old_rows(self, database: Database, table: Table) -> bool:
        """One short transaction; True when there may be more. Where no row is old it costs nothing."""
        before = self._delete_before(table.precision)
        with self.file.lock:
            if self._oldest.get(table.id, before) >= before or database.tables.get(table.name) is not table:
                return False
            with self.file.write() as change:
                deleted, = change.execute(
                    f"DELETE FROM data_{table.id} WHERE rowid IN "
                    f"(SELECT rowid FROM data_{table.id} WHERE c0 < {before} LIMIT {SWEEP_ROWS})").fetchone()
                if deleted < SWEEP_ROWS:
                    change.then(lambda: self._note_deleted(table, before))
            return deleted == SWEEP_ROWS

    def _note_deleted(self, table: Table, before: int) -> None:
        """All rows before this time are gone."""
        self._oldest[table.id] = before
        numbers = self.tags(table).numbers
        self._newest[numbers[self._newest[numbers] < before]] = NO_ROWS


def _write(change: Transaction, table: Table, columns: tuple[int, ...], numbers: np.ndarray,
           parts: Sequence[Sequence[pa.Array]], newest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Write rows with the same columns, whose values come in parts. Puts their times into `newest`.

    Returns the subtables and times that were written, each pair once.
    """
    arrays = [pa.array(numbers), *map(pa.chunked_array, parts)]
    rows = pa.Table.from_arrays(arrays, names=["tb", *(f"c{i}" for i in columns)])
    times = rows["c0"].to_numpy()
    if in_order(numbers, times, newest):
        change.with_rows(rows, append(table, columns))
    else:
        kept = last_of_each(numbers, times)
        numbers, times = numbers[kept], times[kept]
        newer = times > newest[numbers]
        if newer.any():
            change.with_rows(rows.take(pa.array(kept[newer])), append(table, columns))
        if not newer.all():
            late = times[~newer]
            change.with_rows(rows.take(pa.array(kept[~newer])), merge(table, columns, int(late.min()),
                                                                      int(late.max())))
    np.maximum.at(newest, numbers, times)
    return numbers, times


def _distinct(keys: Sequence[tuple[np.ndarray, np.ndarray]]) -> int:
    """How many subtables and times these are; each part has a pair once."""
    if len(keys) == 1:
        return len(keys[0][0])
    numbers, times = map(np.concatenate, zip(*keys, strict=True))
    return len(last_of_each(numbers, times))
