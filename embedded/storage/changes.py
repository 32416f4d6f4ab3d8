"""What changes rows and tables that are there: DELETE, ALTER and DROP."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from ..common.catalog import Database, Subtable, Table
from ..common.datatypes import Column, arrow_type, duck_type
from ..common.errors import TDengineError
from . import tables
from .databases import Databases
from .duckfile import Transaction
from .subtables import NO_ROWS, TagsOfTable


class Changes(Databases):
    """Each method is one transaction, and holds the lock of writers."""

    def delete_rows(self, database: Database, entry: Table | Subtable, where_sql: str | None = None) -> int:
        """Delete rows of a table or a subtable: all, or those for which DuckDB's SQL over tb, c0, c1, ... holds.

        Returns how many there were. Error: 0x2603 where the table was dropped meanwhile.
        """
        table = entry.table if isinstance(entry, Subtable) else entry
        with self.file.lock:
            _check(database, table)
            conditions = [f"tb = {entry.tb}"] if isinstance(entry, Subtable) else []
            conditions += [f"({where_sql})"] if where_sql else []
            where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
            with self.file.write() as change:
                deleted, = change.execute(f"DELETE FROM data_{table.id}{where}").fetchone()
                if deleted:
                    self._count_newest(change, table)
            return deleted

    def _count_newest(self, change: Transaction, table: Table) -> None:
        """Find the newest times anew: the rows that had them may be gone."""
        found = change.rows(f"SELECT tb, max(c0) AS newest FROM data_{table.id} GROUP BY tb")

        def publish() -> None:
            newest = self._newest.copy()
            newest[self.tags(table).numbers] = NO_ROWS
            newest[found["tb"].to_numpy()] = found["newest"].to_numpy()
            self._newest = newest

        change.then(publish, of_rows=True)

    def add_column(self, database: Database, table: Table, column: Column) -> None:
        """A new last column (or tag, if it is one), which is NULL in the rows that are there. Error: 0x2603."""
        kind, letter, columns = _kind(table, column.is_tag)
        with self.file.lock:
            _check(database, table)
            with self.file.write() as change:
                change.execute(f"ALTER TABLE {kind}_{table.id} ADD COLUMN {letter}{len(columns)} {duck_type(column)}")
                self._set_columns(change, table, (*columns, column), column.is_tag)

    def drop_column(self, database: Database, table: Table, name: str) -> None:
        """Drop a column or tag that is there. The later ones move up, and are renamed. Error: 0x2603."""
        is_tag = any(tag.name == name for tag in table.tags)
        kind, letter, columns = _kind(table, is_tag)
        with self.file.lock:
            _check(database, table)
            position = _position(columns, name)
            with self.file.write() as change:
                change.execute(f"ALTER TABLE {kind}_{table.id} DROP COLUMN {letter}{position}")
                for later in range(position + 1, len(columns)):
                    change.execute(f"ALTER TABLE {kind}_{table.id} RENAME {letter}{later} TO {letter}{later - 1}")
                self._set_columns(change, table, columns[:position] + columns[position + 1:], is_tag)

    def change_column(self, database: Database, table: Table, name: str, column: Column) -> None:
        """Give a column or tag another name, or a variable one another length. Error: 0x2603."""
        _, _, columns = _kind(table, column.is_tag)
        with self.file.lock:
            _check(database, table)
            position = _position(columns, name)
            with self.file.write() as change:
                self._set_columns(change, table, (*columns[:position], column, *columns[position + 1:]),
                                  column.is_tag)

    def _set_columns(self, change: Transaction, table: Table, columns: tuple[Column, ...], is_tag: bool) -> None:
        changed = replace(table, **{"tags" if is_tag else "columns": columns})
        tables.save_columns(change, changed)
        tags = change.rows(f"FROM tags_{table.id} ORDER BY tb") if is_tag else None

        def publish() -> None:
            table.columns, table.tags = changed.columns, changed.tags
            if tags is not None:
                self._tags[table.id] = TagsOfTable(table)
                self._tags[table.id].replace(tags)

        change.then(publish)

    def set_tags(self, database: Database, subtable: Subtable, values: dict[int, Any]) -> None:
        """Set tags, by position, of a subtable to plain Python values that its tags can hold. Error: 0x2603."""
        table = subtable.table
        with self.file.lock:
            _check(database, table)
            if database.subtables.get(subtable.name) is not subtable:
                raise TDengineError(0x2603, "Table does not exist")
            given = pa.table({"tb": pa.array([subtable.tb], pa.int32())} | {
                f"t{i}": pa.array([value], arrow_type(table.tags[i])) for i, value in values.items()})
            changes = ", ".join(f"t{i} = given.t{i}" for i in values)
            with self.file.write() as change:
                change.with_rows(given, f"UPDATE tags_{table.id} AS s SET {changes} FROM given WHERE s.tb = given.tb")
                tags = change.rows(f"FROM tags_{table.id} ORDER BY tb")
                change.then(lambda: self._tags[table.id].replace(tags))

    def drop_database(self, name: str, if_exists: bool) -> None:
        """Error: 0x0388."""
        with self.file.lock:
            if if_exists and name not in self.databases:
                return
            database = self.database(name)

            def publish() -> None:
                del self.databases[name]
                for table in list(database.tables.values()):
                    self._forget(database, table)

            with self.file.write() as change:
                for table in database.tables.values():
                    tables.drop_table(change, table)
                change.execute("DELETE FROM databases WHERE id = ?", [database.id])
                change.then(publish)

    def drop_tables(self, names: Sequence[tuple[Database, str]]) -> None:
        """Drop super tables with their subtables, normal tables, and subtables: all or none. Error: 0x2603."""
        with self.file.lock:
            found = [(database, database.find(name)) for database, name in names]
            whole = {entry if isinstance(entry, Table) else entry.table: database for database, entry in found
                     if isinstance(entry, Table) or not entry.table.is_super}
            parts: dict[Table, list] = {}
            for database, entry in found:
                table = entry if isinstance(entry, Table) else entry.table
                if table not in whole:
                    parts.setdefault(table, []).append((database, entry))
            with self.file.write() as change:
                for table, database in whole.items():
                    tables.drop_table(change, table)
                    change.then(lambda database=database, table=table: self._forget(database, table))
                for table, entries in parts.items():
                    tables.drop_subtables(change, table, [entry.tb for _, entry in entries])
                    change.then(lambda table=table, entries=entries: self._forget_subtables(table, entries))

    def _forget(self, database: Database, table: Table) -> None:
        self._newest[list(table.subtables.values())] = NO_ROWS
        database.remove(table)
        self._tags.pop(table.id, None)
        self._oldest.pop(table.id, None)

    def _forget_subtables(self, table: Table, entries: Sequence[tuple]) -> None:
        numbers = [entry.tb for _, entry in entries]
        self._newest[numbers] = NO_ROWS
        self._tags[table.id].remove(numbers)
        for database, entry in entries:
            database.remove(entry)


def _kind(table: Table, is_tag: bool) -> tuple[str, str, tuple[Column, ...]]:
    return ("tags", "t", table.tags) if is_tag else ("data", "c", table.columns)


def _position(columns: Sequence[Column], name: str) -> int:
    return [column.name for column in columns].index(name)


def _check(database: Database, table: Table) -> None:
    if database.tables.get(table.name) is not table:
        raise TDengineError(0x2603, "Table does not exist")
