"""What the planner makes of a SELECT: SQLite's SQL and what its rows mean."""

from dataclasses import dataclass
from typing import Any

from ..common.datatypes import Column


@dataclass(frozen=True)
class TagColumns:
    """Columns of the result that are tags, read by a statement of their own.

    SQLite would otherwise join and convert the same few tags for each row. The plan's statement has the subtable
    in their place, after its other columns. `sql` gives, for a JSON list of subtables, the subtable and its tags.
    """

    positions: list[int]
    sql: str


@dataclass(frozen=True)
class Plan:
    """`precision` is that of the timestamps in the result: 0 ms, 1 us, 2 ns."""

    sql: str
    parameters: dict[str, Any]
    columns: list[Column]
    precision: int
    tags: TagColumns | None = None
