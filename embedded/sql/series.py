"""TDengine's functions of rows in their order: DIFF, CSUM and their like. DuckDB's window functions compute them.

A builder gets the rows of the SELECT. It says which rows the answer keeps.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from sqlglot import exp

from ..common import datatypes as t
from ..common.errors import not_supported
from .arguments import bad_type, bad_value, check_count, compiled
from .casts import wrapped
from .comparison import compare
from .compiler import Compiler
from .partitions import Partition, count_if
from .rows import Rows
from .series_choices import CHOICES
from .statistics import constant_argument, time_unit, wrong_range
from .typed import INTEGERS, NUMBERS, NUMERIC, REALS, TEXTS, UNSIGNED, Typed, number_or_null, typed

_SO_FAR = "ROWS UNBOUNDED PRECEDING"
_OPERATORS = {"LT": "<", "GT": ">", "LE": "<=", "GE": ">=", "NE": "<>", "EQ": "="}
_MOST_AVERAGED = 1000


class SeriesRows(Protocol):
    """The rows of a SELECT. A row is kept that passes all `tests` and one of the `alternatives`, if there are any."""

    of_rows: Compiler
    rows: Rows
    partition: Partition
    tests: list[str]
    alternatives: list[str]


def _argument(series: SeriesRows, name: str, trees: Sequence[exp.Expression], family: set[t.Type]) -> Typed:
    return compiled(series.of_rows, name, trees[:1], [family])[0]


def _last(series: SeriesRows, sql: str) -> str:
    """The last value before a row that is not NULL."""
    return f"lag({sql} IGNORE NULLS) {series.partition.over()}"


def _difference(series: SeriesRows, name: str, trees: list[exp.Expression]) -> Typed:
    """The second argument: 1 makes negative differences NULL, 2 leaves out rows without a difference, 3 does both."""
    check_count(name, trees, 1, 2)
    value = _argument(series, name, trees, NUMBERS | {t.TIMESTAMP})
    option = constant_argument(series.of_rows, name, trees[1], INTEGERS) if len(trees) == 2 else 0
    if option not in range(4):
        raise bad_value(name)
    kind, sql = t.BIGINT, f"{value.sql}::BIGINT"
    if value.type in REALS:
        kind, sql = t.DOUBLE, series.of_rows.real(value)
    elif value.type is t.UBIGINT:
        sql = wrapped(value.sql, t.BIGINT)
    last = _last(series, sql)
    found = f"({sql} - {last})" if value.type.size < 8 or kind is t.DOUBLE else wrapped(
        f"({sql}::HUGEINT - {last})", t.BIGINT)
    if option & 1:
        found = f"CASE WHEN {sql} >= {last} THEN {found} END"
    series.tests.append(f"row_number() {series.partition.over()} > 1")
    series.alternatives.append(f"{found} IS NOT NULL" if option & 2 else "TRUE")
    return typed(found, kind)


def _derivative(series: SeriesRows, name: str, trees: list[exp.Expression]) -> Typed:
    """The growth in a stretch of time, from the last value to this one."""
    check_count(name, trees, 3)
    value = _argument(series, name, trees, NUMERIC)
    unit = series.of_rows.compile(trees[1])
    if not unit.is_const or unit.type not in INTEGERS:
        raise bad_type(name)
    if unit.const <= 0:
        raise wrong_range(name)
    ignores_negative = constant_argument(series.of_rows, name, trees[2], INTEGERS)
    if ignores_negative not in (0, 1):
        raise bad_value(name)
    real, time = series.of_rows.real(value), series.rows.source.time.sql
    last_time = _last(series, f"CASE WHEN {value.sql} IS NOT NULL THEN {time} END")
    found = f"(({real} - {_last(series, real)}) / nullif({time} - {last_time}, 0) * {unit.const})"
    series.alternatives.append(f"{found} >= 0" if ignores_negative else f"{found} IS NOT NULL")
    return typed(found, t.DOUBLE)


def _running_sum(series: SeriesRows, name: str, trees: list[exp.Expression]) -> Typed:
    check_count(name, trees, 1)
    value = _argument(series, name, trees, NUMERIC)
    series.alternatives.append(f"{value.sql} IS NOT NULL")
    over = series.partition.over(_SO_FAR)
    if value.type in REALS:
        return number_or_null(f"sum({series.of_rows.real(value)}) {over}")
    kind = t.UBIGINT if value.type in UNSIGNED else t.BIGINT
    return typed(wrapped(f"(sum({value.sql}) {over})", kind), kind)


def _moving_average(series: SeriesRows, name: str, trees: list[exp.Expression]) -> Typed:
    check_count(name, trees, 2)
    value = _argument(series, name, trees, NUMERIC)
    count = constant_argument(series.of_rows, name, trees[1], INTEGERS)
    if not 1 <= count <= _MOST_AVERAGED:
        raise wrong_range(name)
    if series.rows.source.reads_tags(trees[0]):
        raise not_supported(f"{name.upper()} of a tag")
    series.rows = series.rows.with_condition(f"{value.sql} IS NOT NULL")
    series.tests.append(f"row_number() {series.partition.over()} >= {count}")
    frame = f"ROWS {count - 1} PRECEDING"
    return number_or_null(f"avg({series.of_rows.real(value)}) {series.partition.over(frame)}")


def _state(series: SeriesRows, name: str, trees: list[exp.Expression]) -> tuple[str, str, str]:
    """A column of a state function, the SQL of whether the state holds, and of the OVER of the rows while it holds.

    A stretch of the state has one number, the count of the rows before that were not in it.
    """
    check_count(name, trees, 3, 3 + (name == "stateduration"))
    value = _argument(series, name, trees, NUMERIC)
    operator = _OPERATORS.get(constant_argument(series.of_rows, name, trees[1], TEXTS).upper())
    if operator is None:
        raise bad_value(name)
    constant_argument(series.of_rows, name, trees[2], INTEGERS | REALS)
    holds = compare(series.of_rows, value, series.of_rows.compile(trees[2]), operator)
    reads_tags = series.partition.reads_tags or series.rows.source.reads_tags(trees[0])
    series.rows = series.rows.with_column(
        "stretch", f"{count_if(f'NOT {holds}')} {series.partition.over(_SO_FAR)}", reads_tags)
    return value.sql, holds, series.partition.over(_SO_FAR, "d.stretch")


def _state_count(series: SeriesRows, name: str, trees: list[exp.Expression]) -> Typed:
    """For how many rows the state has held, -1 where it does not."""
    value, holds, over = _state(series, name, trees)
    count = f"{count_if(holds)} {over}"
    return typed(f"CASE WHEN {value} IS NULL THEN NULL WHEN {holds} THEN {count} ELSE -1 END", t.BIGINT)


def _state_duration(series: SeriesRows, name: str, trees: list[exp.Expression]) -> Typed:
    """For how long the state has held, -1 where it does not."""
    value, holds, over = _state(series, name, trees)
    unit = time_unit(series.of_rows, name, trees[3]) if len(trees) == 4 else 1
    time = series.rows.source.time.sql
    since = f"(({time} - min(CASE WHEN {holds} THEN {time} END) {over}) // {unit})"
    return typed(f"CASE WHEN {value} IS NULL THEN NULL WHEN {holds} THEN {since} ELSE -1 END", t.BIGINT)


SERIES: dict[str, Callable[[SeriesRows, str, list[exp.Expression]], Typed]] = {
    "diff": _difference, "derivative": _derivative, "csum": _running_sum, "mavg": _moving_average,
    "statecount": _state_count, "stateduration": _state_duration, **CHOICES}
