"""The functions that choose rows: TOP, BOTTOM, SAMPLE, TAIL, UNIQUE. Other columns are those of the same rows."""

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from ..common import datatypes as t
from ..common.errors import not_supported
from .arguments import check_count, compiled
from .statistics import constant_argument, wrong_range
from .typed import INTEGERS, NUMERIC, REALS, Typed

_MOST = {"top": 100, "bottom": 100, "sample": 1000, "tail": 100}
_MOST_PASSED_OVER = 100


def _count(series: Any, name: str, tree: exp.Expression) -> int:
    count = constant_argument(series.of_rows, name, tree, INTEGERS)
    if not 1 <= count <= _MOST[name]:
        raise wrong_range(name)
    return count


def _with_value(series: Any, name: str, tree: exp.Expression, value: Typed) -> None:
    """Rows without a value are no choice."""
    if series.rows.source.reads_tags(tree):
        raise not_supported(f"{name.upper()} of a tag")
    test = f"NOT isnan({value.sql})" if value.type in REALS else f"{value.sql} IS NOT NULL"
    series.rows = series.rows.with_condition(test)


def _extreme(series: Any, name: str, trees: list[exp.Expression]) -> Typed:
    """TOP and BOTTOM. Of equal values at the end of the choice any may come, as in TDengine."""
    check_count(name, trees, 2)
    value = compiled(series.of_rows, name, trees[:1], [NUMERIC])[0]
    count = _count(series, name, trees[1])
    _with_value(series, name, trees[0], value)
    greatest = name == "top"
    if not series.partition.keys:  # the k-th value is found without sorting all rows
        found = f"unnest({'max' if greatest else 'min'}({value.sql}, {count})) AS x"
        bound = f"SELECT {'min' if greatest else 'max'}(x) FROM (SELECT {found}{series.rows.clause(False)})"
        series.rows = series.rows.with_condition(f"{value.sql} {'>=' if greatest else '<='} ({bound})")
    order = f"{value.sql}{' DESC' if greatest else ''}"
    series.tests.append(f"row_number() {series.partition.over(order=order)} <= {count}")
    return value


def _sample(series: Any, name: str, trees: list[exp.Expression]) -> Typed:
    check_count(name, trees, 2)
    value = compiled(series.of_rows, name, trees[:1], [set(t.TYPES)])[0]
    count = _count(series, name, trees[1])
    _with_value(series, name, trees[0], value)
    series.rows = series.rows.with_column("chance", "random()")
    series.tests.append(f"row_number() {series.partition.over(order='d.chance')} <= {count}")
    return value


def _tail(series: Any, name: str, trees: list[exp.Expression]) -> Typed:
    """The newest rows, after so many that are passed over."""
    check_count(name, trees, 2, 3)
    value = compiled(series.of_rows, name, trees[:1], [set(t.TYPES)])[0]
    count = _count(series, name, trees[1])
    passed_over = constant_argument(series.of_rows, name, trees[2], INTEGERS) if len(trees) == 3 else 0
    if not 0 <= passed_over <= _MOST_PASSED_OVER:
        raise wrong_range(name)
    time = series.rows.source.time.sql
    series.newest_first = True
    if not series.partition.keys:
        bound = f"SELECT list_min(max({time}, {count + passed_over})){series.rows.clause(False)}"
        series.rows = series.rows.with_condition(f"{time} >= ({bound})")
    place = f"row_number() {series.partition.over(order=f'{time} DESC')}"
    series.tests.append(f"{place} BETWEEN {passed_over + 1} AND {passed_over + count}")
    return value


def _unique(series: Any, name: str, trees: list[exp.Expression]) -> Typed:
    """The first row of each value; NULL is a value too."""
    check_count(name, trees, 1)
    value = compiled(series.of_rows, name, trees, [set(t.TYPES)])[0]
    series.tests.append(f"row_number() {series.partition.over('', value.sql)} = 1")
    return value


CHOICES: dict[str, Callable[[Any, str, list[exp.Expression]], Typed]] = {
    "top": _extreme, "bottom": _extreme, "sample": _sample, "tail": _tail, "unique": _unique}
