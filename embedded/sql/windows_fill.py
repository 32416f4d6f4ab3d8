"""FILL: windows without rows, and what stands in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlglot import exp

from ..common import clock
from ..common import datatypes as t
from ..common.datatypes import Column, duck_type
from ..common.errors import TDengineError, not_supported
from . import nodes
from .aggregates import aggregate_calls
from .casts import converted
from .expressions import Expressions
from .time_ranges import time_bounds
from .typed import INTEGERS, REALS
from .windows import Interval, Window

_MOST_WINDOWS = 10_000_000
_FORCED = ("NULL_F", "VALUE_F")  # they fill also where there is no row at all
_BEFORE, _AFTER = "ROWS UNBOUNDED PRECEDING", "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING"


@dataclass(frozen=True)
class FilledColumn:
    """A column of the result; `sql` is over the groups `q`. Keys, tags and constants are not filled."""

    tree: exp.Expression
    column: Column
    sql: str
    is_key: bool


def filled(select: nodes.Select, window: Window, expressions: Expressions, results: Sequence[FilledColumn],
           keys: int, groups: str) -> str:
    """SQL that gives the results o0, o1, ..., the keys q0, q1, ... and the start w of each window.

    `groups` gives the same without the windows that have no rows. Errors: 0x2605 (the values), 0x263B (the range).
    """
    fill = select.window.fill
    low, high = time_bounds(select.where, expressions)
    if low is None or high is None:
        raise _range_error()
    starts = _starts(window.interval, low, high, expressions.precision)
    to_fill = [i for i, result in enumerate(results) if not result.is_key and (
        aggregate_calls(result.tree) or expressions.scope.reads_rows(result.tree))]
    of_window = {i for i, result in enumerate(results)
                 if any(column.name in window.names for column in result.tree.find_all(exp.Column))}
    values = iter(fill.values)
    if fill.values and len(fill.values) != len(to_fill):
        raise TDengineError(0x2605, "Filled values number mismatch")
    names = [f"q{i}" for i in range(keys)]
    partition = f"PARTITION BY {', '.join(f'q.{name}' for name in names)} " if names else ""
    fixed = [f"o{i}" for i in range(len(results)) if i not in to_fill and i not in of_window]
    chosen = []
    for i, result in enumerate(results):
        if i in of_window and i in to_fill:
            raise not_supported("a window's start beside an aggregate in one expression, with FILL")
        sql = f"q.o{i}" if f"o{i}" in fixed else result.sql
        if i in to_fill:
            value = filling(expressions, result.column, next(values)) if fill.values else "NULL"
            sql = _filled_value(fill.mode, f"a.o{i}", value, result.column, partition)
        chosen.append(f"{sql}::{duck_type(result.column)} AS o{i}")
    chosen += [f"q.{name} AS {name}" for name in names] + ["q.w AS w"]
    partitions = f"SELECT DISTINCT {', '.join([*names, *fixed]) or '0 AS anything'} FROM a"
    if fill.mode in _FORCED and not names:
        if fixed:
            partitions = f"SELECT {', '.join(f'{results[int(name[1:])].sql} AS {name}' for name in fixed)}"
        else:
            partitions = "SELECT 0 AS anything"
    same = "".join(f" AND a.{name} IS NOT DISTINCT FROM q.{name}" for name in names)
    return (f"WITH a AS ({groups}), p AS ({partitions}), g AS (SELECT p.*, unnest({starts}) AS w FROM p) "
            f"SELECT {', '.join(chosen)} FROM g q LEFT JOIN a ON a.w = q.w{same}")


def _filled_value(mode: str, found: str, value: str, column: Column, partition: str) -> str:
    """The value of a column in a window. LINEAR looks at the windows beside it that have rows."""
    over = f"OVER ({partition}ORDER BY q.w {{}})"
    if mode == "PREV":
        return f"last_value({found} IGNORE NULLS) {over.format(_BEFORE)}"
    if mode == "NEXT":
        return f"first_value({found} IGNORE NULLS) {over.format(_AFTER)}"
    if mode != "LINEAR" or column.type not in INTEGERS | REALS | {t.TIMESTAMP}:
        return f"coalesce({found}, {value})" if value != "NULL" else found
    there = f"CASE WHEN a.w IS NOT NULL THEN {{'w': a.w, 'o': {found}::DOUBLE}} END"
    before = f"last_value({there} IGNORE NULLS) {over.format(_BEFORE)}"
    after = f"first_value({there} IGNORE NULLS) {over.format(_AFTER)}"
    between = between_two(f"{before}", f"{after}", "q.w", column)
    return f"CASE WHEN a.w IS NOT NULL THEN {found} ELSE {between} END"


def between_two(before: str, after: str, at: str, column: Column) -> str:
    """The line from `before` to `after` at an instant. Both are SQL of a struct of an instant `w` and a value `o`."""
    sql = f"line_between({before}, {after}, {at})"
    return f"trunc({sql})" if column.type not in REALS else sql


def filling(expressions: Expressions, column: Column, tree: exp.Expression) -> str:
    """A value of FILL(VALUE, ...) in the type of its column. Error: 0x2605 where it is no constant."""
    scope = expressions.scope
    if scope.reads_rows(tree) or scope.reads_tags(tree):
        raise TDengineError(0x2605, "Fill value can only accept constant")
    return converted(expressions, expressions.compile(tree), column).sql


# ---------------------------------------------------------------------- the windows of a range

def _range_error() -> TDengineError:
    return TDengineError(0x263B, "Start(end) time of query range required or time range too large")


def _starts(interval: Interval, low: int, high: int, precision: int) -> str:
    """SQL of the list of the starts of all windows that have an instant from `low` to `high`."""
    if not interval.is_local:
        step, offset = interval.sliding, interval.offset % interval.sliding
        first = (low - interval.width - offset) // step * step + offset + step
        last = (high - offset) // step * step + offset
        _check_number((last - first) // step)
        return f"range({first}, {last + 1}, {step})"
    unit = clock.UNITS[precision]
    first, last = (_local(at, interval.offset, precision) for at in (low, high))
    if interval.is_natural:
        months = [(at.year - 1900) * 12 + at.month - 1 for at in (first, last)]
        numbers = range(months[0] // interval.width, months[1] // interval.width + 1)
        found = [datetime(1900 + n * interval.width // 12, n * interval.width % 12 + 1, 1) for n in numbers]
        ticks = [int((at - datetime(1970, 1, 1)).total_seconds()) * unit for at in found]
    else:
        step, begin, end = interval.sliding, *(_ticks(at, unit) for at in (first, last))
        earliest = (begin - interval.width) // step * step + step
        _check_number((end - earliest) // step)
        ticks = list(range(earliest, end // step * step + 1, step))
    starts = [_instant(at + interval.offset, precision) for at in ticks]
    return f"[{', '.join(map(str, starts))}]::BIGINT[]"


def _check_number(count: int) -> None:
    if count > _MOST_WINDOWS:
        raise _range_error()


def _local(ticks: int, offset: int, precision: int) -> datetime:
    """The time on the server's clocks at an instant, the offset of windows taken off."""
    instant = datetime.fromtimestamp(ticks // clock.UNITS[precision], UTC)
    local = instant.astimezone(clock.zone(None)).replace(tzinfo=None)
    return local - timedelta(seconds=offset // clock.UNITS[precision])


def _instant(local: int, precision: int) -> int:
    """The instant at which clocks on the server show this."""
    zone = clock.zone(None)
    return local - clock.offset_at(local - clock.offset_at(local, precision, zone), precision, zone)


def _ticks(local: datetime, unit: int) -> int:
    return int((local - datetime(1970, 1, 1)).total_seconds()) * unit
