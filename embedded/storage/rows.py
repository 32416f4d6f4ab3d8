"""Rows of a table: what a batch is, and how its rows are appended or merged."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ..common.catalog import Database, Table
from .duckfile import Transaction


@dataclass
class Batch:
    """Rows of one or several subtables of a table, in columns: `values[c]` belongs to column `columns[c]`.

    Values have the `arrow_type` of their column. `columns` are positions in the table; the timestamp's (0) comes
    first. Of the rows, the first `counts[0]` are those of the subtable `names[0]`, the next ones are those of
    `names[1]`, and so on. `tags` has an array for each tag of the table, with a value for each name. It serves
    subtables that do not exist yet; the tags of those that exist stay as they are.
    """

    database: Database
    table: Table
    names: Sequence[str]
    counts: Sequence[int]
    tags: Sequence[pa.Array] | None
    columns: tuple[int, ...]
    values: Sequence[pa.Array]


def _in_order(numbers: np.ndarray, times: np.ndarray, newest: np.ndarray) -> bool:
    """Whether each subtable's rows are together, ascending, and newer than its newest, which `newest` has by number."""
    starts = np.flatnonzero(np.diff(numbers, prepend=-1))
    ascending = np.diff(times) > 0
    ascending[starts[1:] - 1] = True  # from one subtable to the next
    subtables = numbers[starts]
    return bool(ascending.all() and (times[starts] > newest[subtables]).all()
                and len(np.unique(subtables)) == len(subtables))


def _last_of_each(numbers: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Where the rows are that stay: of those with the same subtable and time, the last one."""
    order = np.lexsort((times, numbers))
    last = (np.diff(numbers[order], append=-1) != 0) | (np.diff(times[order], append=0) != 0)
    return np.sort(order[last])


def _append(table: Table, columns: Sequence[int]) -> str:
    """The statement that appends the rows of the table `given`."""
    return f"INSERT INTO data_{table.id}({_names(columns)}) SELECT * FROM given"


def _merge(table: Table, columns: Sequence[int], first: int, last: int) -> str:
    """The statement that overwrites the named columns of rows that are there, and adds the others.

    All times are from `first` to `last`: DuckDB reads only that part of the table.
    """
    changes = ", ".join(f"c{i} = given.c{i}" for i in columns if i)
    matched = f"WHEN MATCHED THEN UPDATE SET {changes} " if changes else ""
    return (f"MERGE INTO data_{table.id} AS d USING given ON d.tb = given.tb AND d.c0 = given.c0 "
            f"AND d.c0 BETWEEN {first} AND {last} {matched}"
            f"WHEN NOT MATCHED THEN INSERT ({_names(columns)}) VALUES ({_names(columns, 'given.')})")


def _names(columns: Sequence[int], of: str = "") -> str:
    return ", ".join([f"{of}tb", *(f"{of}c{i}" for i in columns)])


def write(change: Transaction, table: Table, columns: tuple[int, ...], numbers: np.ndarray,
           parts: Sequence[Sequence[pa.Array]], newest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Write rows with the same columns, whose values come in parts. Puts their times into `newest`.

    Returns the subtables and times that were written, each pair once.
    """
    arrays = [pa.array(numbers), *map(pa.chunked_array, parts)]
    rows = pa.Table.from_arrays(arrays, names=["tb", *(f"c{i}" for i in columns)])
    times = rows["c0"].to_numpy()
    if _in_order(numbers, times, newest):
        change.with_rows(rows, _append(table, columns))
    else:
        kept = _last_of_each(numbers, times)
        numbers, times = numbers[kept], times[kept]
        newer = times > newest[numbers]
        if newer.any():
            change.with_rows(rows.take(pa.array(kept[newer])), _append(table, columns))
        if not newer.all():
            late, at = rows.take(pa.array(kept[~newer])), times[~newer]
            change.with_rows(late, _merge(table, columns, int(at.min()), int(at.max())))
    np.maximum.at(newest, numbers, times)
    return numbers, times


def distinct(keys: Sequence[tuple[np.ndarray, np.ndarray]]) -> int:
    """How many subtables and times these are; each part has a pair once."""
    if len(keys) == 1:
        return len(keys[0][0])
    numbers, times = map(np.concatenate, zip(*keys, strict=True))
    return len(_last_of_each(numbers, times))
