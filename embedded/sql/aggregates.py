"""TDengine's aggregates: what they accept, the type and length of what they return."""

from typing import Callable

from sqlglot import exp

from ..common import datatypes as t
from ..common.errors import TDengineError
from .expressions import Expressions
from .functions import bad_type, number_of
from .typed import NUMBERS, REALS, TEXTS, UNSIGNED, Typed, typed

def _count(e: Expressions, name: str, value: Typed | None) -> Typed:
    return typed("count(*)" if value is None else f"count({value.sql})", t.BIGINT)


def _sum(e: Expressions, name: str, value: Typed) -> Typed:
    if value.type in REALS:
        return typed(f"sum({value.sql})", t.DOUBLE)
    if value.type in UNSIGNED:
        return typed(f"sum_unsigned({value.sql})", t.UBIGINT)
    return typed(f"sum({value.sql})", t.BIGINT)


def _average(e: Expressions, name: str, value: Typed) -> Typed:
    return typed(f"avg({e.real(value) if value.type is t.UBIGINT else value.sql})", t.DOUBLE)


def _extreme(e: Expressions, name: str, value: Typed) -> Typed:
    return typed(f"{name}({value.sql})", value.type, value.length)


def _spread(e: Expressions, name: str, value: Typed) -> Typed:
    real = e.real(value) if value.type is not t.TIMESTAMP else f"CAST({value.sql} AS REAL)"
    return typed(f"(max({real}) - min({real}))", t.DOUBLE)


def _variance(e: Expressions, name: str, value: Typed) -> Typed:
    found = f"variance({e.real(value)})"
    return typed(found if name in ("variance", "var_pop") else f"m_sqrt({found})", t.DOUBLE)


_ARITHMETIC = NUMBERS - {t.BOOL}
# name -> (accepted types, builder); LAST, FIRST and LAST_ROW pick a row and are built by the planner
AGGREGATES: dict[str, tuple[set, Callable | None]] = {
    "count": (set(t.TYPES), _count), "sum": (NUMBERS, _sum), "avg": (_ARITHMETIC, _average),
    "min": (NUMBERS | TEXTS | {t.TIMESTAMP}, _extreme), "max": (NUMBERS | TEXTS | {t.TIMESTAMP}, _extreme),
    "spread": (_ARITHMETIC | {t.TIMESTAMP}, _spread),
    **dict.fromkeys(("stddev", "stddev_pop", "var_pop"), (_ARITHMETIC, _variance)),
    "last": (set(t.TYPES), None), "first": (set(t.TYPES), None), "last_row": (set(t.TYPES), None),
}
ROW_PICKERS = ("last", "first", "last_row")


def aggregate_argument(e: Expressions, name: str, trees: list) -> Typed | None:
    """The argument of an aggregate, checked; None for COUNT(*)."""
    number_of(name, trees, 1)
    if isinstance(trees[0], exp.Star):
        if name == "count":
            return None
        raise TDengineError(0x2802, f"Invalid parameter data type : {name}")
    value = e.compile(trees[0])
    if value.type not in AGGREGATES[name][0]:
        raise bad_type(name)
    return value
