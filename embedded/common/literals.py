"""Literals in the text of INSERT and TAGS, as Arrow arrays."""

import math
from collections.abc import Sequence
from datetime import tzinfo
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from . import datatypes as t
from .clock import parse as parse_time
from .datatypes import Column, arrow_type
from .decimals import fitted
from .errors import TDengineError
from .values import FLOAT_MAX, RANGES, binary, fits, json_tag

_EXACT = {kind: {int} for kind in RANGES} | {t.FLOAT: {int, float}, t.DOUBLE: {int, float}, t.VARCHAR: {str},
                                             t.NCHAR: {str}, t.BOOL: {bool}}  # which Arrow takes as they are


def too_long(column: Column) -> TDengineError:
    return TDengineError(0x2653, f"Value too long for column/tag: {column.name}")


def bad_value(value: Any, column: Column) -> TDengineError:
    return TDengineError(0x0216, f"syntax error near '{value}' (invalid {column.type.name.lower()} data)")


def from_literals(values: Sequence[Any], column: Column, precision: int, where: tzinfo | None) -> pa.Array:
    """Literals of VALUES or TAGS for one column. Text that is a time without a zone is in the zone `where`.

    Errors: 0x0216 (the type has no such value), 0x2653 (too long).
    """
    found = _at_once(values, column)
    if found is None:
        found = pa.array([None if value is None else _plain(value, column, precision, where) for value in values],
                         arrow_type(column))
    if column.type.variable and not fits(column, found):
        raise too_long(column)
    return found


def _at_once(values: Sequence[Any], column: Column) -> pa.Array | None:
    """The values as they are, if they are all of the usual type and in range."""
    if not set(map(type, values)) <= _EXACT.get(column.type, set()) | {type(None)}:
        return None
    try:
        found = pa.array(values, arrow_type(column))
    except (pa.ArrowException, OverflowError, UnicodeEncodeError):
        return None
    finite = column.type not in (t.FLOAT, t.DOUBLE) or pc.all(pc.is_finite(found)).as_py() is not False
    return found if finite else None


def _plain(value: Any, column: Column, precision: int, where: tzinfo | None) -> Any:
    """One literal as the plain Python value that Arrow takes for the column."""
    kind = column.type
    if kind is t.TIMESTAMP:
        return _time_literal(value, precision, where)
    if kind is t.BOOL:
        return _bool_literal(value, column)
    if kind.variable:
        return _text_literal(value, column)
    if kind in t.DECIMALS:
        return _decimal_literal(value, column)
    number = _number_literal(value, column)
    if isinstance(number, Decimal):  # an int of 1e999999999 would not fit into memory; the float of it is infinite
        number = float(number)
    if kind is t.FLOAT or kind is t.DOUBLE:
        number = float(number)
        if not math.isfinite(number) or kind is t.FLOAT and abs(number) > FLOAT_MAX:  # they come by binding only
            raise bad_value(value, column)
        return number
    low, high = RANGES[kind]
    if isinstance(number, float) and math.isfinite(number):  # TDengine rounds a half away from zero
        number = math.trunc(number + math.copysign(0.5, number))
    if not low <= number <= high:
        raise TDengineError(0x0216, f"syntax error near '{value}' ({kind.name.lower()} data overflow)")
    return number


def _time_literal(value: Any, precision: int, where: tzinfo | None) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return _in_range(value)
    ticks = parse_time(value, precision, where) if isinstance(value, str) else None
    if ticks is None and isinstance(value, str) and value.lstrip("-").isdigit():
        ticks = int(value)
    if ticks is None:
        raise TDengineError(0x0216, f"syntax error near '{value}' (invalid timestamp)")
    return _in_range(ticks)


def _in_range(ticks: int) -> int:
    if not -2**63 <= ticks < 2**63:
        raise TDengineError(0x060B, "Timestamp data out of range")
    return ticks


def _decimal_literal(value: Any, column: Column) -> Decimal:
    try:
        return fitted(value, column)
    except ValueError:
        raise bad_value(value, column) from None
    except OverflowError:
        raise TDengineError(0x0216, f"syntax error near '{value}' (decimal data overflow)") from None


def _bool_literal(value: Any, column: Column) -> bool:
    if isinstance(value, str):
        word = value.lower()
        if word not in ("true", "false"):
            raise bad_value(value, column)
        return word == "true"
    return value != 0


def _text_literal(value: Any, column: Column) -> str | bytes:
    if not isinstance(value, str):
        if not isinstance(value, int) or isinstance(value, bool) or column.type is t.VARBINARY:
            raise bad_value(value, column)
        value = str(value)
    if column.type is t.VARBINARY:
        value = binary(value)
    elif column.type is t.JSON:
        value = json_tag(value)
    return value


def _number_literal(value: Any, column: Column) -> int | float | Decimal:
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            pass
        try:
            return float(value)
        except ValueError:
            raise bad_value(value, column) from None
    return int(value) if isinstance(value, bool) else value
