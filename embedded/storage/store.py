"""Rows on disk: one SQLite file in a folder, one writer at a time, readers beside it (WAL).

Rows are in the file before a call that writes them returns: a process that is killed afterwards loses none of
them. Rows are kept for `retention_s` seconds by their own timestamp; `sweep` deletes older ones.

TDengine drops whole files of old rows. So rows are deleted here in coarse steps, sixty for the whole retention. With
finer ones, the rows that a viewer shows would change every second, even where new rows are rare.
"""

import sqlite3
import time
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Protocol

from ..common import clock
from ..common.catalog import Database, Table
from ..common.errors import TDengineError
from . import blocks
from .databases import Databases
from .rows import Batch, count_distinct, upsert

RETENTION_STEPS, SHORTEST_STEP_S = 60, 1
SWEEP_ROWS = 2000  # in one transaction: some milliseconds, in which writers wait
SWEEP_SECONDS = 0.05  # in one sweep, so that blocks get their turn
SEAL_SECONDS = 0.1  # in one sweep
IDLE_WRITER_SECONDS = 1  # without a write: then blocks are sealed without a pause
# Of an open result: it keeps SQLite from shortening the write-ahead log, which then grows with every write.
IDLE_SECONDS, AGE_SECONDS = 60, 600
MAX_TICKS = (31556995200000, 31556995200000000, 9214646400000000000)  # TDengine's end of time, by precision


class OpenResult(Protocol):
    """A result that has rows left to read, and holds a state of the file."""

    def expire(self, idle_s: float, age_s: float) -> None: ...

    def close(self) -> None: ...


class Store(Databases):
    """The databases of one folder and their rows. `retention_s` is in seconds; 0 keeps all rows.

    Errors: OSError where the folder cannot be written, or another process has it open.
    """

    def __init__(self, folder: str, retention_s: float = 3600) -> None:
        super().__init__(folder)
        self.retention_s = retention_s
        self.open_results: set[OpenResult] = set()
        self._last_write = 0.0  # by the monotonic clock

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
        created: dict[tuple[Database, str], tuple[Table, int]] = {}
        with self.file.lock:
            with self.file.write() as connection:
                for (table, columns), group in groupby(batches, lambda batch: (batch.table, batch.columns)):
                    of_table = [(self._number_of(connection, batch, created), batch.values) for batch in group]
                    upsert(connection, table, columns, of_table)
                    blocks.reopen(connection, table, ((tb, values[0]) for tb, values in of_table))
            self._last_write = time.monotonic()
            for (database, name), (table, tb) in created.items():
                database.add_subtable(table, name, tb)
        return count_distinct(batches)

    def _number_of(self, connection: sqlite3.Connection, batch: Batch,
                   created: dict[tuple[Database, str], tuple[Table, int]]) -> int:
        """The subtable's number. A subtable that is missing is created in the file, and noted in `created`."""
        known = batch.database.subtables.get(batch.name)
        if known is not None:
            if known.table is not batch.table:
                raise TDengineError(0x2603, "Table does not exist")
            return known.tb
        key = batch.database, batch.name
        if key not in created:
            if batch.tags is None or batch.database.tables.get(batch.table.name) is not batch.table:
                raise TDengineError(0x2603, "Table does not exist")
            created[key] = batch.table, self._add_subtable(connection, batch.table, batch.name, batch.tags)
        return created[key][1]

    def _check_times(self, batch: Batch) -> None:
        times, precision = batch.values[0], batch.table.precision
        if not times:
            return
        if None in times:
            raise TDengineError(0x0216, "Primary timestamp column should not be null")
        if max(times) > MAX_TICKS[precision]:
            raise TDengineError(0x060B, "Timestamp data out of range")
        if self.retention_s and min(times) < self._oldest(precision):
            raise TDengineError(0x060B, "Timestamp data out of range: the embedded database keeps rows for "
                                        f"{self.retention_s:g} s, --retention changes that")

    def _oldest(self, precision: int) -> int:
        """The oldest time, in ticks, whose rows are accepted."""
        return clock.now(precision) - int(self.retention_s * clock.UNITS[precision])

    # ------------------------------------------------------------------ housekeeping

    def _delete_before(self, precision: int) -> int:
        """The time, in ticks, before which rows are deleted now. It moves step by step."""
        step = int(max(SHORTEST_STEP_S, self.retention_s / RETENTION_STEPS) * clock.UNITS[precision])
        return self._oldest(precision) // step * step

    def sweep(self) -> bool:
        """Delete rows past the retention and seal blocks, each for a moment; True while there is more to do.

        It also ends results that a client has left open, and keeps the write-ahead log short.
        """
        for result in list(self.open_results):
            result.expire(IDLE_SECONDS, AGE_SECONDS)
        more_rows = bool(self.retention_s) and self._for_each_table(self._delete_old_rows, SWEEP_SECONDS)
        more_blocks = self._for_each_table(self.seal_blocks, SEAL_SECONDS)
        self.file.checkpoint()
        return more_rows or more_blocks and time.monotonic() - self._last_write > IDLE_WRITER_SECONDS

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
        """One short transaction; True when there may be more. Where no row is old it costs one seek."""
        with self.file.lock:
            if database.tables.get(table.name) is not table:
                return False
            old = f"SELECT tb, c0 FROM data_{table.id} WHERE c0 < ? ORDER BY c0 LIMIT ?"
            keys = self.file.writer.execute(old, (self._delete_before(table.precision), SWEEP_ROWS)).fetchall()
            if keys:
                with self.file.write() as connection:
                    connection.executemany(f"DELETE FROM data_{table.id} WHERE tb = ? AND c0 = ?", keys)
                    blocks.reopen(connection, table, ((tb, (c0,)) for tb, c0 in keys))
            return len(keys) == SWEEP_ROWS

    def seal_blocks(self, database: Database, table: Table) -> bool:
        """One short transaction; True when there may be more blocks to seal. False for a table that was dropped."""
        with self.file.lock:
            if database.tables.get(table.name) is not table:
                return False
            with self.file.write() as connection:
                return blocks.seal(connection, table, clock.now(table.precision), self._delete_before(table.precision))
