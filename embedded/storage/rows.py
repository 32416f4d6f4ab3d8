"""Rows on their way into a table: upserts, several rows by one statement."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice, repeat
from typing import Any

from ..common.catalog import Database, Table

VALUES_AT_ONCE = 100  # in one statement: a statement costs more than a row


@dataclass
class Batch:
    """Rows for one subtable, column-major, as they are stored: `values[c][r]` belongs to column `columns[c]`.

    `columns` are positions in the table; the timestamp's (0) comes first. `table` and `tags` serve a subtable that
    does not exist yet; the tags of one that exists stay as they are.
    """

    database: Database
    table: Table
    name: str
    tags: Sequence[Any] | None
    columns: tuple[int, ...]
    values: Sequence[Sequence[Any]]


def upsert(connection: sqlite3.Connection, table: Table, columns: tuple[int, ...],
           batches: Sequence[tuple[int, Sequence[Sequence[Any]]]]) -> None:
    """Write (subtable, values) pairs, which have the same columns. Columns that are not named stay as they are."""
    width = 1 + len(columns)
    at_once = max(1, VALUES_AT_ONCE // width)
    rows = chain.from_iterable(zip(repeat(tb), *values, strict=False) for tb, values in batches)
    count = sum(len(values[0]) for _, values in batches)
    flat = chain.from_iterable(islice(rows, count - count % at_once))
    # zip of one iterator with itself gives the values of `at_once` rows at a time
    connection.executemany(_statement(table.id, columns, at_once), zip(*[flat] * (at_once * width), strict=False))
    connection.executemany(_statement(table.id, columns, 1), rows)


@lru_cache(maxsize=256)
def _statement(table: int, columns: tuple[int, ...], rows: int) -> str:
    names = ", ".join(f"c{i}" for i in columns)
    named = ", ".join(f"c{i} = excluded.c{i}" for i in columns if i)
    change = f"UPDATE SET {named}" if named else "NOTHING"
    marks = ", ".join([f"(?{', ?' * len(columns)})"] * rows)
    return f"INSERT INTO data_{table}(tb, {names}) VALUES{marks} ON CONFLICT(tb, c0) DO {change}"


def count_distinct(batches: Sequence[Batch]) -> int:
    """How many rows are stored: a timestamp that a subtable is given twice counts once."""
    if len(batches) == 1:
        return len(set(batches[0].values[0]))
    times: dict[tuple[int, str], set] = {}
    for batch in batches:
        times.setdefault((batch.table.id, batch.name), set()).update(batch.values[0])
    return sum(map(len, times.values()))
