"""The databases of one folder, and what creates them and their tables."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from ..common.catalog import Database, Table, check_columns
from ..common.datatypes import Column
from ..common.errors import TDengineError
from . import tables
from .duckfile import DuckFile, Transaction
from .subtables import NO_ROWS, Tags, TagsOfTable, with_room


class Databases:
    """The catalog in memory and in the file, which change together.

    Errors: OSError where the folder cannot be written, or another process has it open.
    """

    def __init__(self, folder: str, memory_mb: int) -> None:
        self.file = DuckFile(folder, memory_mb)
        with self.file.write() as change:
            self.databases = tables.load(change)
        self._tags: dict[int, TagsOfTable] = {}  # by the table's id
        self._newest = with_room(np.empty(0, np.int64), 1024)  # by the subtable's number
        self._oldest: dict[int, int] = {}  # by the table's id: no row is older
        for database in self.databases.values():
            for table in database.tables.values():
                self._load(table)
        numbers = (subtable.tb for database in self.databases.values() for subtable in database.subtables.values())
        self._next_tb = 1 + max(numbers, default=0)
        ids = [table.id for database in self.databases.values() for table in database.tables.values()]
        self._last_id = max([0, *ids, *(database.id for database in self.databases.values())])

    def _load(self, table: Table) -> None:
        connection = self.file.reader()
        self._tags[table.id] = TagsOfTable(table)
        self._tags[table.id].replace(connection.sql(f"FROM tags_{table.id} ORDER BY tb").to_arrow_table())
        times = connection.sql(f"SELECT tb, max(c0) AS newest, min(c0) AS oldest FROM data_{table.id} GROUP BY tb")
        found = times.to_arrow_table()
        self.file.release(connection)
        numbers = found["tb"].to_numpy()
        if len(numbers):
            self._newest = with_room(self._newest, int(numbers.max()))
            self._newest[numbers] = found["newest"].to_numpy()
            self._oldest[table.id] = int(found["oldest"].to_numpy().min())

    def database(self, name: str | None) -> Database:
        """Errors: 0x2616 without a name, 0x0388 where there is none of that name."""
        if name is None:
            raise TDengineError(0x2616, "Database not specified")
        found = self.databases.get(name)
        if found is None:
            raise TDengineError(0x0388, "Database not exist")
        return found

    def tags(self, table: Table) -> Tags:
        """The table's subtables and their tags at this moment. The caller holds `file.state`. Error: 0x2603."""
        if table.id not in self._tags:  # it was dropped
            raise TDengineError(0x2603, "Table does not exist")
        return self._tags[table.id].now()

    def newest_times(self, table: Table) -> dict[int, int]:
        """The newest time, in ticks, of each subtable that has rows, by its number. Error: 0x2603."""
        with self.file.state:
            numbers = self.tags(table).numbers
            times = self._newest[numbers]
        has_rows = times != NO_ROWS
        return dict(zip(numbers[has_rows].tolist(), times[has_rows].tolist(), strict=True))

    def _new_id(self) -> int:
        self._last_id += 1
        return self._last_id

    # ------------------------------------------------------------------ creating

    def create_database(self, name: str, precision: int, if_not_exists: bool, **options: Any) -> None:
        """`options` are further fields of the Database. Error: 0x0381."""
        with self.file.lock:
            if name in self.databases:
                if if_not_exists:
                    return
                raise TDengineError(0x0381, "Database already exists")
            database = Database(self._new_id(), name, precision, **options)
            with self.file.write() as change:
                change.execute("INSERT INTO databases VALUES (?, ?, ?, ?)",
                               [database.id, name, precision, json.dumps(options)])
                change.then(lambda: self.databases.update({name: database}))

    def alter_database(self, database: Database, **options: Any) -> None:
        """Set further fields of the Database."""
        with self.file.lock, self.file.write() as change:
            self.database(database.name)  # it may have been dropped
            change.execute("UPDATE databases SET options = json_merge_patch(options, ?) WHERE id = ?",
                           [json.dumps(options), database.id])
            change.then(lambda: vars(database).update(options))

    def create_table(self, database: Database, name: str, columns: tuple[Column, ...], tags: tuple[Column, ...],
                     if_not_exists: bool) -> None:
        """A super table, or a normal table where there are no tags. Errors: 0x0360, 0x0603, 0x2641, 0x263C, 0x263F."""
        check_columns(columns, tags)
        with self.file.lock:
            if database.has(name):
                if if_not_exists:
                    return
                raise TDengineError(0x0360, "STable already exists") if tags else _table_exists()
            table = Table(self._new_id(), name, database.precision, columns, tags)

            def publish() -> None:
                database.tables[name], self._tags[table.id] = table, TagsOfTable(table)

            with self.file.write() as change:
                tables.create_table(change, database, table)
                change.then(publish)
                if not tags:
                    self._add_subtables(change, database, table, [name], ())

    def create_subtables(self, database: Database, table: Table, names: Sequence[str], tags: Sequence[pa.Array],
                         if_not_exists: bool = False) -> None:
        """All or none. `tags` has an array for each tag of the table, with a value for each name. Error: 0x0603."""
        with self.file.lock:
            missing = [i for i, name in enumerate(names) if not database.has(name)]
            if len(missing) < len(names) and not if_not_exists:
                raise _table_exists()
            if missing:
                with self.file.write() as change:
                    self._add_subtables(change, database, table, [names[i] for i in missing],
                                        [tag.take(pa.array(missing)) for tag in tags])

    def _add_subtables(self, change: Transaction, database: Database, table: Table, names: Sequence[str],
                       tags: Sequence[pa.Array]) -> range:
        """Write new subtables; returns their numbers. The catalog has them once the change is committed."""
        numbers = range(self._next_tb, self._next_tb + len(names))
        self._next_tb = numbers.stop
        rows = pa.Table.from_arrays([pa.array(numbers, pa.int32()), pa.array(names, pa.string()), *tags],
                                    schema=TagsOfTable(table).schema)
        change.with_rows(rows, f"INSERT INTO tags_{table.id} SELECT * FROM given")

        def publish() -> None:
            self._newest = with_room(self._newest, numbers.stop)
            self._tags[table.id].add(rows)
            for name, tb in zip(names, numbers, strict=True):
                database.add_subtable(table, name, tb)

        change.then(publish)
        return numbers


def _table_exists() -> TDengineError:
    return TDengineError(0x0603, "Table already exists")
