"""CAST: from every type to every type that TDengine converts to."""

from sqlglot import exp

from ..common import clock
from ..common import datatypes as t
from ..common.datatypes import Column
from ..common.errors import not_supported
from ..common.values import RANGES
from .arguments import bad_type
from .compiler import Compiler
from .typed import DECIMALS, INTEGERS, REALS, TEXTS, UNSIGNED, Typed, typed

_DECIMAL_TEXT_LENGTH = 40  # 38 digits, a sign and a point
_NUMBER_TEXT_LENGTH = 24  # bytes: the longest number, with room to spare


def cast(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    """The second argument holds the target: a `Column` of its type and length (0: as long as the value)."""
    value, target = compiler.compile(trees[0]), trees[1].this
    if value.const is None:
        return typed("NULL", target.type, target.length or 1)
    kind = target.type
    if kind in DECIMALS or kind is t.JSON or value.type is t.JSON:
        raise not_supported(f"CAST of {value.type.name} to {kind.name}")
    if value.type in DECIMALS:
        return _of_decimal(value, target)
    if kind.variable:
        return _to_text(value, target)
    if kind is t.TIMESTAMP:
        return to_time(compiler, value, "cast")
    if value.type is t.VARBINARY:
        raise bad_type("cast")
    if kind in REALS:
        if value.type in REALS:
            sql = value.sql
        else:
            sql = f"CAST({value.sql} AS REAL)" if value.type in TEXTS else compiler.real(value)
        return typed(f"f32({sql})" if kind is t.FLOAT and value.type is not t.FLOAT else sql, kind)
    if kind is t.BOOL:
        if value.type in TEXTS:
            raise not_supported("CAST of text to BOOL")
        return typed(f"({value.sql} <> 0)", kind)
    return _to_integer(value, target)


def _of_decimal(value: Typed, target: Column) -> Typed:
    scale = value.length & 0xFF
    if target.type in REALS:
        sql = f"decimal_real({value.sql}, {scale})"
        return typed(f"f32({sql})" if target.type is t.FLOAT else sql, target.type)
    if target.type in TEXTS:
        length = target.length or _DECIMAL_TEXT_LENGTH
        return typed(f"substr(decimal_text({value.sql}, {scale}), 1, {length})", target.type, length)
    raise not_supported(f"CAST of DECIMAL to {target.type.name}")


def _to_integer(value: Typed, target: Column) -> Typed:
    """Fractions are cut off; an integer that is too big for the type wraps around, as in C."""
    kind = target.type
    if value.type is kind or (kind is t.BIGINT and value.type not in REALS | TEXTS | {t.UBIGINT}):
        return Typed(value.sql, kind, kind.size, value.const)
    if t.UBIGINT in (kind, value.type):
        if value.is_const and value.type is t.BIGINT and value.const >= 0:
            return typed(value.sql, kind)
        raise not_supported(f"CAST of {value.type.name} to {kind.name}")
    sql = f"CAST({value.sql} AS INTEGER)"
    if kind is t.BIGINT:
        return typed(sql, kind)
    if value.type in REALS:  # C does not define what a real out of range becomes: the nearest integer stands here
        low, high = RANGES[kind]
        return typed(f"min(max({sql}, {low}), {high})", kind)
    mask, half = 256 ** kind.size - 1, 256 ** kind.size // 2
    return typed(f"({sql} & {mask})" if kind in UNSIGNED else f"((({sql} + {half}) & {mask}) - {half})", kind)


def _to_text(value: Typed, target: Column) -> Typed:
    kind = target.type
    if kind is t.VARBINARY:
        if value.type not in TEXTS | {t.VARBINARY}:
            raise bad_type("cast")
        sql = f"CAST({value.sql} AS BLOB)"
    elif value.type is t.BOOL:
        sql = f"CASE {value.sql} WHEN 0 THEN 'false' ELSE 'true' END"
    elif value.type in TEXTS:
        sql = value.sql
    elif value.type in INTEGERS - {t.UBIGINT} | {t.TIMESTAMP}:
        sql = f"CAST({value.sql} AS TEXT)"
    else:
        raise not_supported(f"CAST of {value.type.name} to {kind.name}")
    length = target.length or (value.length if value.type.variable else _NUMBER_TEXT_LENGTH)
    if kind is t.NCHAR:
        return typed(f"substr({sql}, 1, {length})", kind, length)
    return typed(f"cut({sql}, {length})", kind, length)


def to_time(compiler: Compiler, value: Typed, name: str) -> Typed:
    """Text or a number of ticks as TIMESTAMP, for the function `name`. Text that is no time becomes NULL."""
    if value.is_const and value.type in TEXTS:
        ticks = clock.parse(value.const, compiler.precision, compiler.environment.zone)
        return typed("NULL", t.TIMESTAMP) if ticks is None else compiler.constant(ticks, t.TIMESTAMP)
    if value.type in TEXTS:
        return typed(f"parse_time({value.sql}, {compiler.precision}, {zone_parameter(compiler)})", t.TIMESTAMP)
    if value.type in INTEGERS - {t.UBIGINT} | {t.TIMESTAMP, t.BOOL}:
        return Typed(value.sql, t.TIMESTAMP, t.TIMESTAMP.size, value.const)
    raise not_supported(f"{name.upper()} of {value.type.name} as a time")


def zone_parameter(compiler: Compiler) -> str:
    """The session's zone as the functions of `sqlite_functions.py` take it; the empty text is this machine's."""
    return compiler.parameters.name(compiler.environment.zone_name or "")
