"""The rows of each partition in the order of time, for DuckDB's window functions."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from .sources import Source
from .typed import Typed

Keys = Sequence[tuple[exp.Expression, Typed]]  # of PARTITION BY or GROUP BY: each as it is written, and compiled


def count_if(condition: str) -> str:
    """How many rows fulfil the condition. DuckDB's windows would take FILTER for every row anew."""
    return f"count(CASE WHEN {condition} THEN 1 END)"


@dataclass(frozen=True)
class Partition:
    """`keys` is SQL over rows; `order` too: it sorts the rows."""

    keys: tuple[str, ...]
    order: str
    reads_tags: bool

    def over(self, frame: str = "", *more: str, order: str | None = None) -> str:
        """`OVER (...)`. `more` are further keys; `order` takes the place of time, "" stands for no order."""
        keys = ", ".join((*self.keys, *more))
        order = self.order if order is None else order
        words = (f"PARTITION BY {keys}" if keys else "", f"ORDER BY {order}" if order else "", frame)
        return f"OVER ({' '.join(word for word in words if word)})"


def partition_of(source: Source, keys: Keys) -> Partition:
    """Constants are no keys, and tags neither where the partitions are subtables.

    Rows of one instant are sorted by subtable.
    """
    by_subtable = any(key.sql == "g.name" for _, key in keys)
    found = [(tree, key) for tree, key in keys if not key.is_const and (not by_subtable or source.reads_rows(tree))]
    order = source.time.sql if source.time else ""
    if source.table is not None and source.tb is None:
        order += ", d.tb"
    return Partition((*(["d.tb"] if by_subtable else []), *(key.sql for _, key in found)), order,
                     any(source.reads_tags(tree) for tree, _ in found))
