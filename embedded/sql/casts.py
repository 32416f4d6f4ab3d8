"""CAST: from every type to every type that TDengine converts to."""

from sqlglot import exp

from ..common import clock
from ..common import datatypes as t
from ..common.datatypes import Column, duck_type
from ..common.errors import not_supported
from .arguments import bad_type
from .compiler import Compiler
from .typed import DECIMALS, INTEGERS, REALS, TEXTS, UNSIGNED, Typed, duck_name, literal, typed

_DECIMAL_TEXT_LENGTH = 40  # 38 digits, a sign and a point
_NUMBER_TEXT_LENGTH = 24  # bytes: the longest number, with room to spare


def cast(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    """The second argument holds the target: a `Column` of its type and length (0: as long as the value)."""
    return converted(compiler, compiler.compile(trees[0]), trees[1].meta["target"])


def converted(compiler: Compiler, value: Typed, target: Column) -> Typed:
    """A value in the type of `target`."""
    kind = target.type
    if value.const is None:
        return Typed(f"NULL::{duck_type(target)}", kind, target.length or 1, None)
    if kind in DECIMALS or kind is t.JSON or value.type is t.JSON:
        raise not_supported(f"CAST of {value.type.name} to {kind.name}")
    if kind.variable:
        return _to_text(value, target)
    if kind is t.TIMESTAMP:
        return to_time(compiler, value, "cast")
    if value.type is t.VARBINARY:
        raise bad_type("cast")
    if kind in REALS:
        sql = f"real_of({value.sql})" if value.type in TEXTS else value.sql
        return typed(sql if value.type is kind else f"{sql}::{duck_type(target)}", kind)
    if value.type in DECIMALS:
        raise not_supported(f"CAST of DECIMAL to {kind.name}")
    if kind is t.BOOL:
        return typed(f"(real_of({value.sql}) <> 0)" if value.type in TEXTS else f"({value.sql} <> 0)"
                     if value.type is not t.BOOL else value.sql, kind)
    return _to_integer(value, target)


def _to_integer(value: Typed, target: Column) -> Typed:
    """Fractions are cut off; an integer that is too big for the type wraps around, as in C."""
    kind = target.type
    if value.type is kind or kind is t.BIGINT and value.type in INTEGERS - {t.UBIGINT} | {t.TIMESTAMP, t.BOOL}:
        return Typed(f"{value.sql}::{duck_type(target)}" if value.type not in (kind, t.TIMESTAMP) else value.sql,
                     kind, kind.size, value.const)
    if value.type in REALS:  # C does not define what a real out of range becomes: the nearest integer stands here
        return typed(clamped(value.sql, kind), kind)
    if value.type in TEXTS:
        return typed(wrapped(f"integer_of({value.sql})", kind), kind)
    return typed(wrapped(value.sql, kind), kind)


def limits(kind: t.Type) -> tuple[int, int]:
    """The least and the greatest integer of a type."""
    bits = 8 * kind.size
    return (0, 2**bits - 1) if kind in UNSIGNED else (-2**(bits - 1), 2**(bits - 1) - 1)


def clamped(real: str, kind: t.Type) -> str:
    """A real as an integer, its fraction cut off: the nearest one where it is out of range."""
    low, high = (f"{literal(limit, kind)}::{duck_name(kind)}" for limit in limits(kind))
    return (f"CASE WHEN {real} >= {high}::DOUBLE THEN {high} WHEN {real} <= {low}::DOUBLE THEN {low} "
            f"ELSE trunc({real})::{duck_name(kind)} END")


def wrapped(sql: str, kind: t.Type) -> str:
    """An integer of any size as one of this type: it keeps its lowest bits."""
    low, high = limits(kind)
    whole, type_ = f"{sql}::HUGEINT", duck_name(kind)
    mask = f"{high - low}::HUGEINT"
    return f"({whole} & {mask})::{type_}" if low == 0 else f"((({whole} + {-low}) & {mask}) - {-low})::{type_}"


def _to_text(value: Typed, target: Column) -> Typed:
    kind = target.type
    if kind is t.VARBINARY:
        if value.type not in TEXTS | {t.VARBINARY}:
            raise bad_type("cast")
        length = target.length or value.length
        blob = value.sql if value.type is t.VARBINARY else f"encode({value.sql})"
        return typed(f"{blob}[1:{length}]", kind, length)
    sql, most = text_of(value)
    length = target.length or most
    if kind is t.NCHAR:
        return typed(f"left({sql}, {length})", kind, length)
    most *= 4 if value.type is t.NCHAR else 1
    return typed(f"cut_bytes({sql}, {length})" if most > length else sql, kind, length)


def text_of(value: Typed) -> tuple[str, int]:
    """A value as text, and how long it may be. Error: 0x2600 for types that have none."""
    if value.type in TEXTS:
        return value.sql, value.length
    if value.type is t.FLOAT or value.type is t.DOUBLE:
        return f"printf('%f', {value.sql}::DOUBLE)", 320 if value.type is t.DOUBLE else 48
    if value.type in DECIMALS:
        return f"{value.sql}::VARCHAR", _DECIMAL_TEXT_LENGTH
    if value.type in INTEGERS | {t.TIMESTAMP, t.BOOL}:
        return f"{value.sql}::VARCHAR", _NUMBER_TEXT_LENGTH
    raise not_supported(f"CAST of {value.type.name} to text")


def to_time(compiler: Compiler, value: Typed, name: str) -> Typed:
    """Text or a number of ticks as TIMESTAMP, for the function `name`. Text that is no time becomes NULL."""
    if value.is_const and value.type in TEXTS:
        ticks = None if value.const is None else \
            clock.parse(value.const, compiler.precision, compiler.environment.zone)
        return compiler.constant(ticks, t.TIMESTAMP)
    if value.type in TEXTS:
        zone = literal(compiler.environment.zone_name or "", t.VARCHAR)
        return typed(f"parse_time({value.sql}, {compiler.precision}, {zone})", t.TIMESTAMP)
    if value.type in INTEGERS - {t.UBIGINT} | {t.TIMESTAMP, t.BOOL}:
        return Typed(f"{value.sql}::BIGINT" if value.type is not t.TIMESTAMP and not value.is_const else value.sql,
                     t.TIMESTAMP, t.TIMESTAMP.size, value.const)
    raise not_supported(f"{name.upper()} of {value.type.name} as a time")
