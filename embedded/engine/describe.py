"""DESCRIBE and SHOW: each gives the columns of its answer, their precision and the rows."""

import re
from collections.abc import Iterable

from ..common import datatypes as t
from ..common.catalog import Subtable, Table
from ..common.datatypes import Column
from ..common.errors import not_supported
from ..sql import nodes
from .context import Context

Answer = tuple[list[Column], int, list[tuple]]


def _text(name: str, length: int) -> Column:
    return Column(name, t.VARCHAR, length)


def table(found: Table | Subtable) -> Answer:
    """DESCRIBE: one row for each column, then one for each tag."""
    shown = found.table if isinstance(found, Subtable) else found
    columns = [_text("field", 325), _text("type", 20), Column("length", t.INT, 4), _text("note", 16),
               _text("encode", 12), _text("compress", 12), _text("level", 12)]
    rows = [(c.name, c.shown_type, c.shown_length, "", *_compression(c), "medium") for c in shown.columns]
    rows += [(c.name, c.shown_type, c.shown_length, "TAG", "disabled", "disabled", "disabled") for c in shown.tags]
    return columns, 0, rows


def _compression(column: Column) -> tuple[str, str]:
    """TDengine's defaults for `encode` and `compress`; clients see them, and nothing is compressed here."""
    if column.type in (t.FLOAT, t.DOUBLE):
        return "delta-d", "lz4"
    if column.type is t.TIMESTAMP:
        return "delta-i", "lz4"
    if column.type is t.BOOL:
        return "bit-packing", "zstd"
    if column.type.size in (1, 2):
        return "simple8b", "zlib"
    return ("disabled", "zstd") if column.type.variable else ("simple8b", "lz4")


def show(context: Context, wanted: nodes.Show) -> Answer:
    """SHOW in all its forms. Errors: 0x2616, 0x0388, 0x2603, 0x2600."""
    if wanted.what == "CREATE":
        return _show_create(context, wanted.table)
    if wanted.what == "DATABASES":
        return [_text("name", 64)], 0, _like(context.store.databases, wanted.like)
    database = context.store.database(wanted.database or context.database)
    if wanted.what == "CREATE DATABASE":
        columns = [_text("Database", 64), _text("Create Database", 1024)]
        text = f"CREATE DATABASE `{database.name}` PRECISION '{t.PRECISIONS[database.precision]}'"
        return columns, 0, [(database.name, text)]
    if wanted.what == "STABLES":
        names = [name for name, found in list(database.tables.items()) if found.is_super]
        return [_text("stable_name", 192)], 0, _like(names, wanted.like)
    return [_text("table_name", 192)], 0, _like(database.subtables, wanted.like)


def _like(names: Iterable[str], pattern: str | None) -> list[tuple]:
    return [(name,) for name in list(names) if pattern is None or _matches(name, pattern)]


def _matches(name: str, pattern: str) -> bool:
    """LIKE, where a backslash before % or _ makes it stand for itself."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    turned = "".join({"%": ".*", "_": "."}.get(part) or re.escape(part[-1]) for part in parts)
    return re.fullmatch(turned, name, re.DOTALL) is not None


def _show_create(context: Context, name: nodes.TableName) -> Answer:
    found = context.database_of(name).find(name.name)
    columns = [_text("Table", 193), _text("Create Table", 65517)]
    if isinstance(found, Subtable) and found.table.is_super:
        raise not_supported("SHOW CREATE TABLE of a subtable")
    shown = found.table if isinstance(found, Subtable) else found
    text = f"CREATE {'STABLE' if shown.is_super else 'TABLE'} `{shown.name}` ({_definitions(shown.columns)})"
    if shown.is_super:
        text += f" TAGS ({_definitions(shown.tags)})"
    return columns, 0, [(shown.name, text)]


def _definitions(columns: tuple[Column, ...]) -> str:
    return ", ".join(f"`{column.name}` {column.shown_type}" +
                     (f"({column.length})" if column.type.variable and column.type is not t.JSON else "")
                     for column in columns)
