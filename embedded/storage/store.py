"""Rows on disk: one DuckDB file in a folder, one writer at a time, readers beside it.

Rows are on the disk before a call that writes them returns. Rows are kept for `retention_s` seconds by their own
timestamp; `sweep` deletes older ones.

A key of (subtable, time) would cost more than all else. So there is none: the newest time of each subtable is kept in
memory. Rows that are newer are appended, and the others are merged with those that are there.

TDengine drops whole files of old rows. So rows are deleted here in coarse steps, sixty for the whole retention. With
finer ones, the rows that a viewer shows would change every second, even where new rows are rare.
"""

import time
from collections.abc import Callable

from ..common import clock
from ..common.catalog import Database, Table
from .inserts import Inserts
from .subtables import NO_ROWS

RETENTION_STEPS, SHORTEST_STEP_S = 60, 1
SWEEP_ROWS = 200_000  # in one transaction: some 30 ms, in which writers wait
SWEEP_SECONDS = 0.1  # in one sweep
IDLE_SECONDS, AGE_SECONDS = 60, 600  # of an open result: it keeps DuckDB from using the space of deleted rows again


class Store(Inserts):
    """The databases of one folder and their rows.

    `retention_s` is in seconds; 0 keeps all rows. `memory_mb` bounds what DuckDB takes. A question may take
    `question_s` seconds; 0 sets no limit.

    Errors: OSError where the folder cannot be written, or another process has it open.
    """

    def __init__(self, folder: str, retention_s: float = 3600, memory_mb: int = 512, question_s: float = 60) -> None:
        super().__init__(folder, memory_mb, retention_s)
        self.question_s = question_s

    def close(self) -> None:
        with self.file.lock:
            for result in list(self.open_results):
                result.close()
            self.file.close()

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
                    change.then(lambda: self._note_deleted(table, before), of_rows=True)
            return deleted == SWEEP_ROWS

    def _note_deleted(self, table: Table, before: int) -> None:
        """All rows before this time are gone."""
        self._oldest[table.id] = before
        numbers = self.tags(table).numbers
        self._newest[numbers[self._newest[numbers] < before]] = NO_ROWS
