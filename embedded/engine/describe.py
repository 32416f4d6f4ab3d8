"""DESCRIBE and SHOW: each returns (columns, precision, rows)."""

import re
from typing import Any

from ..common import datatypes as t
from ..sql import nodes
from ..common.catalog import Subtable, Table
from ..common.datatypes import Column
from ..common.errors import not_supported

_Answer = tuple[list[Column], int, list[tuple]]


def _text(name: str, length: int) -> Column:
    return Column(name, t.VARCHAR, length)


def table(found: Table | Subtable) -> _Answer:
    """DESCRIBE: a row a column, then a row a tag."""
    shown = found.table if isinstance(found, Subtable) else found
    columns = [_text("field", 325), _text("type", 20), Column("length", t.INT, 4), _text("note", 16),
               _text("encode", 12), _text("compress", 12), _text("level", 12)]
    rows = [(c.name, c.type.name, c.length, "", *_compression(c), "medium") for c in shown.columns]
    rows += [(c.name, c.type.name, c.length, "TAG", "disabled", "disabled", "disabled") for c in shown.tags]
    return columns, 0, rows


def _compression(column: Column) -> tuple[str, str]:
    if column.type in (t.FLOAT, t.DOUBLE):
        return "delta-d", "lz4"
    if column.type is t.TIMESTAMP:
        return "delta-i", "lz4"
    if column.type is t.BOOL:
        return "bit-packing", "zstd"
    if column.type.size in (1, 2):
        return "simple8b", "zlib"
    return ("disabled", "zstd") if column.type.variable else ("simple8b", "lz4")


def show(session: Any, store: Any, wanted: nodes.Show) -> _Answer:
    if wanted.what == "CREATE":
        return _show_create(session, wanted.table)
    if wanted.what == "DATABASES":
        return [_text("name", 64)], 0, _like(store.databases, wanted.like)
    database = store.database(wanted.database or session.database)
    if wanted.what == "CREATE DATABASE":
        columns = [_text("Database", 64), _text("Create Database", 1024)]
        return columns, 0, [(database.name, f"CREATE DATABASE `{database.name}` PRECISION '{t.PRECISIONS[database.precision]}'")]
    if wanted.what == "STABLES":
        names = [name for name, found in list(database.tables.items()) if found.is_super]
        return [_text("stable_name", 192)], 0, _like(names, wanted.like)
    return [_text("table_name", 192)], 0, _like(database.subtables, wanted.like)


def _like(names: Any, pattern: str | None) -> list[tuple]:
    return [(name,) for name in list(names) if pattern is None or _matches(name, pattern)]


def _matches(name: str, pattern: str) -> bool:
    """LIKE, with \\% and \\_ for the characters themselves."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    turned = "".join({"%": ".*", "_": "."}.get(part) or re.escape(part[-1]) for part in parts)
    return re.fullmatch(turned, name, re.DOTALL) is not None


def _show_create(session: Any, name: nodes.TableName) -> _Answer:
    found = session.locate(name).find(name.name)
    columns = [_text("Table", 193), _text("Create Table", 65517)]
    if isinstance(found, Subtable) and found.table.is_super:
        raise not_supported("SHOW CREATE TABLE of a subtable")
    shown = found.table if isinstance(found, Subtable) else found
    text = f"CREATE {'STABLE' if shown.is_super else 'TABLE'} `{shown.name}` ({_definitions(shown.columns)})"
    if shown.is_super:
        text += f" TAGS ({_definitions(shown.tags)})"
    return columns, 0, [(shown.name, text)]


def _definitions(columns: tuple[Column, ...]) -> str:
    return ", ".join(f"`{c.name}` {c.type.name}" + (f"({c.length})" if c.type.variable else "") for c in columns)
