"""The tables of the SQLite file.

Table n keeps its rows in `data_n`, its blocks in `blocks_n` (see blocks.py), and its subtables with their tags in
`tags_n`. Rows lie in the order of time, because they are read most in that order. Columns are called c0 (the
timestamp), c1, ... and tags t0, t1, ..., because SQLite does not tell upper from lower case in names.
"""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from ..common import datatypes as t
from ..common.catalog import Database, Table
from ..common.datatypes import Column
from . import blocks

_SCHEMA = """
CREATE TABLE IF NOT EXISTS databases(id INTEGER PRIMARY KEY, name TEXT UNIQUE, precision INTEGER);
CREATE TABLE IF NOT EXISTS tables(id INTEGER PRIMARY KEY, database INTEGER, name TEXT, columns TEXT, tags TEXT,
                                  UNIQUE(database, name));
"""
# Those columns of TDengine's information_schema.ins_databases that clients ask for: a query and its columns o0, o1
INS_DATABASES = ("SELECT name AS o0, CASE precision WHEN 0 THEN 'ms' WHEN 1 THEN 'us' ELSE 'ns' END AS o1 "
                 "FROM databases", [Column("name", t.VARCHAR, 64), Column("precision", t.VARCHAR, 2)])


def load(connection: sqlite3.Connection) -> dict[str, Database]:
    """All databases of the file by name; a new file gets its tables."""
    connection.executescript(_SCHEMA)
    databases = {}
    for key, name, precision in connection.execute("SELECT id, name, precision FROM databases").fetchall():
        database = databases[name] = Database(key, name, precision)
        for id_, table_name, columns, tags in connection.execute(
                "SELECT id, name, columns, tags FROM tables WHERE database = ?", (key,)).fetchall():
            table = Table(id_, table_name, precision, _columns(columns, False), _columns(tags, True))
            database.tables[table_name] = table
            for tb, subtable in connection.execute(f"SELECT tb, name FROM tags_{id_}"):
                database.add_subtable(table, subtable, tb)
    return databases


def _columns(text: str, is_tag: bool) -> tuple[Column, ...]:
    return tuple(Column(name, t.BY_CODE[code], length, is_tag) for name, code, length in json.loads(text))


def _text(columns: tuple[Column, ...]) -> str:
    return json.dumps([(column.name, column.type.code, column.length) for column in columns])


# The caller changes the catalog in memory, once the transaction is committed.

def create_table(connection: sqlite3.Connection, database: Database, name: str, columns: tuple[Column, ...],
                 tags: tuple[Column, ...]) -> Table:
    id_ = connection.execute("INSERT INTO tables(database, name, columns, tags) VALUES(?, ?, ?, ?) RETURNING id",
                             (database.id, name, _text(columns), _text(tags))).fetchone()[0]
    stored = ", ".join(f"c{i}" for i in range(1, len(columns)))
    connection.execute(f"CREATE TABLE data_{id_}(tb INTEGER, c0 INTEGER, {stored}, PRIMARY KEY(c0, tb)) WITHOUT ROWID")
    connection.execute(f"CREATE INDEX subtable_{id_} ON data_{id_}(tb, c0)")
    connection.execute(f"CREATE TABLE tags_{id_}(tb INTEGER PRIMARY KEY, name TEXT UNIQUE"
                       + "".join(f", t{i}" for i in range(len(tags))) + ")")
    table = Table(id_, name, database.precision, columns, tags)
    blocks.create(connection, table)
    return table


def add_subtable(connection: sqlite3.Connection, table: Table, name: str, tb: int, tags: Sequence[Any]) -> None:
    marks = ", ?" * len(table.tags)
    connection.execute(f"INSERT INTO tags_{table.id} VALUES(?, ?{marks})", (tb, name, *tags))


def drop_table(connection: sqlite3.Connection, table: Table) -> None:
    for kind in ("data", "blocks", "tags"):
        connection.execute(f"DROP TABLE {kind}_{table.id}")
    connection.execute("DELETE FROM tables WHERE id = ?", (table.id,))


def drop_subtable(connection: sqlite3.Connection, table: Table, tb: int) -> None:
    for kind in ("data", "blocks", "tags"):
        connection.execute(f"DELETE FROM {kind}_{table.id} WHERE tb = ?", (tb,))
