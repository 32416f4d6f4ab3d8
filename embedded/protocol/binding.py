"""Parameter binding: from the messages of clients to `Bound` tables, with the checks that TDengine makes.

There are two forms. A message of stmt2 has all tables of a tick. The old stmt sends a table's name, its tags as
JSON, and a raw block. In stmt2, text is UTF-8, in NCHAR columns too.
"""

import json
import struct
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any, NoReturn

from ..common.datatypes import (
    BIND_COLUMN,
    BIND_TABLE,
    BIND_TAG,
    BOOL,
    DECIMALS,
    NCHAR,
    VARBINARY,
    Bound,
    Column,
    Field,
    Type,
)
from ..common.errors import TDengineError
from .raw_blocks import decode_block, text_or_bytes, type_of, unpack
from .wire import Buffer, malformed, take

_HEADER = struct.Struct("<IiiiIII")  # length, tables, tags, columns, offsets of names, tags and columns
_ITEM = struct.Struct("<Iii")  # length, type, number of values
_PAYLOAD = 6  # it comes after a u16 version and an i32 column index


def invalid(message: str) -> TDengineError:
    return TDengineError(0x0200, message)


def decode_bind(body: Buffer, fields: Sequence[Field] | None) -> list[Bound]:
    """The tables of a stmt2 bind; `body` follows the frame's header. `fields` is None for a SELECT.

    Errors: 0x0200 for what does not fit the statement, 0xFFFF for what does not parse.
    """
    try:
        payload = take(body, _PAYLOAD, len(body) - _PAYLOAD)
        length, tables, tags, columns, names_at, tags_at, columns_at = _HEADER.unpack_from(payload)
        payload = take(payload, 0, length)
        if not columns_at:
            raise malformed("bind: no columns")
        # A message may claim a billion tables or columns: it must have room for them before lists are made.
        take(payload, columns_at, 4 * tables)
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


def decode_columns(body: Buffer, fields: Sequence[Field] | None) -> list[list]:
    """The columns of an old-style bind: a raw block. Errors: 0x0200, 0xFFFF."""
    columns = decode_block(body)
    for (kind, values), mark in zip(columns, marks(fields, BIND_COLUMN, len(columns)), strict=True):
        # A NULL alone has the type that the client liked
        if mark and kind is not mark.type and values != [None]:
            raise invalid("column type mis-match with buffer type")
    return [values for _, values in columns]


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
        check_tag_lengths(converted, columns)
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


def check_tag_lengths(tags: list, columns: Sequence[Column | None]) -> None:
    """Error: 0x0200 for a text or VARBINARY that is too long for its tag."""
    for value, column in zip(tags, columns, strict=True):
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


def _names(payload: Buffer, at: int, tables: int) -> list[str]:
    ends = accumulate(struct.unpack_from(f"<{tables}H", payload, at), initial=at + 2 * tables)
    return [str(take(payload, start, end - start - 1), "utf-8") for start, end in pairwise(ends)]


def _section(payload: Buffer, at: int, tables: int, columns: list[Column | None]) -> Iterator[list[list]]:
    """The tags, or the columns, of each table: a list of values for each."""
    ends = accumulate(struct.unpack_from(f"<{tables}I", payload, at), initial=at + 4 * tables)
    for start, end in pairwise(ends):
        data, position, table = take(payload, start, end - start), 0, []
        for column in columns:
            length, code, count = _ITEM.unpack_from(data, position)
            table.append(_values(take(data, position + _ITEM.size, length - _ITEM.size), code, count, column))
            position += length
        yield table


def _values(item: Buffer, code: int, count: int, column: Column | None) -> list:
    """The values of one data item, which follow its length, type and count."""
    kind = type_of(code)
    nulls = bytes(take(item, 0, count))
    has_length = take(item, count, 1)[0]
    at = count + 1 + (4 * count if has_length else 0)
    data = take(item, at + 4, *struct.unpack_from("<I", item, at))
    if column and nulls != b"\1" and not _fits(kind, column):
        raise invalid(f"{'tag' if column.is_tag else 'column'} type mis-match with buffer type")
    if all(nulls):
        return [None] * count
    if kind.variable or kind in DECIMALS:  # a DECIMAL comes as its text
        lengths = struct.unpack_from(f"<{count}i", item, count + 1) if has_length else ()
        spans = pairwise(accumulate(lengths, initial=0))
        values = [None if null else text_or_bytes(column.type if column else kind, take(data, start, end - start))
                  for null, (start, end) in zip(nulls, spans, strict=True)]
        return values
    values = unpack(kind, count, data)
    return [None if null else value for null, value in zip(nulls, values, strict=True)] if any(nulls) else values


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
