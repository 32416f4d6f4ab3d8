"""Parameter binding: from the messages of clients to Arrow arrays, with the checks that TDengine makes.

There are two forms. A message of stmt2 has all tables of a tick. The old stmt sends a table's name, its tags as
JSON, and a raw block. In stmt2, text is UTF-8, in NCHAR columns too.
"""

import json
import struct
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa

from ..common.datatypes import (
    BIND_COLUMN,
    BIND_TABLE,
    BIND_TAG,
    BOOL,
    DECIMALS,
    VARBINARY,
    VARCHAR,
    Column,
    Field,
    Type,
    arrow_type,
)
from ..common.errors import TDengineError
from ..common.values import fits
from ..engine.bound_tables import BoundTables
from .arrays import fixed_array, text_array, type_of
from .raw_blocks import decode_block
from .stmt2_items import Items, items_of
from .wire import Buffer, malformed, take

_HEADER = struct.Struct("<IiiiIII")  # length, tables, tags, columns, offsets of names, tags and columns
_PAYLOAD = 6  # it comes after a u16 version and an i32 column index


def invalid(message: str) -> TDengineError:
    return TDengineError(0x0200, message)


def decode_bind(body: Buffer, fields: Sequence[Field] | None) -> list[BoundTables]:
    """The tables of a stmt2 bind; `body` follows the frame's header. `fields` is None for a SELECT.

    They come together, unless the statement leaves open which types its columns have, and the tables have several.

    Errors: 0x0200 for what does not fit the statement, 0xFFFF for what does not parse.
    """
    try:
        payload = take(body, _PAYLOAD, len(body) - _PAYLOAD)
        length, tables, tags, columns, names_at, tags_at, columns_at = _HEADER.unpack_from(payload)
        payload = take(payload, 0, length)
        if not columns_at:
            raise malformed("bind: no columns")
        check_name(bool(names_at), fields)
        tag_marks = marks(fields, BIND_TAG, tags if tags_at else 0)
        items = items_of(payload, columns_at, tables, columns)
        column_marks = marks(fields, BIND_COLUMN, columns)
        counts = items[0].counts.tolist() if items else [0] * tables
        if any(one.counts.tolist() != counts for one in items):
            raise invalid("row number in each bind param should be the same")
        together = BoundTables(_names(payload, names_at, tables) if names_at else None,
                               _tags(payload, tags_at, tables, tag_marks) if tags_at else None, counts, [])
        if all(mark or len(np.unique(one.codes)) < 2 for one, mark in zip(items, column_marks, strict=True)):
            parts = {together: items}
        else:
            parts = {together.of_table(i): items_of(payload, columns_at, tables, columns, slice(i, i + 1))
                     for i in range(tables)}
        for bound, found in parts.items():
            bound.columns = [_values(one, mark) for one, mark in zip(found, column_marks, strict=True)]
        return list(parts)
    except (struct.error, ValueError) as error:
        raise malformed(f"bind: {error}") from error


def decode_columns(body: Buffer, fields: Sequence[Field] | None) -> list[pa.Array]:
    """The columns of an old-style bind: a raw block. Errors: 0x0200, 0xFFFF."""
    columns = decode_block(body)
    for (kind, values), mark in zip(columns, marks(fields, BIND_COLUMN, len(columns)), strict=True):
        # A NULL alone has the type that the client liked
        if mark and kind is not mark.type and not (len(values) == values.null_count == 1):
            raise invalid("column type mis-match with buffer type")
    return [pa.nulls(1) if len(values) == values.null_count == 1 else values for _, values in columns]


def from_json(values: list, bind: int, fields: Sequence[Field] | None) -> list:
    """JSON tags, or the columns of one row, as plain Python values of the types that the statement has.

    Errors: 0x0200, 0xFFFF.
    """
    if not isinstance(values, list):
        raise malformed("tags and columns are lists")
    columns = marks(fields, bind, len(values))
    converted = [value if column is None else _from_json(value, column)
                 for value, column in zip(values, columns, strict=True)]
    if bind == BIND_TAG:
        check_tag_lengths([pa.array([value], arrow_type(column)) if column and column.type.variable else pa.nulls(1)
                           for value, column in zip(converted, columns, strict=True)], columns)
    return converted


def marks(fields: Sequence[Field] | None, bind: int, count: int) -> list[Column | None]:
    """The columns (or tags) that the `count` bound ones are for; None where they are unknown. Error: 0x0200."""
    if fields is None:
        return [None] * count
    columns = [field.column for field in fields if field.bind == bind]
    if len(columns) != count:
        what = "tags" if bind == BIND_TAG else "columns"
        raise invalid(f"{count} {what} bound where the statement has {len(columns)}")
    return columns


def check_name(bound: bool, fields: Sequence[Field] | None) -> None:
    """A name must be bound where the statement has a `?` for it, and only there. Error: 0x0200."""
    marked = any(field.bind == BIND_TABLE for field in fields or ())
    if bound != marked:
        raise invalid("a table name is bound and the statement has no ? for it" if bound else "table name is not set")


def check_tag_lengths(tags: Sequence[pa.Array], columns: Sequence[Column | None]) -> None:
    """Error: 0x0200 for a text or VARBINARY that is too long for its tag."""
    for values, column in zip(tags, columns, strict=True):
        if column and column.type.variable and not fits(column, values):
            raise invalid("tag length is too big")


def _names(payload: Buffer, at: int, tables: int) -> list[str]:
    """The names of the tables. Each ends with a NUL, which its length counts."""
    lengths = np.frombuffer(take(payload, at, 2 * tables), "<u2").astype(np.int64)
    if tables and lengths.min() < 1:
        raise malformed("bind: a table name is missing")
    text = take(payload, at + 2 * tables, int(lengths.sum()))
    names = text_array(VARCHAR, text, lengths, np.zeros(tables, bool)).to_pylist()
    return [name[:-1] for name in names]


def _tags(payload: Buffer, at: int, tables: int, columns: Sequence[Column | None]) -> list[pa.Array]:
    items = items_of(payload, at, tables, len(columns))
    if any((one.counts != 1).any() for one in items):
        raise malformed("bind: a tag has one value")
    tags = [_values(one, column) for one, column in zip(items, columns, strict=True)]
    check_tag_lengths(tags, columns)
    return tags


def _values(items: Items, column: Column | None) -> pa.Array:
    """The values of one column, or one tag, of all tables."""
    kinds = {type_of(code) for code in np.unique(items.codes).tolist()}
    if column and not all(_fits(kind, column) for kind in kinds):
        raise invalid(f"{'tag' if column.is_tag else 'column'} type mis-match with buffer type")
    if items.nulls.all():
        return pa.nulls(len(items.nulls))
    kind = column.type if column else kinds.pop()
    if kind.variable or kind in DECIMALS:  # a DECIMAL comes as its text
        return text_array(kind, items.data, items.lengths, items.nulls)
    return fixed_array(kind, items.data, items.nulls)


def _fits(kind: Type, column: Column) -> bool:
    """A column must be bound with its own type; a text tag may be bound as any of the variable types."""
    return kind is column.type or column.is_tag and kind.variable and column.type.variable


def _from_json(value: Any, column: Column) -> Any:
    kind = column.type
    try:
        if value is None:
            return None
        if kind is VARBINARY:  # taosws writes bytes as a text such as "[1, 255]"
            return bytes(json.loads(value)) if value.startswith("[") else value.encode()
        if kind.variable:
            return value if isinstance(value, str) else _refuse(value, column)
        if isinstance(value, str):
            _refuse(value, column)
        if kind in DECIMALS:
            _refuse(value, column)
        struct.pack(kind.pack, value)
        return bool(value) if kind is BOOL else float(value) if kind.pack in "fd" else value
    except (struct.error, TypeError, ValueError, OverflowError, AttributeError):
        _refuse(value, column)


def _refuse(value: Any, column: Column) -> NoReturn:
    raise invalid(f"{value!r} is no {column.type.name}")
