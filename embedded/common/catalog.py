"""What exists: databases, super tables, normal tables, subtables; in memory, mirrored in SQLite.

Table n keeps its rows in `data_n`, what they come to in `blocks_n` (see blocks.py) and its subtables,
with their tags, in `tags_n`. Rows lie in the order of time, as they are read most. A normal table is stored
as a super table with the one subtable that bears its own name. Columns are called c0 (the timestamp),
c1, ... and tags t0, t1, ..., because SQLite's names know no case.
"""

import json
import sqlite3
from dataclasses import dataclass, field

from . import datatypes as t
from .datatypes import Column
from .errors import TDengineError

SCHEMA = """
CREATE TABLE IF NOT EXISTS databases(id INTEGER PRIMARY KEY, name TEXT UNIQUE, precision INTEGER);
CREATE TABLE IF NOT EXISTS tables(id INTEGER PRIMARY KEY, database INTEGER, name TEXT, columns TEXT, tags TEXT,
                                  UNIQUE(database, name));
"""
# What information_schema.ins_databases has of TDengine's columns: a query, whose o0, o1 are these
INS_DATABASES = ("SELECT name AS o0, CASE precision WHEN 0 THEN 'ms' WHEN 1 THEN 'us' ELSE 'ns' END AS o1 FROM databases",
                 [Column("name", t.VARCHAR, 64), Column("precision", t.VARCHAR, 2)])


@dataclass(frozen=True, eq=False)
class Table:
    """A super table, or a normal table (no tags)."""

    id: int
    name: str
    precision: int
    columns: tuple[Column, ...]
    tags: tuple[Column, ...]
    subtables: dict[str, int] = field(default_factory=dict)  # name -> tb, the key in data_n and tags_n

    @property
    def is_super(self) -> bool:
        return bool(self.tags)


@dataclass(frozen=True, eq=False)
class Subtable:
    """A subtable, or a normal table's rows."""

    tb: int
    name: str
    table: Table


@dataclass(frozen=True, eq=False)
class Database:
    id: int
    name: str
    precision: int
    tables: dict[str, Table] = field(default_factory=dict)
    subtables: dict[str, Subtable] = field(default_factory=dict)

    def find(self, name: str) -> Table | Subtable:
        """The super table, subtable or normal table of that name. Error: 0x2603."""
        found = self.subtables.get(name) or self.tables.get(name)
        if found is None:
            raise TDengineError(0x2603, "Table does not exist")
        return found


def load(connection: sqlite3.Connection) -> dict[str, Database]:
    """All databases by name."""
    connection.executescript(SCHEMA)
    databases = {}
    for key, name, precision in connection.execute("SELECT id, name, precision FROM databases").fetchall():
        database = databases[name] = Database(key, name, precision)
        for id_, table_name, columns, tags in connection.execute(
                "SELECT id, name, columns, tags FROM tables WHERE database = ?", (key,)).fetchall():
            table = Table(id_, table_name, precision, _columns(columns, False), _columns(tags, True))
            database.tables[table_name] = table
            for tb, subtable in connection.execute(f"SELECT tb, name FROM tags_{id_}"):
                add_subtable(database, table, subtable, tb)
    return databases


def add_subtable(database: Database, table: Table, name: str, tb: int) -> None:
    table.subtables[name] = tb
    database.subtables[name] = Subtable(tb, name, table)


def _columns(text: str, is_tag: bool) -> tuple[Column, ...]:
    return tuple(Column(name, t.BY_CODE[code], length, is_tag) for name, code, length in json.loads(text))


def _text(columns: tuple[Column, ...]) -> str:
    return json.dumps([(column.name, column.type.code, column.length) for column in columns])


def check_columns(columns: tuple[Column, ...], tags: tuple[Column, ...]) -> None:
    """TDengine's rules for the columns of a new table. Errors: 0x2641, 0x263F, 0x263C."""
    if columns[0].type is not t.TIMESTAMP:
        raise TDengineError(0x2641, "First column must be timestamp")
    if len(columns) < 2:
        raise TDengineError(0x263F, "Illegal number of columns")
    names = [column.name for column in columns + tags]
    if len(set(names)) < len(names) or "tbname" in names:
        raise TDengineError(0x263C, "Duplicated column names")


def create_table(connection: sqlite3.Connection, database: Database, name: str, columns: tuple[Column, ...],
                 tags: tuple[Column, ...]) -> Table:
    """Write a new table; the caller enters it in `database` once the transaction is committed."""
    id_ = connection.execute("INSERT INTO tables(database, name, columns, tags) VALUES(?, ?, ?, ?) RETURNING id",
                             (database.id, name, _text(columns), _text(tags))).fetchone()[0]
    stored = ", ".join(f"c{i}" for i in range(1, len(columns)))
    connection.execute(f"CREATE TABLE data_{id_}(tb INTEGER, c0 INTEGER, {stored}, PRIMARY KEY(c0, tb)) WITHOUT ROWID")
    connection.execute(f"CREATE INDEX subtable_{id_} ON data_{id_}(tb, c0)")
    connection.execute(f"CREATE TABLE tags_{id_}(tb INTEGER PRIMARY KEY, name TEXT UNIQUE"
                       + "".join(f", t{i}" for i in range(len(tags))) + ")")
    return Table(id_, name, database.precision, columns, tags)


def drop_table(connection: sqlite3.Connection, table: Table) -> None:
    connection.execute(f"DROP TABLE data_{table.id}")
    connection.execute(f"DROP TABLE blocks_{table.id}")
    connection.execute(f"DROP TABLE tags_{table.id}")
    connection.execute("DELETE FROM tables WHERE id = ?", (table.id,))
