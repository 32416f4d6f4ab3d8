"""Blocks: what ten seconds of a subtable's rows come to, so that aggregates over many rows need read few.

`blocks_n` has a row for each block that has rows: block m of a subtable is its rows of m * 10 s and up. A
sealed one knows the number of rows (n) and, of column 1, the number of values (n1), their sum (s1), least
(l1) and greatest (h1), and so on. Whoever changes rows reopens their blocks in the same transaction (n is
NULL), and `seal` counts again once their time is over. A SELECT adds up sealed blocks and reads the rows of
the others, and of those that its stretch of time cuts: it answers the same whatever is sealed.
"""

import re
import sqlite3
from collections.abc import Iterable
from typing import Any

from ..common import clock
from ..common import datatypes as t
from ..common.catalog import Table
from ..sql.sources import TableSource
from ..sql.typed import Parameters

WIDTH_S = 10
LATE_S = 5  # how long a block is left open after its end
SEALED_AT_ONCE = 16
MOST_COLUMNS = 400  # SQLite allows 2000 in a table, and each takes four

# BIGINT is no such number: its sums may overflow
_SUMMED = {t.BOOL, t.TINYINT, t.SMALLINT, t.INT, t.UTINYINT, t.USMALLINT, t.UINT, t.FLOAT, t.DOUBLE}
_PARTS = {"n": "count", "s": "sum", "l": "min", "h": "max"}
_TOTALS = {"count": "coalesce(sum(d.n{0}), 0)", "sum": "sum(d.s{0})", "sum_unsigned": "sum(d.s{0})",
           "avg": "(CAST(sum(d.s{0}) AS REAL) / sum(d.n{0}))", "min": "min(d.l{0})", "max": "max(d.h{0})"}
_AGGREGATE = re.compile(rf"\b({'|'.join(_TOTALS)})\((\*|d\.c(\d+))\)")
_BOUND = r"d\.c0 (>=|<=|>|<) :(p\d+)"
_BOUNDS = re.compile(rf"\({_BOUND}( AND {_BOUND})?\)")


def width(table: Table) -> int:
    return WIDTH_S * clock.UNITS[table.precision]


def _parts(table: Table) -> list[str]:
    """n1, s1, l1, h1, n3, ..."""
    columns = [i for i, column in enumerate(table.columns) if column.type in _SUMMED][:MOST_COLUMNS]
    return [f"{part}{i}" for i in columns for part in _PARTS]


def _counted(parts: Iterable[str]) -> str:
    """The SQL of n and `parts` over rows `d`."""
    return ", ".join(["count(*)", *(f"{_PARTS[part[0]]}(d.c{part[1:]})" for part in parts)])


# ---------------------------------------------------------------------- keeping them

def create(connection: sqlite3.Connection, table: Table) -> None:
    columns = ", ".join(["tb INTEGER", "m INTEGER", "n", *_parts(table)])
    connection.execute(f"CREATE TABLE blocks_{table.id}({columns}, PRIMARY KEY(tb, m)) WITHOUT ROWID")
    connection.execute(f"CREATE INDEX open_{table.id} ON blocks_{table.id}(m) WHERE n IS NULL")


def reopen(connection: sqlite3.Connection, table: Table, rows: Iterable[tuple[int, Iterable[int]]]) -> None:
    """The blocks of these (subtable, times): rows that are written or deleted in this transaction."""
    ticks = width(table)
    keys = ((tb, m) for tb, times in rows for m in {time // ticks for time in times})
    connection.executemany(f"INSERT INTO blocks_{table.id}(tb, m) VALUES(?, ?) "
                           "ON CONFLICT DO UPDATE SET n = NULL WHERE n IS NOT NULL", keys)


def seal(connection: sqlite3.Connection, table: Table, now: int, oldest: int) -> bool:
    """Some of the blocks that are over; True when there may be more. Those that rows are being swept from stay open."""
    ticks, parts = width(table), _parts(table)
    keys = connection.execute(
        f"SELECT tb, m FROM blocks_{table.id} INDEXED BY open_{table.id} WHERE n IS NULL AND m < ? AND m <> ? "
        "ORDER BY m LIMIT ?", ((now - LATE_S * clock.UNITS[table.precision]) // ticks, oldest // ticks, SEALED_AT_ONCE)).fetchall()
    block = "WHERE tb = ? AND m = ?"
    connection.executemany(
        f"UPDATE blocks_{table.id} AS b SET ({', '.join(['n', *parts])}) = (SELECT {_counted(parts)} FROM data_{table.id} d "
        f"WHERE d.tb = b.tb AND d.c0 BETWEEN b.m * {ticks} AND b.m * {ticks} + {ticks - 1}) {block}", keys)
    connection.executemany(f"DELETE FROM blocks_{table.id} {block} AND n = 0", keys)
    return len(keys) == SEALED_AT_ONCE


# ---------------------------------------------------------------------- reading them

def statement(shape: Any, distinct: str, chosen: list[str], tail: str) -> str | None:
    """A grouped SELECT by blocks; None where it asks for more than blocks know.

    Its source is one row a block, called `d` as rows are, with the time of the block's start.
    """
    owner, source = shape.owner, shape.source
    if not isinstance(source, TableSource) or any(
            argument is not None and not argument.sql.startswith("d.c") for _, argument in shape.calls):
        return None
    window = source.window["_wstart"].sql if source.window else ""
    whole = owner.step % width(source.table) == owner.shift % width(source.table) == 0 and "zone_offset" not in window
    stretch = _stretch(owner.parameters, [part for part in owner.where if "d." in part])
    parts, known = {}, _parts(source.table)

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
    if not whole or stretch is None or "d.c" in text.replace(window, ""):
        return None
    joined = source.from_clause(text).replace(f"data_{source.table.id} d", f"({_rows(owner, *stretch, parts)}) d", 1)
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


def _rows(owner: Any, low: int, high: int, parts: Iterable[str]) -> str:
    """What sealed blocks know, then what the rows of the others come to, a row each: tb, c0, n and `parts`."""
    table, tb, ticks, name = owner.source.table, owner.source.tb, width(owner.source.table), owner.parameters.name
    first, last = name(-(-low // ticks)), name((high + 1) // ticks - 1)  # of the blocks that lie in the stretch
    tests = [part for part in owner.where if "d." not in part] + ([f"g.tb = {tb}"] if tb is not None else [])
    where, start = "".join(f"{test} AND " for test in tests), f"b.m * {ticks}"
    blocks = (f"tags_{table.id} g NOT INDEXED CROSS JOIN blocks_{table.id} b ON b.tb = g.tb "
              f"AND b.m BETWEEN {name(low // ticks)} AND {name(high // ticks)}")
    rows = (f"data_{table.id} d ON d.tb = b.tb "
            f"AND d.c0 BETWEEN max({start}, {name(low)}) AND min({start} + {ticks - 1}, {name(high)})")
    return (f"SELECT b.tb, {start} AS c0, {', '.join(['b.n', *(f'b.{part}' for part in parts)])} FROM {blocks} "
            f"WHERE {where}b.n > 0 AND b.m BETWEEN {first} AND {last} UNION ALL "
            f"SELECT b.tb, {start}, {_counted(parts)} FROM {blocks} CROSS JOIN {rows} "
            f"WHERE {where}(b.n IS NULL OR b.m < {first} OR b.m > {last}){' GROUP BY g.tb, b.m' if owner.keys else ''}")
