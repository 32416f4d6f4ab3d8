"""Rows on disk: one SQLite file in a folder, one writer at a time, readers beside it (WAL).

What a call has returned for is in the file: a process killed afterwards loses nothing of it. Rows are
kept for `retention_s` by their own timestamp, and `sweep` deletes what is older, a little at a time.
"""

import sqlite3
import time
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, groupby, islice, repeat
from typing import Any, Callable, Sequence

from . import blocks
from ..common import catalog, clock
from ..common.catalog import Database, Subtable, Table
from ..common.datatypes import Column
from ..common.errors import TDengineError
from .sqlitefile import SQLiteFile

SWEEP_ROWS, SWEEP_SECONDS = 2000, 0.05
SEAL_SECONDS = 0.1
VALUES_AT_ONCE = 100  # in one INSERT
IDLE_WRITER_SECONDS = 1  # without a write: then blocks are sealed without a pause
IDLE_SECONDS, AGE_SECONDS = 60, 600  # an open result pins the WAL: how long it may
MAX_TICKS = (31556995200000, 31556995200000000, 9214646400000000000)  # TDengine's end of time, by precision


@dataclass
class Batch:
    """Rows for one subtable, column-major, as stored. `columns` are positions, the timestamp's (0) first.

    `table` and `tags` serve a subtable that does not exist yet; tags of one that does are ignored.
    """

    database: Database
    table: Table
    name: str
    tags: Sequence[Any] | None
    columns: tuple[int, ...]
    values: Sequence[Sequence[Any]]


class Store:
    """All databases of one folder.

    Errors: OSError where the folder cannot be written, or another process has it open.
    """

    def __init__(self, folder: str, retention_s: float = 3600):
        self.retention_s = retention_s
        self.file = SQLiteFile(folder)
        self._open_results: set = set()
        self._written = 0.0  # when rows were last written, by the monotonic clock
        with self.file.lock:
            self.databases = catalog.load(self.file.writer)
        self._next_tb = 1 + max((s.tb for d in self.databases.values() for s in d.subtables.values()), default=0)

    def close(self) -> None:
        with self.file.lock:
            for result in list(self._open_results):
                result.close()
            self.file.close()

    # ------------------------------------------------------------------ open results

    def opened(self, result: Any) -> None:
        self._open_results.add(result)

    def closed(self, result: Any) -> None:
        self._open_results.discard(result)

    # ------------------------------------------------------------------ writing

    def database(self, name: str | None) -> Database:
        """Errors: 0x2616 without a name, 0x0388 where there is none."""
        if name is None:
            raise TDengineError(0x2616, "Database not specified")
        found = self.databases.get(name)
        if found is None:
            raise TDengineError(0x0388, "Database not exist")
        return found

    def create_database(self, name: str, precision: int, if_not_exists: bool) -> None:
        with self.file.lock:
            if name in self.databases:
                if if_not_exists:
                    return
                raise TDengineError(0x0381, "Database already exists")
            with self.file.write() as connection:
                id_ = connection.execute("INSERT INTO databases(name, precision) VALUES(?, ?) RETURNING id",
                                         (name, precision)).fetchone()[0]
            self.databases[name] = Database(id_, name, precision)

    def drop_database(self, name: str, if_exists: bool) -> None:
        with self.file.lock:
            if if_exists and name not in self.databases:
                return
            database = self.database(name)
            with self.file.write() as connection:
                for table in database.tables.values():
                    catalog.drop_table(connection, table)
                connection.execute("DELETE FROM databases WHERE id = ?", (database.id,))
            del self.databases[name]
            database.tables.clear()  # a sweep may be at them

    def create_table(self, database: Database, name: str, columns: tuple[Column, ...], tags: tuple[Column, ...],
                     if_not_exists: bool) -> None:
        catalog.check_columns(columns, tags)
        with self.file.lock:
            if name in database.tables or name in database.subtables:
                if if_not_exists:
                    return
                raise TDengineError(0x0360, "STable already exists") if tags else _exists()
            with self.file.write() as connection:
                table = catalog.create_table(connection, database, name, columns, tags)
                blocks.create(connection, table)
                tb = None if tags else self._add_subtable(connection, table, name, ())
            database.tables[name] = table
            if tb is not None:
                catalog.add_subtable(database, table, name, tb)

    def create_subtable(self, database: Database, table: Table, name: str, tags: Sequence[Any],
                        if_not_exists: bool) -> None:
        with self.file.lock:
            if name in database.tables or name in database.subtables:
                if if_not_exists:
                    return
                raise _exists()
            with self.file.write() as connection:
                tb = self._add_subtable(connection, table, name, tags)
            catalog.add_subtable(database, table, name, tb)

    def _add_subtable(self, connection: sqlite3.Connection, table: Table, name: str, tags: Sequence[Any]) -> int:
        tb, self._next_tb = self._next_tb, self._next_tb + 1
        marks = ", ?" * len(table.tags)
        connection.execute(f"INSERT INTO tags_{table.id} VALUES(?, ?{marks})", (tb, name, *tags))
        return tb

    def drop_tables(self, names: Sequence[tuple[Database, str]]) -> None:
        """Super tables with their subtables, normal tables, subtables."""
        with self.file.lock:
            found = [(database, database.find(name)) for database, name in names]
            with self.file.write() as connection:
                for _, entry in found:
                    if isinstance(entry, Table) or not entry.table.is_super:
                        catalog.drop_table(connection, entry if isinstance(entry, Table) else entry.table)
                    else:
                        connection.execute(f"DELETE FROM data_{entry.table.id} WHERE tb = ?", (entry.tb,))
                        connection.execute(f"DELETE FROM blocks_{entry.table.id} WHERE tb = ?", (entry.tb,))
                        connection.execute(f"DELETE FROM tags_{entry.table.id} WHERE tb = ?", (entry.tb,))
            for database, entry in found:
                _forget(database, entry)

    def insert(self, batches: Sequence[Batch]) -> int:
        """Upsert by (subtable, ts): the named columns are overwritten, the others stay.

        All batches or none. Returns the rows stored: a timestamp given twice counts once. Errors: 0x060B.
        """
        for batch in batches:
            self._check_times(batch)
        created: dict[tuple[Database, str], tuple[Table, int]] = {}
        with self.file.lock:
            with self.file.write() as connection:
                for (table, columns), group in groupby(batches, lambda batch: (batch.table, batch.columns)):
                    same = [(self._tb(connection, batch, created), batch.values) for batch in group]
                    _write(connection, table, columns, same)
                    blocks.reopen(connection, table, ((tb, values[0]) for tb, values in same))
            self._written = time.monotonic()
            for (database, name), (table, tb) in created.items():
                catalog.add_subtable(database, table, name, tb)
        return _distinct(batches)

    def _tb(self, connection: sqlite3.Connection, batch: Batch, created: dict) -> int:
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
        return clock.now(precision) - int(self.retention_s * clock.UNITS[precision])

    # ------------------------------------------------------------------ housekeeping

    def sweep(self) -> bool:
        """Delete rows past the retention and seal blocks, each for a moment; True while more are waiting.

        Also closes results that a client has left open, and keeps the write-ahead log short.
        """
        for result in list(self._open_results):
            result.expire(IDLE_SECONDS, AGE_SECONDS)
        more = bool(self.retention_s) and self._in_slices(self._sweep_slice, SWEEP_SECONDS)
        more_blocks = self._in_slices(self._seal_slice, SEAL_SECONDS)
        self.file.checkpoint()
        return more or more_blocks and time.monotonic() - self._written > IDLE_WRITER_SECONDS

    def _in_slices(self, work: Callable[[Database, Table], bool], seconds: float) -> bool:
        """Run `work` for every table until it has no more to do, or for `seconds`; True when there is more."""
        deadline = time.monotonic() + seconds
        for database in list(self.databases.values()):
            for table in list(database.tables.values()):
                while work(database, table):
                    if time.monotonic() > deadline:
                        return True
                    time.sleep(0.001)  # or writers, who wait for the lock, would not get it
        return False

    def _sweep_slice(self, database: Database, table: Table) -> bool:
        """One short transaction; True when it was a full one. Cheap when nothing is old: one seek."""
        with self.file.lock:
            if database.tables.get(table.name) is not table:
                return False
            oldest = f"SELECT tb, c0 FROM data_{table.id} WHERE c0 < ? ORDER BY c0 LIMIT ?"
            keys = self.file.writer.execute(oldest, (self._oldest(table.precision), SWEEP_ROWS)).fetchall()
            if keys:
                with self.file.write() as connection:
                    connection.executemany(f"DELETE FROM data_{table.id} WHERE tb = ? AND c0 = ?", keys)
                    blocks.reopen(connection, table, ((tb, (c0,)) for tb, c0 in keys))
            return len(keys) == SWEEP_ROWS

    def _seal_slice(self, database: Database, table: Table) -> bool:
        with self.file.lock:
            if database.tables.get(table.name) is not table:
                return False
            with self.file.write() as connection:
                return blocks.seal(connection, table, clock.now(table.precision), self._oldest(table.precision))


def _exists() -> TDengineError:
    return TDengineError(0x0603, "Table already exists")


def _forget(database: Database, entry: Table | Subtable) -> None:
    if isinstance(entry, Subtable) and entry.table.is_super:
        database.subtables.pop(entry.name, None)
        entry.table.subtables.pop(entry.name, None)
        return
    table = entry if isinstance(entry, Table) else entry.table
    database.tables.pop(table.name, None)
    for name in table.subtables:
        database.subtables.pop(name, None)


def _write(connection: sqlite3.Connection, table: Table, columns: tuple[int, ...],
           same: Sequence[tuple[int, Sequence[Sequence[Any]]]]) -> None:
    """Upsert (subtable, values) pairs, several rows by one statement: a statement costs more than a row."""
    width = 1 + len(columns)
    at_once = max(1, VALUES_AT_ONCE // width)
    rows = chain.from_iterable(zip(repeat(tb), *values) for tb, values in same)
    count = sum(len(values[0]) for _, values in same)
    flat = chain.from_iterable(islice(rows, count - count % at_once))
    connection.executemany(_upsert(table.id, columns, at_once), zip(*[flat] * (at_once * width)))
    connection.executemany(_upsert(table.id, columns, 1), rows)


@lru_cache(maxsize=256)
def _upsert(table: int, columns: tuple[int, ...], rows: int) -> str:
    names = ", ".join(f"c{i}" for i in columns)
    named = ", ".join(f"c{i} = excluded.c{i}" for i in columns if i)
    change = f"UPDATE SET {named}" if named else "NOTHING"
    marks = ", ".join([f"(?{', ?' * len(columns)})"] * rows)
    return f"INSERT INTO data_{table}(tb, {names}) VALUES{marks} ON CONFLICT(tb, c0) DO {change}"


def _distinct(batches: Sequence[Batch]) -> int:
    if len(batches) == 1:
        return len(set(batches[0].values[0]))
    times: dict[tuple[int, str], set] = {}
    for batch in batches:
        times.setdefault((batch.table.id, batch.name), set()).update(batch.values[0])
    return sum(map(len, times.values()))
