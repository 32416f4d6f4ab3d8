"""TDengine's aggregates: what they accept, the type and length of what they return."""

from collections.abc import Callable

from sqlglot import exp

from ..common import datatypes as t
from .arguments import bad_type, check_count, unaccepted
from .compiler import Compiler
from .typed import DECIMALS, NAN_SQL, NUMBERS, REALS, TEXTS, UNSIGNED, Typed, typed


def _count(compiler: Compiler, name: str, value: Typed | None) -> Typed:
    return typed("count(*)" if value is None else f"count({value.sql})", t.BIGINT)


def _unless_nan(value: Typed, sql: str) -> str:
    """NaN where one of the reals is NaN, for it is the greatest of them in SQLite; else what `sql` gives."""
    return f"iif(max({value.sql}) = {NAN_SQL}, {NAN_SQL}, {sql})" if value.type in REALS else sql


def _sum(compiler: Compiler, name: str, value: Typed) -> Typed:
    if value.type in REALS:
        return typed(_unless_nan(value, f"sum({value.sql})"), t.DOUBLE)
    if value.type in UNSIGNED:
        return typed(f"sum_unsigned({value.sql})", t.UBIGINT)
    return typed(f"sum({value.sql})", t.BIGINT)


def _average(compiler: Compiler, name: str, value: Typed) -> Typed:
    average = f"avg({compiler.real(value) if value.type is t.UBIGINT else value.sql})"
    return typed(_unless_nan(value, average), t.DOUBLE)


def _least_or_greatest(compiler: Compiler, name: str, value: Typed) -> Typed:
    return typed(f"{name}({value.sql})", value.type, value.length)


def _spread(compiler: Compiler, name: str, value: Typed) -> Typed:
    if value.type in REALS:
        real = value.sql
    else:
        real = compiler.real(value) if value.type is not t.TIMESTAMP else f"CAST({value.sql} AS REAL)"
    return typed(_unless_nan(value, f"(max({real}) - min({real}))"), t.DOUBLE)


def _variance(compiler: Compiler, name: str, value: Typed) -> Typed:
    variance = f"variance({compiler.real(value)})"
    found = variance if name in ("variance", "var_pop") else f"m_sqrt({variance})"
    return typed(_unless_nan(value, found), t.DOUBLE)


_NUMERIC = NUMBERS - {t.BOOL}
_ANY = set(t.TYPES)
_ORDERED = NUMBERS | DECIMALS | TEXTS | {t.TIMESTAMP}
ROW_PICKERS = ("last", "first", "last_row")  # they pick a row: `groups.py` builds them
# name -> (accepted types, builder of the call's SQL and type)
AGGREGATES: dict[str, tuple[set[t.Type], Callable[[Compiler, str, Typed | None], Typed] | None]] = {
    "count": (_ANY, _count), "sum": (NUMBERS, _sum), "avg": (_NUMERIC, _average),
    "min": (_ORDERED, _least_or_greatest), "max": (_ORDERED, _least_or_greatest),
    "spread": (_NUMERIC | {t.TIMESTAMP}, _spread),
    **dict.fromkeys(("stddev", "stddev_pop", "var_pop"), (_NUMERIC, _variance)),
    **dict.fromkeys(ROW_PICKERS, (_ANY, None)),
}


def aggregate_argument(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed | None:
    """The argument of an aggregate, compiled; None for COUNT(*). Errors: 0x2801, 0x2802."""
    check_count(name, trees, 1)
    if isinstance(trees[0], exp.Star):
        if name == "count":
            return None
        raise bad_type(name)
    value = compiler.compile(trees[0])
    if value.type not in AGGREGATES[name][0]:
        raise unaccepted(name, value)
    return value
