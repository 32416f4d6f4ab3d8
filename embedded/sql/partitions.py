"""The rows of each partition in the order of time, for DuckDB's window functions."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from .sources import Source
from .typed import Typed

Keys = Sequence[tuple[exp.Expression, Typed]]  # of PARTITION BY or GROUP BY: each as it is written, and compiled


@dataclass(frozen=True)
class Partition:
    """`keys` is SQL over rows, `order` that of the rows' order."""

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
    """Rows of several subtables at one instant come in the order of the subtables."""
    found = tuple("d.tb" if key.sql == "g.name" else key.sql for _, key in keys)
    order = source.time.sql if source.time else ""
    if source.table is not None and source.tb is None:
        order += ", d.tb"
    reads_tags = any(source.reads_tags(tree) for tree, key in keys if key.sql != "g.name")
    return Partition(found, order, reads_tags)
