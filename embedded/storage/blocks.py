"""Blocks: what ten seconds of a subtable's rows come to, so that aggregates over many rows need to read few.

`blocks_n` has a row for each block that has rows. Block m of a subtable holds its rows from m * 10 s on. A
sealed block knows its number of rows (n) and, of column 1, the number of values (n1), their sum (s1), the
least (l1) and the greatest (h1), and so on for the other columns. A transaction that changes rows opens their
blocks again (n becomes NULL). `seal` counts them anew once their time is over.
"""

import sqlite3
from collections.abc import Iterable

from ..common import clock
from ..common import datatypes as t
from ..common.catalog import Table

WIDTH_S = 10
LATE_S = 5  # a block stays open so long after its end: rows that come late would open it again
SEALED_AT_ONCE = 16  # blocks in one transaction: writers wait for it
MOST_COLUMNS = 400  # SQLite allows 2000 columns in a table, and each column of the user needs four here

# BIGINT is missing: sums of it may overflow
_SUMMED = {t.BOOL, t.TINYINT, t.SMALLINT, t.INT, t.UTINYINT, t.USMALLINT, t.UINT, t.FLOAT, t.DOUBLE}
_AGGREGATES = {"n": "count", "s": "sum", "l": "min", "h": "max"}


def width(table: Table) -> int:
    """How long a block is, in ticks of the table."""
    return WIDTH_S * clock.UNITS[table.precision]


def value_parts(table: Table) -> list[str]:
    """What blocks know besides n: n1, s1, l1, h1, n3, ..."""
    columns = [i for i, column in enumerate(table.columns) if column.type in _SUMMED][:MOST_COLUMNS]
    return [f"{part}{i}" for i in columns for part in _AGGREGATES]


def totals_of_rows(parts: Iterable[str]) -> str:
    """The SQL of n and of `parts` over rows `d`."""
    return ", ".join(["count(*)", *(f"{_AGGREGATES[part[0]]}(d.c{part[1:]})" for part in parts)])


def create(connection: sqlite3.Connection, table: Table) -> None:
    columns = ", ".join(["tb INTEGER", "m INTEGER", "n", *value_parts(table)])
    connection.execute(f"CREATE TABLE blocks_{table.id}({columns}, PRIMARY KEY(tb, m)) WITHOUT ROWID")
    connection.execute(f"CREATE INDEX open_{table.id} ON blocks_{table.id}(m) WHERE n IS NULL")


def reopen(connection: sqlite3.Connection, table: Table, rows: Iterable[tuple[int, Iterable[int]]]) -> None:
    """Open the blocks of rows that this transaction writes or deletes. `rows` are pairs: a subtable and times."""
    ticks = width(table)
    keys = ((tb, m) for tb, times in rows for m in {time // ticks for time in times})
    connection.executemany(f"INSERT INTO blocks_{table.id}(tb, m) VALUES(?, ?) "
                           "ON CONFLICT DO UPDATE SET n = NULL WHERE n IS NOT NULL", keys)


def seal(connection: sqlite3.Connection, table: Table, now: int, oldest: int) -> bool:
    """Seal some of the blocks that are over; True when there may be more. Times are in ticks.

    The block of `oldest` stays open, because rows are being deleted from it.
    """
    ticks, parts = width(table), value_parts(table)
    over = (now - LATE_S * clock.UNITS[table.precision]) // ticks
    keys = connection.execute(
        f"SELECT tb, m FROM blocks_{table.id} INDEXED BY open_{table.id} WHERE n IS NULL AND m < ? AND m <> ? "
        "ORDER BY m LIMIT ?", (over, oldest // ticks, SEALED_AT_ONCE)).fetchall()
    block = "WHERE tb = ? AND m = ?"
    connection.executemany(
        f"UPDATE blocks_{table.id} AS b SET ({', '.join(['n', *parts])}) = (SELECT {totals_of_rows(parts)} "
        f"FROM data_{table.id} d WHERE d.tb = b.tb AND d.c0 BETWEEN b.m * {ticks} AND b.m * {ticks} + {ticks - 1}) "
        f"{block}", keys)
    connection.executemany(f"DELETE FROM blocks_{table.id} {block} AND n = 0", keys)
    return len(keys) == SEALED_AT_ONCE
