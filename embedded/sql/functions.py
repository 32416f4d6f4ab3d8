"""TDengine's scalar functions: which exist, what they accept, the type and length of what they return."""

import math
from collections.abc import Callable
from typing import Any

from sqlglot import exp

from .. import VERSION
from ..common import clock
from ..common import datatypes as t
from ..common.errors import not_supported
from .arguments import FunctionBuilder, bad_type, check_count, compiled
from .casts import cast, text_of, wrapped
from .compiler import Compiler
from .text_functions import TEXT_FUNCTIONS
from .time_functions import TIME_FUNCTIONS
from .typed import NUMBERS, NUMERIC, REALS, TEXTS, UNSIGNED, Typed, duck_name, number_or_null, typed

_MOST_DIGITS = 38
_NAME_LENGTH = 64  # bytes of the answers of DATABASE() and its like, as TDengine announces them


def _of_reals(sql: str, arguments: int = 1) -> FunctionBuilder:
    """A function of reals that returns a DOUBLE, and NULL outside of its domain."""
    def build(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
        values = compiled(compiler, name, trees, [NUMERIC] * arguments)
        return number_or_null(f"{sql}({', '.join(map(compiler.real, values))})", test="isfinite")
    return build


def _logarithm(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    """LN(x), LOG(x) and LOG(x, base)."""
    values = compiled(compiler, name, trees, [NUMERIC] * (1 if name == "ln" else 2), least=1)
    raw = " / ".join(f"ln({compiler.real(value)})" for value in values)
    return number_or_null(f"({raw})", test="isfinite")


def _of_same_type(sql: str) -> FunctionBuilder:
    """ABS, CEIL, FLOOR, SIGN: a number of the argument's own type. Integers have nothing to round."""
    def build(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
        value, = compiled(compiler, name, trees, [NUMERIC])
        if value.type in REALS:
            return number_or_null(f"{sql}({value.raw or value.sql})::{duck_name(value.type)}", value.type)
        if name in ("ceil", "floor") or name == "abs" and value.type in UNSIGNED:
            return typed(value.sql, value.type)
        return typed(wrapped(f"{sql}({value.sql}::HUGEINT)", value.type), value.type)
    return build


def _rounded(sql: str) -> FunctionBuilder:
    """ROUND and TRUNCATE. With digits, also those before the point can be rounded."""
    def build(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
        value, *rest = compiled(compiler, name, trees, [NUMERIC, NUMERIC], least=1 if name == "round" else 2)
        type_ = duck_name(value.type)
        digits = ""
        if rest:
            if rest[0].const is None or value.const is None:
                return typed(f"NULL::{type_}", value.type)
            if not rest[0].is_const:
                raise not_supported(f"{name.upper()} to a number of digits that differs from row to row")
            digits = f", {max(-_MOST_DIGITS, min(int(rest[0].const), _MOST_DIGITS))}"
        if value.type in REALS:
            return number_or_null(f"{sql}({compiler.real(value)}{digits})::{type_}", value.type)
        if not digits:
            return typed(value.sql, value.type)
        return typed(wrapped(f"{sql}({value.sql}::DECIMAL(38, 0){digits})", value.type), value.type)
    return build


def _modulo(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    a, b = compiled(compiler, name, trees, [NUMERIC] * 2)
    return number_or_null(f"({compiler.real(a)} % {compiler.real(b)})")


def _greatest_or_least(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    """Of numbers and texts together, all are compared as texts. Where one is NULL, the result is NULL."""
    check_count(name, trees, 2, 64)
    values = [compiler.compile(tree) for tree in trees]
    kinds = {value.type for value in values if value.const is not None}
    if kinds & TEXTS and kinds - TEXTS:
        values = [value if value.type in TEXTS else typed(*_as_text(value)) for value in values]
    elif kinds & REALS:
        values = [typed(f"{value.sql}::DOUBLE", t.DOUBLE) if value.type in NUMBERS else value for value in values]
    values = compiler.unify(values, name.upper())
    return typed(f"{name}_of([{', '.join(value.sql for value in values)}])", values[0].type, values[0].length)


def _as_text(value: Typed) -> tuple[str, t.Type, int]:
    sql, length = text_of(value)
    return sql, t.VARCHAR, length


def _if(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    """IF(condition, a, b), and NVL2(x, a, b), whose condition is that x is not NULL."""
    check_count(name, trees, 3)
    test = compiler.compile(trees[0])
    if name == "if" and test.type not in NUMBERS and test.const is not None:
        raise bad_type(name)
    a, b = compiler.unify([compiler.compile(tree) for tree in trees[1:]], name.upper())
    condition = f"{test.sql}::BOOLEAN" if name == "if" else f"{test.sql} IS NOT NULL"
    return typed(f"CASE WHEN {condition} THEN {a.sql} ELSE {b.sql} END", a.type, a.length)


def _is_null(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    check_count(name, trees, 1)
    return typed(f"({compiler.compile(trees[0]).sql} IS {'NOT ' if name == 'isnotnull' else ''}NULL)", t.BOOL)


def _random(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    check_count(name, trees, 0, 1)
    if trees:
        raise not_supported("RAND with a seed")
    return typed("random()", t.DOUBLE)


def _first_not_null(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    check_count(name, trees, 2, 2 if name in ("ifnull", "nvl") else 64)
    values = compiler.unify([compiler.compile(tree) for tree in trees], name.upper())
    return typed(f"coalesce({', '.join(value.sql for value in values)})", values[0].type, values[0].length)


def _constant(type_: t.Type, length: int | None, value: Callable[[Compiler], Any]) -> FunctionBuilder:
    """A function without arguments that is the same for every row."""
    def build(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
        check_count(name, trees, 0)
        return compiler.constant(value(compiler), type_, length)
    return build


SCALARS: dict[str, FunctionBuilder] = {
    "cast": cast,
    **{name: _of_same_type(name) for name in ("abs", "ceil", "floor", "sign")},
    "round": _rounded("round"), "truncate": _rounded("trunc"), "mod": _modulo,
    **{name: _of_reals(name) for name in ("sqrt", "exp", "sin", "cos", "tan", "asin", "acos", "atan",
                                          "degrees", "radians")},
    "pow": _of_reals("pow", 2), "log": _logarithm, "ln": _logarithm, "pi": _constant(t.DOUBLE, None, lambda c: math.pi),
    "coalesce": _first_not_null, "ifnull": _first_not_null, "nvl": _first_not_null,
    "greatest": _greatest_or_least, "least": _greatest_or_least, "rand": _random,
    "if": _if, "nvl2": _if, "isnull": _is_null, "isnotnull": _is_null,
    **TEXT_FUNCTIONS, **TIME_FUNCTIONS,
    "now": _constant(t.TIMESTAMP, None, lambda c: c.environment.now(c.precision)),
    "today": _constant(t.TIMESTAMP, None, lambda c: clock.today(c.precision, c.environment.zone)),
    "timezone": _constant(t.VARCHAR, _NAME_LENGTH, lambda c: clock.zone_text(c.environment.zone_name)),
    "database": _constant(t.VARCHAR, _NAME_LENGTH, lambda c: c.environment.database),
    "server_version": _constant(t.VARCHAR, None, lambda c: VERSION),
    "client_version": _constant(t.VARCHAR, None, lambda c: VERSION),
    "server_status": _constant(t.INT, None, lambda c: 1),
    "current_user": _constant(t.VARCHAR, _NAME_LENGTH, lambda c: f"{c.environment.user}@localhost"),
    "user": _constant(t.VARCHAR, _NAME_LENGTH, lambda c: f"{c.environment.user}@localhost"),
}
