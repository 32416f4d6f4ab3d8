"""The databases of one folder, and what creates and drops them and their tables."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from ..common.catalog import Database, Table, check_columns
from ..common.datatypes import Column
from ..common.errors import TDengineError
from . import tables
from .sqlitefile import SQLiteFile


class Databases:
    """The catalog in memory and in the file, which change together.

    Errors: OSError where the folder cannot be written, or another process has it open.
    """

    def __init__(self, folder: str) -> None:
        self.file = SQLiteFile(folder)
        with self.file.lock:
            self.databases = tables.load(self.file.writer)
        numbers = (subtable.tb for database in self.databases.values() for subtable in database.subtables.values())
        self._next_tb = 1 + max(numbers, default=0)

    def database(self, name: str | None) -> Database:
        """Errors: 0x2616 without a name, 0x0388 where there is none of that name."""
        if name is None:
            raise TDengineError(0x2616, "Database not specified")
        found = self.databases.get(name)
        if found is None:
            raise TDengineError(0x0388, "Database not exist")
        return found

    def create_database(self, name: str, precision: int, if_not_exists: bool) -> None:
        """Error: 0x0381."""
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
        """Error: 0x0388."""
        with self.file.lock:
            if if_exists and name not in self.databases:
                return
            database = self.database(name)
            with self.file.write() as connection:
                for table in database.tables.values():
                    tables.drop_table(connection, table)
                connection.execute("DELETE FROM databases WHERE id = ?", (database.id,))
            del self.databases[name]
            database.tables.clear()  # a sweep that goes through them at this moment finds none of them

    def create_table(self, database: Database, name: str, columns: tuple[Column, ...], tags: tuple[Column, ...],
                     if_not_exists: bool) -> None:
        """A super table, or a normal table where there are no tags. Errors: 0x0360, 0x0603, 0x2641, 0x263C, 0x263F."""
        check_columns(columns, tags)
        with self.file.lock:
            if database.has(name):
                if if_not_exists:
                    return
                raise TDengineError(0x0360, "STable already exists") if tags else _table_exists()
            with self.file.write() as connection:
                table = tables.create_table(connection, database, name, columns, tags)
                tb = None if tags else self._add_subtable(connection, table, name, ())
            database.tables[name] = table
            if tb is not None:
                database.add_subtable(table, name, tb)

    def create_subtable(self, database: Database, table: Table, name: str, tags: Sequence[Any],
                        if_not_exists: bool) -> None:
        """`tags` are all tags of the table, as they are stored. Error: 0x0603."""
        with self.file.lock:
            if database.has(name):
                if if_not_exists:
                    return
                raise _table_exists()
            with self.file.write() as connection:
                tb = self._add_subtable(connection, table, name, tags)
            database.add_subtable(table, name, tb)

    def _add_subtable(self, connection: sqlite3.Connection, table: Table, name: str, tags: Sequence[Any]) -> int:
        tb, self._next_tb = self._next_tb, self._next_tb + 1
        tables.add_subtable(connection, table, name, tb, tags)
        return tb

    def drop_tables(self, names: Sequence[tuple[Database, str]]) -> None:
        """Drop super tables with their subtables, normal tables, and subtables: all or none. Error: 0x2603."""
        with self.file.lock:
            found = [(database, database.find(name)) for database, name in names]
            with self.file.write() as connection:
                for _, entry in found:
                    if isinstance(entry, Table) or not entry.table.is_super:
                        tables.drop_table(connection, entry if isinstance(entry, Table) else entry.table)
                    else:
                        tables.drop_subtable(connection, entry.table, entry.tb)
            for database, entry in found:
                database.remove(entry)


def _table_exists() -> TDengineError:
    return TDengineError(0x0603, "Table already exists")
