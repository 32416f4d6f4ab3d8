"""TDengine's scalar functions: which exist, what they accept, the type and length of what they return."""

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from .. import VERSION
from ..common import clock
from ..common import datatypes as t
from ..common.errors import not_supported
from .arguments import check_count, compiled
from .casts import cast
from .compiler import Compiler
from .time_functions import timediff, timetruncate, to_iso8601, to_unixtimestamp
from .typed import INTEGERS, NUMBERS, REALS, TEXTS, UNSIGNED, Typed, typed

# (compiler, the function's name, its arguments) -> the call's SQL and type
FunctionBuilder = Callable[[Compiler, str, list[exp.Expression]], Typed]

_NUMERIC = NUMBERS - {t.BOOL}
_NAME_LENGTH = 64  # bytes of the answers of DATABASE() and its like, as TDengine announces them


def _of_reals(sql: str, arguments: int = 1, least: int | None = None) -> FunctionBuilder:
    """A function of reals that returns a DOUBLE."""
    def build(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
        values = compiled(compiler, name, trees, [_NUMERIC] * arguments, least)
        return typed(f"{sql}({', '.join(compiler.real(value) for value in values)})", t.DOUBLE)
    return build


def _of_same_type(sql: str) -> FunctionBuilder:
    """ABS, CEIL, FLOOR, ROUND: a number of the argument's own type. Integers have nothing to round."""
    def build(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
        if name == "round" and len(trees) == 2:
            raise not_supported("ROUND with digits")
        value, = compiled(compiler, name, trees, [_NUMERIC])
        if name == "abs" and value.type in UNSIGNED or name != "abs" and value.type in INTEGERS:
            return typed(value.sql, value.type)
        return typed(f"{sql}({compiler.real(value) if value.type in REALS else value.sql})", value.type)
    return build


def _of_text(narrow: str, wide: str | None = None) -> FunctionBuilder:
    """A text of the argument's type and length; `wide` is the function for NCHAR where it differs."""
    def build(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
        value, = compiled(compiler, name, trees, [TEXTS])
        return typed(f"{wide if wide and value.type is t.NCHAR else narrow}({value.sql})", value.type, value.length)
    return build


def _length(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    """LENGTH counts bytes (four for each character of an NCHAR), CHAR_LENGTH characters."""
    value, = compiled(compiler, name, trees, [TEXTS | {t.VARBINARY}])
    if name == "length":
        sql = f"length({value.sql}) * 4" if value.type is t.NCHAR else f"length(CAST({value.sql} AS BLOB))"
    else:
        sql = f"length({value.sql})"
    return typed(sql, t.BIGINT)


def _concat(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    check_count(name, trees, 2, 8)
    values = compiled(compiler, name, trees, [TEXTS] * len(trees))
    kinds = {value.type for value in values if not value.is_const} or {t.VARCHAR}
    if len(kinds) > 1:
        raise not_supported("CONCAT of VARCHAR and NCHAR")
    sql = "(" + " || ".join(value.sql for value in values) + ")"
    return typed(sql, kinds.pop(), sum(value.length for value in values))


def _substr(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    value, *rest = compiled(compiler, name, trees, [TEXTS, INTEGERS, INTEGERS], least=2)
    return typed(f"sub_string({', '.join(v.sql for v in (value, *rest))})", value.type, value.length)


def _first_not_null(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    check_count(name, trees, 2, 2 if name in ("ifnull", "nvl") else 64)
    values = compiler.unify([compiler.compile(tree) for tree in trees])
    sql = f"coalesce({', '.join(value.sql for value in values)})"
    return typed(sql, values[0].type, max(value.length for value in values))


def _constant(type_: t.Type, length: int | None, value: Callable[[Compiler], Any]) -> FunctionBuilder:
    """A function without arguments that is the same for every row."""
    def build(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
        check_count(name, trees, 0)
        return compiler.constant(value(compiler), type_, length)
    return build


SCALARS: dict[str, FunctionBuilder] = {
    "cast": cast,
    "abs": _of_same_type("abs"), "ceil": _of_same_type("m_ceil"), "floor": _of_same_type("m_floor"),
    "round": _of_same_type("round_away"),
    **{name: _of_reals(f"m_{name}") for name in ("sqrt", "exp", "sin", "cos", "tan", "asin", "acos", "atan")},
    "pow": _of_reals("m_pow", 2), "log": _of_reals("log_of", 2, least=1),
    "upper": _of_text("upper", "upper_letters"), "lower": _of_text("lower", "lower_letters"),
    "ltrim": _of_text("ltrim"), "rtrim": _of_text("rtrim"),
    "length": _length, "char_length": _length, "concat": _concat, "substr": _substr, "substring": _substr,
    "timetruncate": timetruncate, "timediff": timediff, "to_iso8601": to_iso8601, "to_unixtimestamp": to_unixtimestamp,
    "coalesce": _first_not_null, "ifnull": _first_not_null, "nvl": _first_not_null,
    "now": _constant(t.TIMESTAMP, None, lambda c: c.environment.now(c.precision)),
    "today": _constant(t.TIMESTAMP, None, lambda c: clock.today(c.precision, c.environment.zone)),
    "timezone": _constant(t.VARCHAR, _NAME_LENGTH, lambda c: clock.zone_text(c.environment.zone_name)),
    "database": _constant(t.VARCHAR, _NAME_LENGTH, lambda c: c.environment.database),
    "server_version": _constant(t.VARCHAR, _NAME_LENGTH, lambda c: VERSION),
    "client_version": _constant(t.VARCHAR, _NAME_LENGTH, lambda c: VERSION),
    "server_status": _constant(t.INT, None, lambda c: 1),
    "current_user": _constant(t.VARCHAR, _NAME_LENGTH, lambda c: f"{c.environment.user}@localhost"),
    "user": _constant(t.VARCHAR, _NAME_LENGTH, lambda c: f"{c.environment.user}@localhost"),
}
