"""Aggregates that depend on how rows are grouped: TWA, ELAPSED, APERCENTILE."""

from collections.abc import Callable
from typing import Protocol

from sqlglot import exp

from ..common import datatypes as t
from .arguments import bad_value, check_count, compiled
from .expressions import Expressions
from .partitions import Partition
from .rows import Rows
from .statistics import constant_argument, elapsed_unit, need_time, percents, without_nan
from .typed import INTEGERS, NUMERIC, TEXTS, Typed, typed
from .windows import Window

_SAMPLED = 100_000  # values of the only group
_SAMPLED_IN_GROUPS = 4000  # of each group, and of each window where WHERE says from when on
_SAMPLED_IN_ALL_WINDOWS = 250  # of each window of everything: there are very many


class GroupsOfRows(Protocol):
    """The parts of `Groups` that are needed here. `rows` may get further columns."""

    of_rows: Expressions
    rows: Rows
    partition: Partition
    window: Window | None
    has_start: bool  # whether WHERE says from when on the rows are


def _time_weighted_average(groups: GroupsOfRows, name: str, trees: list[exp.Expression]) -> Typed:
    """The mean of the line through the values. A window of INTERVAL has the line from its first to its last tick."""
    value, = compiled(groups.of_rows, name, trees, [NUMERIC])
    time, window, partition = need_time(groups.of_rows), groups.window, groups.partition
    interval = window.interval if window else None
    real = groups.of_rows.real(value)
    number = groups.rows.rows.count(" AS next_time")
    over = partition.over("", *(("d.w",) if window and not interval else ()))
    there = f"CASE WHEN {value.sql} IS NOT NULL THEN {time} END"
    functions = (("next", "lead", over), ("last", "lag", over))
    if interval and interval.sliding < interval.width:  # a row is there several times
        after, before = ("RANGE BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING",
                         "RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING")
        functions = (("next", "first_value", partition.over(after, order=time)),
                     ("last", "last_value", partition.over(before, order=time)))
    beside = {f"{side}_{what}_{number}": f"{function}({sql} IGNORE NULLS) {over}"
              for side, function, over in functions for what, sql in (("time", there), ("x", real))}
    reads_tags = partition.reads_tags or groups.rows.source.reads_tags(trees[0])
    groups.rows = groups.rows.with_columns(beside, reads_tags)
    next_time, next_x, last_time, last_x = (f"d.{column}" for column in beside)
    end = next_time
    if interval:
        end = f"CASE WHEN {next_time} IS NOT NULL THEN least({next_time}, {_end(window)} - 1) END"
    areas = [f"line_area({real}, {next_x}, {time}, {next_time}, {time}, {end})"]
    lengths = [f"({end} - {time})"]
    if interval:
        enters = f"CASE WHEN {last_time} < d.w THEN {{}} END"
        areas.append(enters.format(f"line_area({last_x}, {real}, {last_time}, {time}, d.w, {time})"))
        lengths.append(enters.format(f"({time} - d.w)"))
    area, length = (" + ".join(f"coalesce({part}, 0)" for part in parts) for parts in (areas, lengths))
    only = f" FILTER (WHERE {value.sql} IS NOT NULL)"
    return typed(f"coalesce(fsum({area}){only} / nullif(sum({length}){only}, 0), favg({real}))", t.DOUBLE)


def _end(window: Window) -> str:
    """The end of a row's window of INTERVAL."""
    return window.names["_wend"].sql.replace("q.w", "d.w")


def _elapsed(groups: GroupsOfRows, name: str, trees: list[exp.Expression]) -> Typed:
    """A window of INTERVAL counts from end to end, but not beyond the first and the last row of its partition."""
    unit, time = elapsed_unit(groups.of_rows, name, trees), need_time(groups.of_rows)
    interval = groups.window.interval if groups.window else None
    if interval is None:
        return typed(f"((max({time}) - min({time}))::DOUBLE / {unit})", t.DOUBLE)
    over = groups.partition.over(order="")
    end = f"least({_end(groups.window)}, max(max({time})) {over})"
    start = f"greatest(d.w, min(min({time})) {over})"
    return typed(f"(({end} - {start})::DOUBLE / {unit})", t.DOUBLE)


def _approximate_percentile(groups: GroupsOfRows, name: str, trees: list[exp.Expression]) -> Typed:
    """The percentile of a sample of each group's values, or of all if they are no more; 0 and 100 percent are exact.

    DuckDB's t-digest takes ten times the memory: the groups of 100 million rows by minute and place would not fit.
    """
    check_count(name, trees, 2, 3)
    value = compiled(groups.of_rows, name, trees[:1], [NUMERIC])[0]
    percent, = percents(groups.of_rows, name, trees[1:2], INTEGERS)
    algorithm = constant_argument(groups.of_rows, name, trees[2], TEXTS) if len(trees) == 3 else "default"
    if algorithm.lower() not in ("default", "t-digest"):
        raise bad_value(name)
    sample = _SAMPLED
    if groups.window or groups.partition.keys:
        sample = _SAMPLED_IN_GROUPS if groups.has_start or not groups.window else _SAMPLED_IN_ALL_WINDOWS
    call = {0: f"min({value.sql})", 100: f"max({value.sql})"}.get(
        percent, f"reservoir_quantile({value.sql}, {percent / 100}, {sample})")
    return typed(f"({call}{without_nan(value)})::DOUBLE", t.DOUBLE)


NEIGHBOURS: dict[str, Callable[[GroupsOfRows, str, list[exp.Expression]], Typed]] = {
    "twa": _time_weighted_average, "elapsed": _elapsed, "apercentile": _approximate_percentile}
