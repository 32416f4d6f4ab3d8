"""Comparing as TDengine does: SQLite has no types for expressions and would compare text and numbers in its own way."""

from ..common import clock
from ..common import datatypes as t
from ..common.datatypes import Column
from ..common.decimals import scaled, stored
from ..common.errors import TDengineError, not_supported
from ..common.values import binary, float32
from .compiler import Compiler
from .typed import DECIMALS, NUMBERS, REALS, TEXTS, Typed

_FLOAT_ROUNDING_LIMIT = 3e38  # a greater constant would become infinite as a 32-bit float


def align(compiler: Compiler, left: Typed, right: Typed, operator: str) -> tuple[str, str]:
    """The SQL of two operands in a form that SQLite compares as TDengine does.

    Errors: 0x2600 for two types whose comparison would differ from TDengine's.
    """
    if left.is_const and not right.is_const:
        second, first = align(compiler, right, left, operator)
        return first, second
    if right.is_const and right.const is not None:
        right = _convert(compiler, right, left, operator)
    if left.const is None or right.const is None:
        return left.sql, right.sql
    if not any(left.type in family and right.type in family
               for family in (NUMBERS | {t.TIMESTAMP}, TEXTS, {t.VARBINARY}, DECIMALS)) or (
            left.type in DECIMALS and left.length != right.length):
        raise not_supported(f"{operator} between {left.type.name} and {right.type.name}")
    if t.UBIGINT in (left.type, right.type) and {left.type, right.type} & REALS:
        return compiler.real(left), compiler.real(right)
    return compiler.ordered(left), compiler.ordered(right)


def _decimal(constant: Typed, other: Typed, operator: str) -> Typed:
    """A constant as the DECIMAL that it is compared with. It must be one, or rounding would change the answer."""
    column, text = Column("", other.type, other.length), str(constant.const)
    try:
        whole = scaled(text, column, exact=True)
    except (ValueError, OverflowError):
        raise not_supported(f"{operator} between {column.shown_type} and {text}") from None
    return Typed(_literal(stored(whole, column)), other.type, other.length, whole)


def _literal(value: int | bytes) -> str:
    return str(value) if isinstance(value, int) else f"x'{value.hex()}'"


def _convert(compiler: Compiler, constant: Typed, other: Typed, operator: str) -> Typed:
    """A constant as it is compared with `other`: text becomes a time or a number, a number a 32-bit float."""
    value = constant.const
    if other.type in DECIMALS and constant.type in NUMBERS | TEXTS:
        return _decimal(constant, other, operator)
    if constant.type in TEXTS:
        if other.type is t.TIMESTAMP:
            ticks = clock.parse(value, compiler.precision, compiler.environment.zone)
            if ticks is None:
                raise TDengineError(0x2635, f"Incorrect TIMESTAMP value: {value}")
            return compiler.constant(ticks, t.TIMESTAMP)
        if other.type is t.BOOL and value.lower() in ("true", "false"):
            return compiler.constant(int(value.lower() == "true"), t.BOOL)
        if other.type is t.VARBINARY:
            return compiler.constant(binary(value), t.VARBINARY)
        if other.type in NUMBERS:
            try:
                number = compiler.constant(float(value), t.DOUBLE)
            except ValueError:
                text = f"{operator} between {other.type.name} and the text '{value}'"
                raise not_supported(text) from None
            return _convert(compiler, number, other, operator)
    if other.type is t.FLOAT and constant.type in NUMBERS and not other.is_const and abs(value) < _FLOAT_ROUNDING_LIMIT:
        return compiler.constant(float32(float(value)), t.DOUBLE)
    return constant
