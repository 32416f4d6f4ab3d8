"""Where the newest row of each subtable lies: the store knows, so LAST_ROW need not read all rows.

The condition lets more rows through than the newest ones, never fewer.
"""

from collections.abc import Sequence

import numpy as np
from sqlglot import exp

from ..storage.store import Store
from .rows import Rows, conjuncts
from .sources import Source

_MOST_STRETCHES = 8  # of time, each with a bound on both sides that DuckDB can skip rows by


def newest_only(store: Store, rows: Rows, where: exp.Expression | None, calls: Sequence[exp.Anonymous],
                keys: Sequence[exp.Expression]) -> Rows:
    """The rows, without most of those that are not the newest of their subtable, where a statement asks for no others.

    `calls` are its aggregates, `keys` what it groups by.
    """
    source = rows.source
    if source.table is None or any(map(source.reads_rows, keys)) or not calls or not all(
            _picks_newest(call, source) for call in calls) or not all(
            _leaves_newest(tree, source) for tree in conjuncts(where)):
        return rows
    times = store.newest_times(source.table)
    if rows.subtables is not None:
        times = {tb: times[tb] for tb in rows.subtables if tb in times}
    return rows.with_condition(_stretches(np.sort(np.fromiter(times.values(), np.int64)))) if times else rows


def _picks_newest(call: exp.Anonymous, source: Source) -> bool:
    """LAST_ROW picks the newest row, and LAST of the timestamp too, which is never NULL."""
    name = call.name.lower()
    return name == "last_row" or name == "last" and bool(call.expressions) and _is_time(call.expressions[0], source)


def _leaves_newest(tree: exp.Expression, source: Source) -> bool:
    """Whether a condition is about subtables alone, or takes away rows that are older than all others."""
    if not source.reads_rows(tree):
        return True
    return isinstance(tree, (exp.GT, exp.GTE)) and _is_time(tree.this, source) and not source.reads_rows(
        tree.expression) and not source.reads_tags(tree.expression)


def _is_time(tree: exp.Expression, source: Source) -> bool:
    return isinstance(tree, exp.Column) and tree.name in (*source.columns, "_c0", "_rowts") and \
        source.resolve(tree.name) == source.time


def _stretches(times: np.ndarray) -> str:
    """SQL of a few stretches of time that hold these times, which are sorted: they are split at the widest gaps."""
    gaps = np.diff(times)
    count = min(_MOST_STRETCHES - 1, len(gaps))
    splits = np.sort(np.argpartition(gaps, len(gaps) - count)[len(gaps) - count:]) if count else np.array([], int)
    starts, ends = times[np.concatenate([[0], splits + 1]).astype(int)], times[splits]
    parts = [f"d.c0 BETWEEN {start} AND {end}" for start, end in zip(starts.tolist(), ends.tolist(), strict=False)]
    parts.append(f"d.c0 >= {starts[-1]}")  # rows may come meanwhile
    return f"({' OR '.join(parts)})"
