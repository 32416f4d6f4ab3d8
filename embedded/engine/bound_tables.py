"""What a client binds to an INSERT, as Arrow arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ..common.datatypes import Bound
from ..common.errors import TDengineError


@dataclass(eq=False)
class BoundTables:
    """The rows that are bound to several tables: the first `counts[0]` rows are those of the first table, and so on.

    `names` and `tags` are None where the statement has no `?` for them. `tags` has for each tag the values of all
    tables. Values are Arrow arrays of the type that the client sent, or plain Python values.
    """

    names: Sequence[str] | None
    tags: Sequence[pa.Array | Sequence[Any]] | None
    counts: Sequence[int]
    columns: Sequence[pa.Array | Sequence[Any]]

    def of_table(self, i: int) -> "BoundTables":
        """The name, the tags and the count of one table, without its rows."""
        return BoundTables(self.names and self.names[i:i + 1], self.tags and [tag[i:i + 1] for tag in self.tags],
                           self.counts[i:i + 1], [])


def of_one_table(bound: Bound) -> BoundTables:
    """Error: 0x0200 for columns of different lengths."""
    if len(set(map(len, bound.columns))) > 1:
        raise TDengineError(0x0200, "columns of different lengths")
    return BoundTables(None if bound.name is None else [bound.name],
                       None if bound.tags is None else [[value] for value in bound.tags],
                       [len(bound.columns[0]) if bound.columns else 0], bound.columns)


def first_value(values: pa.Array | Sequence[Any]) -> Any:
    """The first one as a plain Python value."""
    return values[0].as_py() if isinstance(values, pa.Array) else values[0]
