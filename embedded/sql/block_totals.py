"""Aggregates by blocks (see storage/blocks.py): a SELECT adds up what sealed blocks know.

It reads the rows of open blocks, and of those that the ends of its stretch of time cut in two. So it answers the
same, however many blocks are sealed.
"""

import re
from collections.abc import Iterable

from ..storage import blocks
from .row_queries import Query
from .sources import TableSource
from .typed import Parameters, Typed

# What an aggregate of column n is over blocks: nn, sn, ln and hn are the parts that blocks know of it.
_TOTALS = {"count": "coalesce(sum(d.n{0}), 0)", "sum": "sum(d.s{0})", "sum_unsigned": "sum(d.s{0})",
           "avg": "(CAST(sum(d.s{0}) AS REAL) / sum(d.n{0}))", "min": "min(d.l{0})", "max": "max(d.h{0})"}
_AGGREGATE = re.compile(rf"\b({'|'.join(_TOTALS)})\((\*|d\.c(\d+))\)")
_BOUND = r"d\.c0 (>=|<=|>|<) :(p\d+)"
_BOUNDS = re.compile(rf"\({_BOUND}( AND {_BOUND})?\)")


def statement(query: Query, calls: list[tuple[str, Typed | None]], distinct: str, chosen: list[str],
              tail: str) -> str | None:
    """A SELECT with aggregates, by blocks; None where it asks for more than blocks know.

    Its source has one row a block, called `d` as rows are; the time of that row is the block's start.
    """
    source = query.source
    if not isinstance(source, TableSource) or any(
            argument is not None and not argument.sql.startswith("d.c") for _, argument in calls):
        return None
    window, ticks = source.window["_wstart"].sql if source.window else "", blocks.width(source.table)
    whole_blocks = query.window_ticks % ticks == query.window_offset % ticks == 0 and "zone_offset" not in window
    stretch = _stretch(query.parameters, [part for part in query.where if "d." in part])
    parts, known = {}, blocks.value_parts(source.table)

    def total(match: re.Match) -> str:
        name, argument, column = match.groups()
        if argument == "*" or name == "count" and column == "0":
            return _TOTALS["count"].format("")
        if f"n{column}" not in known:
            return match[0]
        sql = _TOTALS[name].format(column)
        parts.update(dict.fromkeys(re.findall(r"d\.([nslh]\d+)", sql)))
        return sql

    chosen, tail = [_AGGREGATE.sub(total, part) for part in chosen], _AGGREGATE.sub(total, tail)
    text = " ".join(chosen) + tail
    if not whole_blocks or stretch is None or "d.c" in text.replace(window, ""):
        return None
    rows = f"data_{source.table.id} d"
    joined = source.from_clause(text).replace(rows, f"({_totals(query, *stretch, parts)}) d", 1)
    return f"SELECT {distinct}{', '.join(chosen)} FROM {joined}{tail}"


def _stretch(parameters: Parameters, conditions: list[str]) -> tuple[int, int] | None:
    """The first and the last tick that these conditions let through; None if they are about more than time."""
    low, high = -2**63, 2**63 - 1
    for condition in conditions:
        if not _BOUNDS.fullmatch(condition):
            return None
        for operator, name in re.findall(_BOUND, condition):
            value = parameters.values[name]
            if not isinstance(value, int):
                return None
            if operator[0] == ">":
                low = max(low, value + (operator == ">"))
            else:
                high = min(high, value - (operator == "<"))
    return min(low, 2**63 - 1), max(high, -2**63)


def _totals(query: Query, low: int, high: int, parts: Iterable[str]) -> str:
    """SQL with one row a block, from tick `low` to tick `high`: tb, c0, n and `parts`.

    Sealed blocks that lie in the stretch come as they are; of all others, the rows are added up.
    """
    table, tb, name = query.source.table, query.source.tb, query.parameters.name
    ticks = blocks.width(table)
    first, last = name(-(-low // ticks)), name((high + 1) // ticks - 1)  # the blocks that lie in the stretch whole
    tests = [part for part in query.where if "d." not in part] + ([f"g.tb = {tb}"] if tb is not None else [])
    where, start = "".join(f"{test} AND " for test in tests), f"b.m * {ticks}"
    touched = (f"tags_{table.id} g NOT INDEXED CROSS JOIN blocks_{table.id} b ON b.tb = g.tb "
               f"AND b.m BETWEEN {name(low // ticks)} AND {name(high // ticks)}")
    rows = (f"data_{table.id} d ON d.tb = b.tb "
            f"AND d.c0 BETWEEN max({start}, {name(low)}) AND min({start} + {ticks - 1}, {name(high)})")
    return (f"SELECT b.tb, {start} AS c0, {', '.join(['b.n', *(f'b.{part}' for part in parts)])} FROM {touched} "
            f"WHERE {where}b.n > 0 AND b.m BETWEEN {first} AND {last} UNION ALL "
            f"SELECT b.tb, {start}, {blocks.totals_of_rows(parts)} FROM {touched} CROSS JOIN {rows} "
            f"WHERE {where}(b.n IS NULL OR b.m < {first} OR b.m > {last}){' GROUP BY g.tb, b.m' if query.keys else ''}")
