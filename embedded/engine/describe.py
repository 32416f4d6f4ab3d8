"""DESCRIBE and SHOW CREATE: what a table or a database is like."""

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa

from ..common import datatypes as t
from ..common.catalog import SYSTEM_DATABASES, Database, Subtable, Table
from ..common.datatypes import Column, arrow_type
from ..common.errors import TDengineError
from ..sql import nodes
from .context import Context
from .information_schema import keep_text, tag_columns, type_text
from .system_schemas import columns_of


class Answer(NamedTuple):
    """`precision` is that of the timestamps in the rows."""

    columns: Sequence[Column]
    rows: pa.Table
    precision: int = 0


def text(name: str, length: int) -> Column:
    return Column(name, t.VARCHAR, length)


def answer(columns: Sequence[Column], rows: Sequence[Sequence]) -> Answer:
    """An answer of a few rows."""
    values = zip(*rows, strict=True) if rows else [()] * len(columns)
    return Answer(columns, pa.table([pa.array(found, arrow_type(column)) for column, found in
                              zip(columns, values, strict=True)], [column.name for column in columns]))


def describe(context: Context, name: nodes.TableName) -> Answer:
    """DESCRIBE: one row for each column, then one for each tag. Errors: 0x2616, 0x0388, 0x2603."""
    database = name.database or context.database
    if database in SYSTEM_DATABASES:
        return answer([text("field", 64), text("type", 20), Column("length", t.INT, 4), text("note", 16)],
                      [(c.name, c.shown_type, c.shown_length, "") for c in columns_of(database, name.name)])
    found = context.store.database(database).find(name.name)
    shown = found.table if isinstance(found, Subtable) else found
    columns = [text("field", 325), text("type", 20), Column("length", t.INT, 4), text("note", 16),
               text("encode", 12), text("compress", 12), text("level", 12)]
    rows = [(c.name, c.shown_type, c.shown_length, "", *_compression(c), "medium") for c in shown.columns]
    rows += [(c.name, c.shown_type, c.shown_length, "TAG", "disabled", "disabled", "disabled") for c in shown.tags]
    return answer(columns, rows)


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
    return ("disabled", "zstd") if column.type.variable or column.type in t.DECIMALS else ("simple8b", "lz4")


# ---------------------------------------------------------------------- SHOW CREATE

def show_create_database(database: Database) -> Answer:
    sql = (f"CREATE DATABASE `{database.name}` KEEP {keep_text(database)} "
           f"PRECISION '{t.PRECISIONS[database.precision]}'")
    return answer([text("Database", 63), text("Create Database", 65517)], [(database.name, sql)])


def show_create(context: Context, wanted: nodes.TableName, super_only: bool) -> Answer:
    """The statement that makes the table anew. Errors: 0x2616, 0x0388, 0x2603, 0x022F."""
    found = context.database_of(wanted).find(wanted.name)
    if super_only and not (isinstance(found, Table) and found.is_super):
        raise TDengineError(0x022F, "Table is not a super table")
    if isinstance(found, Table) and found.is_super:
        sql = f"CREATE STABLE `{found.name}` ({_definitions(found.columns)}) TAGS ({_definitions(found.tags)})"
    elif found.table.is_super:
        _, *values = tag_columns(context, found.table, found.name)
        tags = ", ".join(_literal(tag, value[0].as_py()) for tag, value in zip(found.table.tags, values, strict=True))
        names = ", ".join(f"`{tag.name}`" for tag in found.table.tags)
        sql = f"CREATE TABLE `{found.name}` USING `{found.table.name}` ({names}) TAGS ({tags})"
    else:
        sql = f"CREATE TABLE `{found.name}` ({_definitions(found.table.columns)})"
    return answer([text("Table", 193), text("Create Table", 3145726)], [(found.name, sql)])


def _definitions(columns: Sequence[Column]) -> str:
    return ", ".join(f"`{column.name}` {type_text(column)}" for column in columns)


def _literal(tag: Column, value: object) -> str:
    if value is None:
        return "NULL"
    if tag.type is t.VARBINARY:
        return f'"\\x{value.hex().upper()}"'
    if tag.type.variable:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{value:e}" if tag.type in (t.FLOAT, t.DOUBLE) else str(value).lower()
