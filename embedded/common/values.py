"""From what a client sends to Arrow arrays, with TDengine's checks."""

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from . import datatypes as t
from .datatypes import Column, arrow_type
from .decimals import fitted
from .errors import TDengineError

RANGES = {t.TINYINT: (-2**7, 2**7 - 1), t.SMALLINT: (-2**15, 2**15 - 1), t.INT: (-2**31, 2**31 - 1),
          t.BIGINT: (-2**63, 2**63 - 1), t.UTINYINT: (0, 2**8 - 1), t.USMALLINT: (0, 2**16 - 1),
          t.UINT: (0, 2**32 - 1), t.UBIGINT: (0, 2**64 - 1), t.TIMESTAMP: (-2**63, 2**63 - 1)}
FLOAT_MAX = 3.4028234663852886e38  # the greatest 32-bit float


def fits(column: Column, values: pa.Array) -> bool:
    """Whether all texts (or VARBINARY values) are short enough for their column."""
    if values.null_count == len(values):
        return True
    lengths = pc.utf8_length(values) if column.type is t.NCHAR else pc.binary_length(values)
    return (pc.max(lengths).as_py() or 0) <= column.length


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


def from_bound(values: pa.Array | Sequence[Any], column: Column) -> pa.Array:
    """The values that are bound to a column or tag, as `arrow_type(column)`; plain Python values are taken too.

    Errors: 0x0200 for a value that the column cannot hold, 0x0216 for a text that is no JSON.
    """
    kind = arrow_type(column)
    try:
        if column.type is t.JSON:
            values = [value if value is None else json_tag(value) for value in _plain(values)]
        if not isinstance(values, pa.Array):
            return _checked(_from_python(values, column, kind), column)
        if values.type == kind:
            return _checked(values, column)
        if values.type == pa.null():
            return values.cast(kind)
        if column.type in t.DECIMALS:
            return _decimals(values, column, kind)
        if column.type.variable or pa.types.is_string(values.type) or pa.types.is_binary(values.type):
            raise TypeError(values.type)  # Arrow would make numbers of texts
        return values.cast(kind)
    except (TypeError, ValueError, OverflowError, pa.ArrowException):
        raise TDengineError(0x0200, f"invalid value for the {column.type.name} column {column.name}") from None


def _plain(values: pa.Array | Sequence[Any]) -> Sequence[Any]:
    return values.to_pylist() if isinstance(values, pa.Array) else values


def _from_python(values: Sequence[Any], column: Column, kind: pa.DataType) -> pa.Array:
    if column.type in t.DECIMALS:
        return pa.array([None if value is None else fitted(value, column) for value in values], kind)
    if column.type is t.BOOL:
        return pa.array(values).cast(kind)
    return pa.array(values, kind)


def _decimals(texts: pa.Array, column: Column, kind: pa.DataType) -> pa.Array:
    """DECIMALs from their texts. Arrow refuses those with more digits after the point than the column has."""
    try:
        return texts.cast(kind)
    except pa.ArrowException:
        return _from_python(texts.to_pylist(), column, kind)


def _checked(values: pa.Array, column: Column) -> pa.Array:
    if column.type.variable and not fits(column, values):
        raise TDengineError(0x0200, "tag length is too big" if column.is_tag else
                            f"value too long for column: {column.name}")
    return values
