"""Literals in the text of INSERT and TAGS, as they are stored."""

import math
from datetime import tzinfo
from decimal import Decimal
from typing import Any

from . import datatypes as t
from .clock import parse as parse_time
from .datatypes import Column
from .decimals import scaled, stored
from .errors import TDengineError, not_supported
from .values import FLOAT_MAX, RANGES, binary, fits, float32, json_tag, pack_unsigned


def too_long(column: Column) -> TDengineError:
    return TDengineError(0x2653, f"Value too long for column/tag: {column.name}")


def bad_value(value: Any, column: Column) -> TDengineError:
    return TDengineError(0x0216, f"syntax error near '{value}' (invalid {column.type.name.lower()} data)")


def from_literal(value: Any, column: Column, precision: int, where: tzinfo | None) -> Any:
    """A literal of VALUES or TAGS as it is stored. Text that is a time without a zone is in the zone `where`.

    Errors: 0x0216 (the type has no such value), 0x2653 (too long).
    """
    if value is None:
        return None
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
        return float32(number) if kind is t.FLOAT else number
    if isinstance(number, float):
        if not number.is_integer():
            raise not_supported(f"a fraction ({value}) in the {kind.name} column {column.name}")
        number = int(number)
    low, high = RANGES[kind]
    if not low <= number <= high:
        raise TDengineError(0x0216, f"syntax error near '{value}' ({kind.name.lower()} data overflow)")
    return pack_unsigned(number) if kind is t.UBIGINT else number


def _time_literal(value: Any, precision: int, where: tzinfo | None) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    ticks = parse_time(value, precision, where) if isinstance(value, str) else None
    if ticks is None and isinstance(value, str) and value.lstrip("-").isdigit():
        ticks = int(value)
    if ticks is None:
        raise TDengineError(0x0216, f"syntax error near '{value}' (invalid timestamp)")
    return ticks


def _decimal_literal(value: Any, column: Column) -> int | bytes:
    try:
        return stored(scaled(value, column), column)
    except ValueError:
        raise bad_value(value, column) from None
    except OverflowError:
        raise TDengineError(0x0216, f"syntax error near '{value}' (decimal data overflow)") from None


def _bool_literal(value: Any, column: Column) -> int:
    if isinstance(value, str):
        word = value.lower()
        if word not in ("true", "false"):
            raise bad_value(value, column)
        return int(word == "true")
    return int(value != 0)


def _text_literal(value: Any, column: Column) -> str | bytes:
    if not isinstance(value, str):
        if not isinstance(value, int) or isinstance(value, bool) or column.type is t.VARBINARY:
            raise bad_value(value, column)
        value = str(value)
    if column.type is t.VARBINARY:
        value = binary(value)
    elif column.type is t.JSON:
        value = json_tag(value)
    if not fits(column, value):
        raise too_long(column)
    return value


def _number_literal(value: Any, column: Column) -> int | float:
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
