"""Raw blocks: the rows of a result, or of an old-style bind, column by column.

Arrow has nearly the same columns. So numpy turns one into the other, without Python values.
"""

import struct
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from ..common.datatypes import BOOL, DECIMAL64, DECIMALS, NCHAR, VARBINARY, Column, Type
from ..common.errors import TDengineError
from .arrays import fixed_array, gather, text_array, type_of
from .wire import Buffer, malformed, take

_BLOCK = struct.Struct("<IIIIIQ")  # version, length, rows, columns, flag, group id
_SCHEMA = struct.Struct("<Bi")  # type, bytes
_ROWS_PER_BLOCK = 4096  # as real servers cut them
_BYTES_PER_BLOCK = 8 << 20  # so that wide rows make no huge block
_LONGEST_ITEM = 0xFFFF  # bytes: the length before an item has 16 bits
_MOST_TEXT = 512 << 20  # bytes of one column in a block of a client


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


# ---------------------------------------------------------------------- from Arrow

def encode_block(columns: Sequence[Column], rows: pa.RecordBatch) -> bytes:
    """A raw block. Each array has the `arrow_type` of its column, or is a dictionary of it.

    Error: 0xFFFF for a value that its column cannot hold.
    """
    schema, lengths, parts = [], [], []
    for column, values in zip(columns, rows.columns, strict=True):
        schema.append(_SCHEMA.pack(column.type.code, schema_bytes(column)))
        try:
            lead, data = (_variable if column.type.variable else _fixed)(column.type, values)
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise TDengineError(0xFFFF, f"column {column.name} holds no {column.type.name}: {error}") from error
        lengths.append(len(data))
        parts += lead, data
    length = _BLOCK.size + 9 * len(columns) + sum(map(len, parts))
    head = _BLOCK.pack(1, length, len(rows), len(columns), 1 << 31, 0)
    return b"".join((head, *schema, struct.pack(f"<{len(lengths)}i", *lengths), *parts))


def _nulls(values: pa.Array) -> np.ndarray:
    """True where there is no value."""
    return values.is_null().to_numpy(zero_copy_only=False)


def _fixed(kind: Type, values: pa.Array) -> tuple[bytes, bytes]:
    """The null bitmap (the first row is the highest bit) and the values."""
    bitmap = np.packbits(_nulls(values)).tobytes() if values.null_count else bytes(-(-len(values) // 8))
    if kind in DECIMALS:
        return bitmap, _decimals(kind, values)
    if kind is BOOL:
        values = values.cast(pa.int8())
    if values.null_count:
        values = values.fill_null(0)
    return bitmap, values.to_numpy().astype(f"<{kind.pack}", copy=False).tobytes()


def _decimals(kind: Type, values: pa.Array) -> bytes:
    """Scaled integers. Arrow has 16 bytes of them, the lower half first."""
    halves = np.frombuffer(values.buffers()[1], "<i8", 2 * len(values), 16 * values.offset)
    if values.null_count:
        halves = np.where(np.repeat(_nulls(values), 2), 0, halves)
    return (halves[::2] if kind is DECIMAL64 else halves).tobytes()


def _variable(kind: Type, values: pa.Array) -> tuple[bytes, bytes]:
    """Where each row's item starts (-1 is NULL), and the items. Rows share those of a dictionary.

    Clients decode the items of NCHAR in place, so there each row has its own.
    """
    if not pa.types.is_dictionary(values.type):
        return _plain_items(kind, values)
    if kind is NCHAR:
        return _plain_items(kind, values.dictionary_decode())
    rows, texts = values.indices.fill_null(-1).to_numpy(), values.dictionary
    if len(texts) > len(rows):  # only those that are used
        used, rows = np.unique(rows, return_inverse=True)
        texts = texts.take(pa.array(used, mask=used < 0))
    starts, items = _items(kind, texts)
    return np.append(starts, np.int32(-1))[rows].tobytes(), items


def _plain_items(kind: Type, values: pa.Array) -> tuple[bytes, bytes]:
    starts, items = _items(kind, values)
    return starts.tobytes(), items


def _items(kind: Type, values: pa.Array) -> tuple[np.ndarray, bytes]:
    """Each value after its length, which has two bytes. Error: ValueError for a value that is too long."""
    if values.null_count:
        nulls, values = _nulls(values), values.fill_null(b"" if kind is VARBINARY else "")
    else:
        nulls = None
    ends = np.frombuffer(values.buffers()[1], np.int32, len(values) + 1, 4 * values.offset) if len(values) else [0]
    text = np.frombuffer(values.buffers()[2] or b"", np.uint8)[ends[0]:ends[-1]]
    lengths = np.diff(ends)
    if kind is NCHAR:
        text, lengths = _utf32(text, lengths)
    if len(lengths) and lengths.max() > _LONGEST_ITEM:
        raise ValueError(f"{lengths.max()} bytes are too many")
    starts = (np.cumsum(lengths) - lengths + 2 * np.arange(len(lengths))).astype("<i4")
    items = np.empty(len(text) + 2 * len(lengths), np.uint8)
    is_text = np.ones(len(items), bool)
    is_text[starts] = is_text[starts + 1] = False
    items[starts], items[starts + 1] = lengths & 0xFF, lengths >> 8
    items[is_text] = text
    return starts if nulls is None else np.where(nulls, np.int32(-1), starts), items.tobytes()


def _utf32(text: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """UTF-32 from UTF-8 texts one after the other, and the lengths of the texts, both in bytes."""
    is_first = (text & 0xC0) != 0x80  # of a character
    characters = np.concatenate([[0], np.cumsum(is_first)])
    ends = np.concatenate([[0], np.cumsum(lengths)])
    wide = np.frombuffer(text.tobytes().decode().encode("utf-32-le"), np.uint8)
    return wide, 4 * np.diff(characters[ends])


# ---------------------------------------------------------------------- to Arrow

def decode_block(buffer: Buffer) -> list[tuple[Type, pa.Array]]:
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
    except (struct.error, ValueError) as error:
        raise malformed(f"block: {error}") from error


def _decode_fixed(kind: Type, rows: int, bitmap: Buffer, data: Buffer) -> pa.Array:
    return fixed_array(kind, data, np.unpackbits(np.frombuffer(bitmap, np.uint8), count=rows).astype(bool))


def _decode_variable(kind: Type, rows: int, offsets: Buffer, data: Buffer) -> pa.Array:
    starts, data = np.frombuffer(offsets, "<i4", rows), np.frombuffer(data, np.uint8)
    nulls = starts == -1
    at = np.where(nulls, 0, starts).astype(np.int64)
    if rows > nulls.sum() and (at.min() < 0 or at[~nulls].max() + 2 > len(data)):
        raise ValueError("an item starts outside of the data")
    lengths = np.zeros(rows, np.int64)
    lengths[~nulls] = data[at[~nulls]] + 256 * data[at[~nulls] + 1].astype(np.int64)
    if rows and (at + lengths + 2 > len(data))[~nulls].any():
        raise ValueError("an item ends outside of the data")
    if lengths.sum() > _MOST_TEXT:  # rows may share items
        raise ValueError("too much text")
    payload = gather(data, at + 2, lengths).tobytes()
    if kind is NCHAR:  # in UTF-32, four bytes a character
        if (lengths % 4).any():
            raise ValueError("NCHAR in UTF-32 has four bytes for each character")
        text = payload.decode("utf-32-le")
        code = np.frombuffer(payload, "<u4")
        widths = 1 + (code > 0x7F) + (code > 0x7FF) + (code > 0xFFFF).astype(np.int64)  # in UTF-8
        characters = np.concatenate([[0], np.cumsum(widths)])
        ends = np.concatenate([[0], np.cumsum(lengths) // 4])
        return text_array(kind, text.encode(), np.diff(characters[ends]), nulls)
    return text_array(kind, payload, lengths, nulls)
