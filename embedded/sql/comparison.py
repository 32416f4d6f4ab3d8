"""Comparing as TDengine does. Constants take the type of what they are compared with, and NaN is less than numbers."""

from decimal import Context, Decimal, Inexact, InvalidOperation

from ..common import clock
from ..common import datatypes as t
from ..common.datatypes import Column, duck_type
from ..common.errors import TDengineError, not_supported
from ..common.values import binary
from .compiler import Compiler, may_be_nan
from .typed import DECIMALS, INTEGERS, NUMBERS, TEXTS, Typed, Unknown

_FLOAT_ROUNDING_LIMIT = 3e38  # a greater constant would become infinite as a 32-bit float
_INFINITY = "'infinity'::DOUBLE"
_EXACT = Context(prec=38, traps=[Inexact, InvalidOperation])


def compare(compiler: Compiler, left: Typed, right: Typed, operator: str, word: str = "") -> str:
    """The SQL of `left operator right`; `word` names the operator in error messages where it is another one."""
    if isinstance(right, Unknown) and not left.is_const and left.type in INTEGERS | {t.TIMESTAMP}:
        return f"({left.sql} {operator} {right.sql})"  # whatever the number is, it stays as it is
    if left.const is None or right.const is None:
        return "NULL::BOOLEAN"
    a, b = align(compiler, left, right, word or operator)
    if operator in ("=", "<>") or not (may_be_nan(a) or may_be_nan(b)):
        return f"({a.sql} {operator} {b.sql})"
    if a.is_const or b.is_const:  # a NaN is greater than all numbers in DuckDB
        value, greater = (a, ">" in operator) if b.is_const else (b, "<" in operator)
        rest = f"AND {value.sql} <= {_INFINITY}" if greater else f"OR isnan({value.sql})"
        return f"({a.sql} {operator} {b.sql} {rest})"
    return f"({compiler.ordered(a)} {operator} {compiler.ordered(b)})"


def align(compiler: Compiler, left: Typed, right: Typed, operator: str) -> tuple[Typed, Typed]:
    """Two operands as they are compared. Errors: 0x2600 for types whose comparison would differ from TDengine's."""
    if left.is_const and not right.is_const:
        second, first = align(compiler, right, left, operator)
        return first, second
    if right.is_const and right.const is not None and left.const is not None:
        right = _convert(compiler, right, left, operator)
    if left.const is None or right.const is None:
        return left, right
    if not any(left.type in family and right.type in family
               for family in (NUMBERS | {t.TIMESTAMP}, TEXTS, {t.VARBINARY}, DECIMALS)) or (
            left.type in DECIMALS and left.length != right.length):
        raise not_supported(f"{operator} between {left.type.name} and {right.type.name}")
    if t.BOOL in (left.type, right.type) and left.type is not right.type:
        left, right = (Typed(f"{value.sql}::INTEGER", t.INT, 4, value.const) if value.type is t.BOOL else value
                       for value in (left, right))
    return left, right


def _convert(compiler: Compiler, constant: Typed, other: Typed, operator: str) -> Typed:
    """A constant as it is compared with `other`: text becomes a time or a number, a number a 32-bit float."""
    value = constant.const
    if other.type in DECIMALS and constant.type in NUMBERS | TEXTS:
        return _decimal(constant, other, operator)
    if constant.type in TEXTS:
        if other.type is t.TIMESTAMP:
            ticks = clock.parse(value, compiler.precision, compiler.environment.zone)
            if ticks is None:
                raise TDengineError(0x0127, f"Invalid timestamp format: {value}")
            return compiler.constant(ticks, t.TIMESTAMP)
        if other.type is t.BOOL:  # also 'true' is the number 0
            number = _number(value)
            return compiler.constant(bool(number), t.BOOL)
        if other.type is t.VARBINARY:
            return compiler.constant(binary(value), t.VARBINARY)
        if other.type in NUMBERS:
            number = _number(value)
            if number is None:
                raise not_supported(f"{operator} between {other.type.name} and the text '{value}'")
            return _convert(compiler, compiler.constant(number, t.DOUBLE), other, operator)
    if other.type is t.FLOAT and constant.type in NUMBERS and not other.is_const and abs(value) < _FLOAT_ROUNDING_LIMIT:
        return compiler.constant(float(value), t.FLOAT)
    return constant


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None



def _decimal(constant: Typed, other: Typed, operator: str) -> Typed:
    """A constant as the DECIMAL that it is compared with. It must be one, or rounding would change the answer."""
    column, text = Column("", other.type, other.length), str(constant.const)
    digits, scale = other.length >> 8 & 0xFF, other.length & 0xFF
    try:
        number = _EXACT.quantize(Decimal(text), Decimal(1).scaleb(-scale))
        if abs(number) >= 10 ** (digits - scale):
            raise InvalidOperation
    except (InvalidOperation, Inexact):
        raise not_supported(f"{operator} between {column.shown_type} and {text}") from None
    return Typed(f"'{number:f}'::{duck_type(column)}", other.type, other.length, number)
