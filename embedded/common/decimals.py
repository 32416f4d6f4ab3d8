"""DECIMAL(digits, scale): exact numbers, which are sent as integers that are scaled by 10 to the power of `scale`."""

from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any

from .datatypes import DECIMAL, DECIMAL64, DECIMALS, Column
from .errors import TDengineError, not_supported

MOST_DIGITS = 38
_MOST_DIGITS_OF_64_BITS = 18
_CONTEXT = Context(prec=2 * MOST_DIGITS, rounding=ROUND_HALF_UP)


def decimal_column(name: str, digits: int, scale: int, is_tag: bool = False) -> Column:
    """Error: 0x2600 for a tag, which TDengine has not, and for digits that there are not."""
    if is_tag:
        raise not_supported("a DECIMAL tag")
    if not 1 <= digits <= MOST_DIGITS or scale > digits:
        raise TDengineError(0x2600, f'syntax error near "DECIMAL({digits}, {scale})"')
    kind = DECIMAL64 if digits <= _MOST_DIGITS_OF_64_BITS else DECIMAL
    return Column(name, kind, kind.size << 24 | digits << 8 | scale)


def digits_and_scale(column: Column) -> tuple[int, int]:
    """(0, 0) for all other types."""
    return (column.length >> 8 & 0xFF, column.length & 0xFF) if column.type in DECIMALS else (0, 0)


def scaled(value: Any, column: Column, exact: bool = False) -> int:
    """A Decimal, an int or a text as a scaled integer, rounded to the column's scale.

    Errors: ValueError for a value that is no number and, with `exact`, for one that rounding would change;
    OverflowError for more digits than the column has.
    """
    digits, scale = digits_and_scale(column)
    try:
        number = Decimal(value)
        if not number.is_finite():
            raise ValueError(value)
        if number.adjusted() > MOST_DIGITS:  # the integer of 1e999999999 would not fit into memory
            raise OverflowError(value)
        shifted = _CONTEXT.scaleb(number, scale)
        whole = int(_CONTEXT.to_integral_value(shifted))
    except (InvalidOperation, TypeError) as error:
        raise ValueError(value) from error
    if exact and whole != shifted:
        raise ValueError(value)
    if abs(whole) >= 10**digits:
        raise OverflowError(value)
    return whole


def fitted(value: Any, column: Column) -> Decimal:
    """A Decimal, an int or a text as a Decimal with exactly the column's scale, rounded. Errors: those of `scaled`."""
    return _CONTEXT.scaleb(Decimal(scaled(value, column)), -digits_and_scale(column)[1])
