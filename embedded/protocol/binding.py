"""Parameter binding: what clients bind, as `Bound` tables, and the checks TDengine makes at the bind.

Two forms arrive: stmt2's own layout (every table of a tick in one message) and, from the old stmt,
a table name, JSON tags and a raw block. Values of a variable type are UTF-8 in stmt2, NCHAR too.
"""

import json
import struct
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from ..common.datatypes import BIND_COLUMN, BIND_TABLE, BIND_TAG, BOOL, NCHAR, VARBINARY, Bound, Column, Field
from ..common.errors import TDengineError
from .wire import decode_block, malformed, take, text_or_bytes, type_of, unpack

_HEADER = struct.Struct("<IiiiIII")  # length, tables, tags, columns, offsets of names, tags and columns
_ITEM = struct.Struct("<Iii")  # length, type, number of values
_PAYLOAD = 6  # comes after a u16 version and an i32 column index


def invalid(message: str) -> TDengineError:
    return TDengineError(0x0200, message)


def decode_bind(body, fields: Sequence[Field] | None) -> list[Bound]:
    """A stmt2 bind, from the end of its frame header. `fields` is None for a SELECT, whose marks have no type."""
    try:
        payload = take(body, _PAYLOAD, len(body) - _PAYLOAD)
        length, tables, tags, columns, names_at, tags_at, columns_at = _HEADER.unpack_from(payload)
        payload = take(payload, 0, length)
        if not columns_at:
            raise malformed("bind: no columns")
        take(payload, columns_at, 4 * tables)  # before lists of so many are made: each has a length there
        if fields is None:
            take(payload, columns_at, _ITEM.size * columns)
        check_name(bool(names_at), fields)
        tag_marks = marks(fields, BIND_TAG, tags if tags_at else 0)
        column_marks = marks(fields, BIND_COLUMN, columns)
        names = _names(payload, names_at, tables) if names_at else [None] * tables
        tag_rows = _section(payload, tags_at, tables, tag_marks) if tags_at else [None] * tables
        column_rows = _section(payload, columns_at, tables, column_marks)
        return [_bound(*parts, tag_marks) for parts in zip(names, tag_rows, column_rows, strict=True)]
    except (struct.error, ValueError) as error:
        raise malformed(f"bind: {error}") from error


def decode_columns(body, fields: Sequence[Field] | None) -> list[list]:
    """An old-style bind: a raw block, typed as the columns are."""
    columns = decode_block(body)
    for (kind, values), mark in zip(columns, marks(fields, BIND_COLUMN, len(columns))):
        if mark and kind is not mark.type and values != [None]:
            raise invalid("column type mis-match with buffer type")
    return [values for _, values in columns]


def from_json(values: list, bind: int, fields: Sequence[Field] | None) -> list:
    """JSON tags (or the columns of one row) as plain values of the types of their marks."""
    if not isinstance(values, list):
        raise malformed("tags and columns are lists")
    columns = marks(fields, bind, len(values))
    converted = [value if column is None else _from_json(value, column) for value, column in zip(values, columns)]
    if bind == BIND_TAG:
        check_tag_lengths(converted, columns)
    return converted


def marks(fields: Sequence[Field] | None, bind: int, count: int) -> list[Column | None]:
    """The column (or tag) behind each of the `count` values bound; None where its type is not known."""
    if fields is None:
        return [None] * count
    columns = [field.column for field in fields if field.bind == bind]
    if len(columns) != count:
        what = "tags" if bind == BIND_TAG else "columns"
        raise invalid(f"{count} {what} bound where the statement has {len(columns)}")
    return columns


def check_name(bound: bool, fields: Sequence[Field] | None) -> None:
    marked = any(field.bind == BIND_TABLE for field in fields or ())
    if bound != marked:
        raise invalid("a table name is bound and the statement has no ? for it" if bound else "table name is not set")


def check_tag_lengths(tags: list, columns: Sequence[Column | None]) -> None:
    for value, column in zip(tags, columns):
        if column and column.type.variable and value is not None:
            if len(value.encode() if isinstance(value, str) and column.type is not NCHAR else value) > column.length:
                raise invalid("tag length is too big")


def _bound(name: str | None, tags: list[list] | None, columns: list[list], tag_marks: list) -> Bound:
    if len(set(map(len, columns))) > 1:
        raise invalid("row number in each bind param should be the same")
    if tags is None:
        return Bound(name, None, columns)
    if any(len(values) != 1 for values in tags):
        raise malformed("bind: a tag has one value")
    flat = [value for (value,) in tags]
    check_tag_lengths(flat, tag_marks)
    return Bound(name, flat, columns)


def _names(payload, at: int, tables: int) -> list[str]:
    ends = accumulate(struct.unpack_from(f"<{tables}H", payload, at), initial=at + 2 * tables)
    return [str(take(payload, start, end - start - 1), "utf-8") for start, end in pairwise(ends)]


def _section(payload, at: int, tables: int, columns: list[Column | None]) -> Iterator[list[list]]:
    """For each table, the values of each of its tags or columns."""
    ends = accumulate(struct.unpack_from(f"<{tables}I", payload, at), initial=at + 4 * tables)
    for start, end in pairwise(ends):
        data, position, table = take(payload, start, end - start), 0, []
        for column in columns:
            length, code, count = _ITEM.unpack_from(data, position)
            table.append(_values(take(data, position + _ITEM.size, length - _ITEM.size), code, count, column))
            position += length
        yield table


def _values(item, code: int, count: int, column: Column | None) -> list:
    kind = type_of(code)
    nulls = bytes(take(item, 0, count))
    has_length = take(item, count, 1)[0]
    at = count + 1 + (4 * count if has_length else 0)
    data = take(item, at + 4, *struct.unpack_from("<I", item, at))
    if column and nulls != b"\1" and not _fits(kind, column):
        raise invalid(f"{'tag' if column.is_tag else 'column'} type mis-match with buffer type")
    if all(nulls):
        return [None] * count
    if kind.variable:
        lengths = struct.unpack_from(f"<{count}i", item, count + 1) if has_length else ()
        spans = pairwise(accumulate(lengths, initial=0))
        values = [None if null else text_or_bytes(column.type if column else kind, take(data, start, end - start))
                  for null, (start, end) in zip(nulls, spans, strict=True)]
        return values
    values = unpack(kind, count, data)
    return [None if null else value for null, value in zip(nulls, values)] if any(nulls) else values


def _fits(kind, column: Column) -> bool:
    """TDengine compares the types of columns; a text tag may be bound as any of the variable types."""
    return kind is column.type or column.is_tag and kind.variable and column.type.variable


def _from_json(value, column: Column):
    kind = column.type
    try:
        if value is None:
            return None
        if kind is VARBINARY:  # taosws writes bytes as the text of a list
            return bytes(json.loads(value)) if value.startswith("[") else value.encode()
        if kind.variable:
            return value if isinstance(value, str) else _refuse(value, column)
        if isinstance(value, str):
            _refuse(value, column)
        struct.pack(kind.pack, value)
        return bool(value) if kind is BOOL else float(value) if kind.pack in "fd" else value
    except (struct.error, TypeError, ValueError, OverflowError, AttributeError):
        _refuse(value, column)


def _refuse(value, column: Column):
    raise invalid(f"{value!r} is no {column.type.name}")
