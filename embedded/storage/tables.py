"""The tables of the DuckDB file.

Table n keeps its rows in `data_n`, and its subtables with their tags in `tags_n`. Columns are called c0 (the
timestamp), c1, ... and tags t0, t1, ..., because DuckDB does not tell upper from lower case in names. `tb` is the
number of the subtable. There is no primary key: see inserts.py.
"""

import json
from collections.abc import Sequence

from ..common import datatypes as t
from ..common.catalog import Database, Table
from ..common.datatypes import Column, duck_type
from .duckfile import Connection, Transaction

_SCHEMA = """
CREATE TABLE IF NOT EXISTS databases(id INTEGER, name VARCHAR, precision INTEGER, options VARCHAR);
CREATE TABLE IF NOT EXISTS tables(id INTEGER, database INTEGER, name VARCHAR, columns VARCHAR, tags VARCHAR);
"""


def load(connection: Connection) -> dict[str, Database]:
    """All databases of the file by name; a new file gets its tables."""
    connection.execute(_SCHEMA)
    databases = {}
    for id_, name, precision, options in connection.execute("FROM databases ORDER BY id").fetchall():
        databases[id_] = Database(id_, name, precision, **json.loads(options))
    for id_, database, name, columns, tags in connection.execute("FROM tables ORDER BY id").fetchall():
        database = databases[database]
        table = database.tables[name] = Table(id_, name, database.precision, _columns(columns, False),
                                              _columns(tags, True))
        for tb, subtable in connection.execute(f"SELECT tb, name FROM tags_{id_} ORDER BY tb").fetchall():
            database.add_subtable(table, subtable, tb)
    return {database.name: database for database in databases.values()}


def _columns(text: str, is_tag: bool) -> tuple[Column, ...]:
    return tuple(Column(name, t.BY_CODE[code], length, is_tag) for name, code, length in json.loads(text))


def _text(columns: Sequence[Column]) -> str:
    return json.dumps([(column.name, column.type.code, column.length) for column in columns])


def create_table(change: Transaction, database: Database, table: Table) -> None:
    change.execute("INSERT INTO tables VALUES (?, ?, ?, ?, ?)",
                   [table.id, database.id, table.name, _text(table.columns), _text(table.tags)])
    change.execute(f"CREATE TABLE data_{table.id}(tb INTEGER{_typed('c', table.columns)})")
    change.execute(f"CREATE TABLE tags_{table.id}(tb INTEGER, name VARCHAR{_typed('t', table.tags)})")


def _typed(letter: str, columns: Sequence[Column]) -> str:
    return "".join(f", {letter}{i} {duck_type(column)}" for i, column in enumerate(columns))


def save_columns(change: Transaction, table: Table) -> None:
    change.execute("UPDATE tables SET columns = ?, tags = ? WHERE id = ?",
                   [_text(table.columns), _text(table.tags), table.id])


def drop_table(change: Transaction, table: Table) -> None:
    change.execute(f"DROP TABLE data_{table.id}")
    change.execute(f"DROP TABLE tags_{table.id}")
    change.execute("DELETE FROM tables WHERE id = ?", [table.id])


def drop_subtables(change: Transaction, table: Table, numbers: Sequence[int]) -> None:
    chosen = ", ".join(map(str, numbers))
    for kind in ("data", "tags"):
        change.execute(f"DELETE FROM {kind}_{table.id} WHERE tb IN ({chosen})")
