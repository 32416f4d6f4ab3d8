"""From what a client sends to what SQLite stores, with TDengine's checks, and back.

A value is stored as SQLite's own integer, real, text or blob. BOOL is 0 or 1, and FLOAT is the 32-bit float as a
real. SQLite has no integers above 2^63 - 1: a greater BIGINT UNSIGNED is stored as a blob of its eight bytes, most
significant first. SQLite sorts a blob after every number, so order and equality are right. SQLite has no NaN either,
and would store NULL: a NaN is stored as the blob NAN.
"""

import json
import math
import struct
from array import array
from collections.abc import Callable, Sequence
from typing import Any

from . import datatypes as t
from .datatypes import Column
from .decimals import digits_and_scale, plain, scaled, stored
from .errors import TDengineError

RANGES = {t.TINYINT: (-2**7, 2**7 - 1), t.SMALLINT: (-2**15, 2**15 - 1), t.INT: (-2**31, 2**31 - 1),
          t.BIGINT: (-2**63, 2**63 - 1), t.UTINYINT: (0, 2**8 - 1), t.USMALLINT: (0, 2**16 - 1),
          t.UINT: (0, 2**32 - 1), t.UBIGINT: (0, 2**64 - 1), t.TIMESTAMP: (-2**63, 2**63 - 1)}
NAN = b"NaN"
FLOAT_MAX = 3.4028234663852886e38  # the greatest 32-bit float


def float32(value: float) -> float:
    """The nearest 32-bit float, as a Python float."""
    return struct.unpack("f", struct.pack("f", value))[0]


def pack_unsigned(value: int) -> int | bytes:
    """A BIGINT UNSIGNED as it is stored."""
    return value if value < 2**63 else value.to_bytes(8, "big")


def unpack_unsigned(value: Any) -> int | None:
    return int.from_bytes(value, "big") if isinstance(value, bytes) else value


def fits(column: Column, value: str | bytes) -> bool:
    """Whether a text or a VARBINARY is short enough for its column."""
    if len(value) * (1 if column.type is t.NCHAR else 4) <= column.length:  # a character has at most 4 bytes
        return True
    if column.type is t.NCHAR or isinstance(value, bytes):
        return len(value) <= column.length
    return len(value.encode()) <= column.length


def binary(text: str) -> bytes:
    """VARBINARY from text: `\\x` and hexadecimal digits, or else the bytes of the text itself. Error: 0x2604."""
    if not text.startswith(("\\x", "\\X")):
        return text.encode()
    try:
        return bytes.fromhex(text[2:])
    except ValueError:
        raise TDengineError(0x2604, f"Invalid varbinary value: {text}") from None


def json_tag(text: str) -> str | None:
    """A JSON tag as TDengine keeps it: one object of strings, numbers, booleans and nulls, its keys in order.

    An empty text is NULL. taosws binds the object's text as a JSON string. Error: 0x0216.
    """
    if not text:
        return None
    try:
        value = json.loads(text)
        if isinstance(value, str):
            value = json.loads(value)
        if not isinstance(value, dict) or any(isinstance(inner, (dict, list)) for inner in value.values()):
            raise ValueError(text)
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        raise TDengineError(0x0216, f"syntax error near '{text[:64]}' (json parse error)") from None


# ---------------------------------------------------------------------- values bound to a statement

def from_bound(values: Sequence[Any], column: Column) -> Sequence[Any]:
    """The values that are bound to a column or tag, as they are stored.

    Error: 0x0200 for a value that the column cannot hold.
    """
    kind = column.type
    if kind is t.JSON:
        values = [value if value is None else json_tag(value) for value in values]
    if kind.variable:
        _check_lengths(values, column)
        return values
    if kind in t.DECIMALS:
        return _map(values, lambda rest: [stored(scaled(value, column), column) for value in rest], column)
    if kind is t.FLOAT or kind is t.DOUBLE:
        return _map(values, lambda rest: _stored_reals(array(kind.pack, rest).tolist()), column)
    if kind is t.BOOL:
        return [None if value is None else int(bool(value)) for value in values]
    if kind is t.UBIGINT:
        return [None if value is None else pack_unsigned(value) for value in _checked(values, column)]
    return _checked(values, column)


def _stored_reals(values: list[float]) -> list[float | bytes]:
    return [NAN if math.isnan(value) else value for value in values] if any(map(math.isnan, values)) else values


def _checked(values: Sequence[Any], column: Column) -> Sequence[Any]:
    """Refuse values that are no integers or out of range; `array` looks at all values at once."""
    _map(values, lambda rest: array(column.type.pack, rest), column)
    return values


def _map(values: Sequence[Any], convert: Callable, column: Column) -> Sequence[Any]:
    """Convert all values but NULLs. `convert` takes a list of values and gives their list, or None."""
    try:
        if None not in values:
            return convert(values)
        converted = iter(convert([value for value in values if value is not None]) or ())
        return [None if value is None else next(converted) for value in values]
    except (TypeError, ValueError, OverflowError):
        raise TDengineError(0x0200, f"invalid value for the {column.type.name} column {column.name}") from None


def _check_lengths(values: Sequence[Any], column: Column) -> None:
    wanted = bytes if column.type is t.VARBINARY else str
    for value in values:
        if value is None:
            continue
        if not isinstance(value, wanted):
            raise TDengineError(0x0200, f"invalid value for the {column.type.name} column {column.name}")
        if not fits(column, value):
            raise TDengineError(0x0200, "tag length is too big" if column.is_tag else
                                f"value too long for column: {column.name}")


# ---------------------------------------------------------------------- back to the client

def _plain_decimals(values: Sequence[Any], column: Column) -> Sequence[Any]:
    _, scale = digits_and_scale(column)
    return [value if value is None else plain(value, scale) for value in values]


def _plain_reals(values: Sequence[Any], column: Column) -> Sequence[Any]:
    if bytes not in map(type, values):
        return values
    return [math.nan if isinstance(value, bytes) else value for value in values]


_TO_PLAIN: dict[t.Type, Callable[[Sequence[Any], Column], Sequence[Any]]] = {
    t.BOOL: lambda values, column: [None if value is None else bool(value) for value in values],
    t.UBIGINT: lambda values, column: list(map(unpack_unsigned, values)),
    t.FLOAT: _plain_reals, t.DOUBLE: _plain_reals, **dict.fromkeys(t.DECIMALS, _plain_decimals),
}


def to_client(values: list[Sequence], columns: Sequence[Column]) -> list[Sequence]:
    """Stored values, column-major, as the plain Python values that datatypes.py describes."""
    return [_TO_PLAIN[column.type](found, column) if column.type in _TO_PLAIN else found
            for column, found in zip(columns, values, strict=False)]  # there are no values at the end
