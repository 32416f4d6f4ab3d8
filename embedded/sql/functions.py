"""TDengine's functions: which there are, what they accept, the type and length of what they return."""

from typing import Any, Callable

from sqlglot import exp

from .. import VERSION
from ..common import clock
from ..common import datatypes as t
from ..common.datatypes import Column
from ..common.errors import TDengineError, not_supported
from .expressions import Expressions
from .typed import INTEGERS, NUMBERS, REALS, TEXTS, UNSIGNED, Typed, typed
from ..common.values import RANGES


def number_of(name: str, trees: list, low: int, high: int | None = None) -> None:
    if not low <= len(trees) <= (low if high is None else high):
        raise TDengineError(0x2801, f"Invalid number of parameters : {name}")


def bad_type(name: str) -> TDengineError:
    return TDengineError(0x2802, f"Invalid parameter data type : {name}")


def _compiled(e: Expressions, name: str, trees: list, families: list[set], least: int | None = None) -> list[Typed]:
    """The arguments, one for each family of types; NULL is of every family."""
    number_of(name, trees, len(families) if least is None else least, len(families))
    values = [e.compile(tree) for tree in trees]
    for value, family in zip(values, families):
        if value.type not in family and value.const is not None:
            raise bad_type(name)
    return values


# ---------------------------------------------------------------------- scalar functions

def _real_function(sql: str, arguments: int = 1, least: int | None = None) -> Callable:
    def build(e: Expressions, name: str, trees: list) -> Typed:
        values = _compiled(e, name, trees, [NUMBERS - {t.BOOL}] * arguments, least)
        return typed(f"{sql}({', '.join(e.real(value) for value in values)})", t.DOUBLE)
    return build


def _same_type(sql: str) -> Callable:
    """ABS, CEIL, FLOOR, ROUND: a number of the argument's own type; integers have nothing to round."""
    def build(e: Expressions, name: str, trees: list) -> Typed:
        if name == "round" and len(trees) == 2:
            raise not_supported("ROUND with digits")
        value, = _compiled(e, name, trees, [NUMBERS - {t.BOOL}])
        if name == "abs" and value.type in UNSIGNED or name != "abs" and value.type in INTEGERS:
            return typed(value.sql, value.type)
        return typed(f"{sql}({value.sql})", value.type)
    return build


def _text_function(narrow: str, wide: str | None = None) -> Callable:
    """A text of the argument's type and length; NCHAR may need a function of its own."""
    def build(e: Expressions, name: str, trees: list) -> Typed:
        value, = _compiled(e, name, trees, [TEXTS])
        return typed(f"{wide if wide and value.type is t.NCHAR else narrow}({value.sql})", value.type, value.length)
    return build


def _length(e: Expressions, name: str, trees: list) -> Typed:
    value, = _compiled(e, name, trees, [TEXTS | {t.VARBINARY}])
    if name == "length":
        sql = f"length({value.sql}) * 4" if value.type is t.NCHAR else f"length(CAST({value.sql} AS BLOB))"
    else:
        sql = f"length({value.sql})"
    return typed(sql, t.BIGINT)


def _concat(e: Expressions, name: str, trees: list) -> Typed:
    if not 2 <= len(trees) <= 8:
        raise TDengineError(0x2801, f"Invalid number of parameters : {name}")
    values = _compiled(e, name, trees, [TEXTS] * len(trees))
    kinds = {value.type for value in values if not value.is_const} or {t.VARCHAR}
    if len(kinds) > 1:
        raise not_supported("CONCAT of VARCHAR and NCHAR")
    return typed("(" + " || ".join(value.sql for value in values) + ")", kinds.pop(),
                 sum(value.length for value in values))


def _substr(e: Expressions, name: str, trees: list) -> Typed:
    value, *rest = _compiled(e, name, trees, [TEXTS, INTEGERS, INTEGERS], least=2)
    return typed(f"sub_string({', '.join(v.sql for v in (value, *rest))})", value.type, value.length)


def _cast(e: Expressions, name: str, trees: list) -> Typed:
    value, target = e.compile(trees[0]), trees[1].this
    if value.const is None:
        return typed("NULL", target.type, target.length or 1)
    kind = target.type
    if kind.variable:
        return _cast_to_text(e, value, target)
    if kind is t.TIMESTAMP:
        return _to_time(e, value, "cast")
    if value.type is t.VARBINARY:
        raise bad_type("cast")
    if kind in REALS:
        sql = f"CAST({value.sql} AS REAL)" if value.type in TEXTS else e.real(value)
        return typed(f"f32({sql})" if kind is t.FLOAT and value.type is not t.FLOAT else sql, kind)
    if kind is t.BOOL:
        if value.type in TEXTS:
            raise not_supported("CAST of text to BOOL")
        return typed(f"({value.sql} <> 0)", kind)
    return _cast_to_integer(value, target)


def _cast_to_integer(value: Typed, target: Column) -> Typed:
    """Fractions are cut off; what is too big for the type wraps around, as in C."""
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
    if value.type in REALS:  # C leaves open what a real out of range becomes
        low, high = RANGES[kind]
        return typed(f"min(max({sql}, {low}), {high})", kind)
    mask, half = 256 ** kind.size - 1, 256 ** kind.size // 2
    return typed(f"({sql} & {mask})" if kind in UNSIGNED else f"((({sql} + {half}) & {mask}) - {half})", kind)


def _cast_to_text(e: Expressions, value: Typed, target: Column) -> Typed:
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
    length = target.length or (value.length if value.type.variable else 24)
    if kind is t.NCHAR:
        return typed(f"substr({sql}, 1, {length})", kind, length)
    return typed(f"cut({sql}, {length})", kind, length)


def _to_time(e: Expressions, value: Typed, name: str) -> Typed:
    """Text or a number of ticks as TIMESTAMP; text that is no time is NULL."""
    if value.is_const and value.type in TEXTS:
        ticks = clock.parse(value.const, e.precision, e.environment.zone)
        return e.constant(ticks, t.TIMESTAMP) if ticks is not None else typed("NULL", t.TIMESTAMP)
    if value.type in TEXTS:
        zone = e.parameters.name(e.environment.zone_name or "")
        return typed(f"parse_time({value.sql}, {e.precision}, {zone})", t.TIMESTAMP)
    if value.type in INTEGERS - {t.UBIGINT} | {t.TIMESTAMP, t.BOOL}:
        return Typed(value.sql, t.TIMESTAMP, 8, value.const)
    raise not_supported(f"{name.upper()} of {value.type.name} as a time")


def _time_argument(e: Expressions, name: str, tree: exp.Expression) -> Typed:
    value = e.compile(tree)
    if value.type not in TEXTS | {t.TIMESTAMP, t.BIGINT} and value.const is not None:
        raise bad_type(name)
    return _to_time(e, value, name)


def _unit_of(e: Expressions, name: str, tree: exp.Expression) -> Typed:
    unit = e.compile(tree)
    if unit.unit is None or unit.const <= 0:
        raise TDengineError(0x2803, f"Invalid parameter value : {name}")
    return unit


def truncated(e: Expressions, ticks: str, step: int, unit: str, offset: int = 0) -> str:
    """SQL of the start of the window of `step` ticks that holds an instant.

    Windows begin at 1970 in UTC, those of days and weeks at midnight of the session's zone.
    """
    if unit in "dw":
        shift = clock.fixed_offset(e.precision, e.environment.zone)
        ahead = str(shift) if shift is not None else \
            f"zone_offset({ticks}, {e.precision}, {e.parameters.name(e.environment.zone_name or '')})"
        origin = f"{ticks} - {offset} + {ahead}" if ahead != "0" or offset else ticks
    else:
        origin = f"{ticks} - {offset}" if offset else ticks
    return f"({ticks} - ((({origin}) % {step}) + {step}) % {step})"


def _timetruncate(e: Expressions, name: str, trees: list) -> Typed:
    number_of(name, trees, 2, 3)
    value, unit = _time_argument(e, name, trees[0]), _unit_of(e, name, trees[1])
    if len(trees) == 3:
        flag = e.compile(trees[2])
        if flag.const not in (0, 1):
            raise TDengineError(0x2803, f"Invalid parameter value : {name}")
        if flag.const == 0 and unit.unit in "dw":
            return typed(truncated(e, value.sql, unit.const, "h"), t.TIMESTAMP)
    if unit.const not in {clock.duration(f"1{letter}", e.precision)[0] for letter in _fine_units(e.precision)}:
        raise TDengineError(0x2803, f"Invalid parameter value : {name}")
    return typed(truncated(e, value.sql, unit.const, unit.unit), t.TIMESTAMP)


def _fine_units(precision: int) -> str:
    return "buasmhdw"[2 - precision:]


def _timediff(e: Expressions, name: str, trees: list) -> Typed:
    number_of(name, trees, 2, 3)
    a, b = _time_argument(e, name, trees[0]), _time_argument(e, name, trees[1])
    step = _unit_of(e, name, trees[2]).const if len(trees) == 3 else 1
    return typed(f"(({a.sql} - {b.sql}) / {step})", t.BIGINT)


def _to_iso8601(e: Expressions, name: str, trees: list) -> Typed:
    number_of(name, trees, 1, 2)
    if len(trees) == 2:
        raise not_supported("TO_ISO8601 with a zone")
    value = e.compile(trees[0])
    if value.type not in (t.TIMESTAMP, t.BIGINT):
        raise bad_type(name)
    zone = e.parameters.name(e.environment.zone_name or "")
    return typed(f"iso8601({value.sql}, {e.precision}, {zone})", t.VARCHAR, 64)


def _to_unixtimestamp(e: Expressions, name: str, trees: list) -> Typed:
    number_of(name, trees, 1)
    value = e.compile(trees[0])
    if value.type not in TEXTS:
        raise bad_type(name)
    ticks = _to_time(e, value, name)
    return Typed(ticks.sql, t.BIGINT, 8, ticks.const)


def _first_not_null(e: Expressions, name: str, trees: list) -> Typed:
    number_of(name, trees, 2, 2 if name in ("ifnull", "nvl") else 64)
    values = e.unify([e.compile(tree) for tree in trees])
    return typed(f"coalesce({', '.join(value.sql for value in values)})", values[0].type,
                 max(value.length for value in values))


def _answer(type_: t.Type, length: int | None, value: Callable[[Expressions], Any]) -> Callable:
    """A function without arguments that is the same for every row."""
    def build(e: Expressions, name: str, trees: list) -> Typed:
        number_of(name, trees, 0)
        return e.constant(value(e), type_, length)
    return build


SCALARS: dict[str, Callable[[Expressions, str, list], Typed]] = {
    "cast": _cast,
    "abs": _same_type("abs"), "ceil": _same_type("m_ceil"), "floor": _same_type("m_floor"),
    "round": _same_type("round_away"),
    **{name: _real_function(f"m_{name}") for name in ("sqrt", "exp", "sin", "cos", "tan", "asin", "acos", "atan")},
    "pow": _real_function("m_pow", 2), "log": _real_function("log_of", 2, least=1),
    "upper": _text_function("upper", "upper_letters"), "lower": _text_function("lower", "lower_letters"),
    "ltrim": _text_function("ltrim"), "rtrim": _text_function("rtrim"),
    "length": _length, "char_length": _length, "concat": _concat, "substr": _substr, "substring": _substr,
    "timetruncate": _timetruncate, "timediff": _timediff, "to_iso8601": _to_iso8601,
    "to_unixtimestamp": _to_unixtimestamp,
    "coalesce": _first_not_null, "ifnull": _first_not_null, "nvl": _first_not_null,
    "now": _answer(t.TIMESTAMP, None, lambda e: e.environment.now(e.precision)),
    "today": _answer(t.TIMESTAMP, None, lambda e: clock.today(e.precision, e.environment.zone)),
    "timezone": _answer(t.VARCHAR, 64, lambda e: clock.zone_text(e.environment.zone_name)),
    "database": _answer(t.VARCHAR, 64, lambda e: e.environment.database),
    "server_version": _answer(t.VARCHAR, 64, lambda e: VERSION),
    "client_version": _answer(t.VARCHAR, 64, lambda e: VERSION),
    "server_status": _answer(t.INT, None, lambda e: 1),
    "current_user": _answer(t.VARCHAR, 64, lambda e: f"{e.environment.user}@localhost"),
    "user": _answer(t.VARCHAR, 64, lambda e: f"{e.environment.user}@localhost"),
}
