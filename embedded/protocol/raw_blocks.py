"""Raw blocks: the rows of a result, or of an old-style bind, column by column."""

import struct
from collections.abc import Sequence
from itertools import starmap

from ..common.datatypes import BOOL, BY_CODE, DECIMALS, JSON, NCHAR, VARBINARY, VARCHAR, Column, Type
from ..common.decimals import scaled
from ..common.errors import TDengineError
from .wire import Buffer, malformed, take

_BLOCK = struct.Struct("<IIIIIQ")  # version, length, rows, columns, flag, group id
_SCHEMA = struct.Struct("<Bi")  # type, bytes
_ROWS_PER_BLOCK = 4096  # as real servers cut them
_BYTES_PER_BLOCK = 8 << 20  # so that wide rows make no huge block


def schema_bytes(column: Column) -> int:
    """A column's `bytes` in the schema of a block and in a statement's fields, with room for the length prefix."""
    if column.type in DECIMALS:
        return column.length
    if not column.type.variable:
        return column.type.size
    return column.length * (4 if column.type is NCHAR else 1) + 2


def rows_per_block(columns: Sequence[Column]) -> int:
    """How many rows go into one block."""
    return max(1, min(_ROWS_PER_BLOCK, _BYTES_PER_BLOCK // max(1, sum(map(schema_bytes, columns)))))


def encode_block(columns: Sequence[Column], table: Sequence[Sequence]) -> bytes:
    """A raw block of plain Python values (see datatypes.py), column-major.

    Error: 0xFFFF for a value that its column cannot hold.
    """
    schema, lengths, parts = [], [], []
    for column, values in zip(columns, table, strict=True):
        schema.append(_SCHEMA.pack(column.type.code, schema_bytes(column)))
        try:
            if column.type in DECIMALS:
                lead, data = _encode_decimals(column, values)
            else:
                encode = _encode_variable if column.type.variable else _encode_fixed
                lead, data = encode(column.type, values)
        except (struct.error, OverflowError, AttributeError, TypeError, ValueError) as error:
            raise TDengineError(0xFFFF, f"column {column.name} holds no {column.type.name}: {error}") from error
        lengths.append(len(data))
        parts += lead, data
    length = _BLOCK.size + 9 * len(columns) + sum(map(len, parts))
    head = _BLOCK.pack(1, length, len(table[0]), len(columns), 1 << 31, 0)
    return b"".join((head, *schema, struct.pack(f"<{len(lengths)}i", *lengths), *parts))


def decode_block(buffer: Buffer) -> list[tuple[Type, list]]:
    """A raw block as one pair for each column: its type and its values. Error: 0xFFFF."""
    try:
        _, _, rows, count, _, _ = _BLOCK.unpack_from(buffer)
        schema = take(buffer, _BLOCK.size, count * _SCHEMA.size)
        at = _BLOCK.size + count * (_SCHEMA.size + 4)
        lengths = struct.unpack_from(f"<{count}i", buffer, at - 4 * count)
        columns = []
        for (code, _), length in zip(_SCHEMA.iter_unpack(schema), lengths, strict=True):
            kind = type_of(code)
            if kind in DECIMALS:
                raise TDengineError(0xFFFF, "the embedded database takes DECIMAL by stmt2 and in SQL only")
            lead = 4 * rows if kind.variable else -(-rows // 8)
            decode = _decode_variable if kind.variable else _decode_fixed
            columns.append((kind, decode(kind, rows, take(buffer, at, lead), take(buffer, at + lead, length))))
            at += lead + length
        return columns
    except (struct.error, UnicodeDecodeError) as error:
        raise malformed(f"block: {error}") from error


def type_of(code: int) -> Type:
    """The type with this code on the wire. Error: 0xFFFF."""
    if code not in BY_CODE:
        raise TDengineError(0xFFFF, f"the embedded database does not support the data type with code {code}")
    return BY_CODE[code]


def text_or_bytes(kind: Type, data: Buffer) -> str | bytes:
    """One value of a variable type: text from UTF-8 (VARCHAR, NCHAR), or the bytes themselves (VARBINARY)."""
    return bytes(data) if kind is VARBINARY else str(data, "utf-8")


def unpack(kind: Type, count: int, buffer: Buffer, at: int = 0) -> list:
    """`count` values of a fixed type."""
    values = struct.unpack_from(f"<{count}{kind.pack}", buffer, at)
    return list(map(bool, values)) if kind is BOOL else list(values)


def _encode_fixed(kind: Type, values: Sequence) -> tuple[bytes, bytes]:
    """The null bitmap (the first row is the highest bit) and the values."""
    bitmap = bytes(-(-len(values) // 8))
    try:  # most columns have no NULL, and `struct` finds that out fastest
        return bitmap, struct.pack(f"<{len(values)}{kind.pack}", *values)
    except struct.error:
        if None not in values:
            raise
    nulls = "".join(["1" if v is None else "0" for v in values]).ljust(8 * len(bitmap), "0")
    values = [0 if v is None else v for v in values]
    return int(nulls, 2).to_bytes(len(bitmap), "big"), struct.pack(f"<{len(values)}{kind.pack}", *values)


def _encode_decimals(column: Column, values: Sequence) -> tuple[bytes, bytes]:
    """The null bitmap, and integers that are scaled by the column's scale."""
    lead, _ = _encode_fixed(BOOL, [None if value is None else 0 for value in values])
    size = column.type.size
    return lead, b"".join((0 if value is None else scaled(value, column)).to_bytes(size, "little", signed=True)
                          for value in values)


def _decode_fixed(kind: Type, rows: int, bitmap: Buffer, data: Buffer) -> list:
    values = unpack(kind, rows, data)
    if not any(bitmap):
        return values
    nulls = f"{int.from_bytes(bitmap, 'big'):0{8 * len(bitmap)}b}"
    # the bits after the last row are padding
    return [None if null == "1" else value for value, null in zip(values, nulls, strict=False)]


def _encode_variable(kind: Type, values: Sequence) -> tuple[bytes, bytes]:
    """The offsets (-1 is NULL) and the items.

    Equal values share an item, but not NCHAR: clients decode its items in place, so each once.
    """
    offsets, items, at = {None: -1}, [], 0
    if kind is NCHAR:
        starts = []
        for value in values:
            starts.append(-1 if value is None else at)
            if value is not None:
                items.append(_item(value.encode("utf-32-le")))
                at += len(items[-1])
    else:
        for value in dict.fromkeys(values):
            if value is not None:
                offsets[value] = at
                items.append(_item(value.encode() if kind in (VARCHAR, JSON) else value))
                at += len(items[-1])
        starts = map(offsets.__getitem__, values)
    return struct.pack(f"<{len(values)}i", *starts), b"".join(items)


def _item(payload: bytes) -> bytes:
    return struct.pack("<H", len(payload)) + payload


def _decode_variable(kind: Type, rows: int, offsets: Buffer, data: Buffer) -> list:
    def value(offset: int) -> str | bytes | None:
        if offset == -1:
            return None
        payload = take(data, offset + 2, struct.unpack_from("<H", data, offset)[0])
        return str(payload, "utf-32-le") if kind is NCHAR else text_or_bytes(kind, payload)

    return list(starmap(value, struct.iter_unpack("<i", offsets)))
