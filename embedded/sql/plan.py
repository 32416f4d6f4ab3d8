"""What the planner makes of a SELECT: DuckDB's SQL and what its rows mean."""

from dataclasses import dataclass, field

import pyarrow as pa

from ..common.catalog import Table
from ..common.datatypes import Column

Read = dict[Table, tuple[tuple[Column, ...], tuple[Column, ...]]]  # tables, with their columns and tags


@dataclass(frozen=True)
class TagColumns:
    """Columns of the result that are tags, looked up after the rows are read.

    A join would repeat the same few tags for each row. The plan's statement has the subtable (`tb`) in their place,
    after its other columns. `names` says which column of `tags_<table.id>` stands at which position of the result:
    "name" is the name of the subtable, "t0" its first tag.
    """

    table: Table
    names: dict[int, str]


@dataclass(frozen=True)
class Plan:
    """`columns` describe the result; column i is called o<i> in `sql` and has the type `duck_type(columns[i])`.

    `precision` is that of the timestamps in the result: 0 ms, 1 us, 2 ns. `inputs` are tables that are not in the file,
    such as those of information_schema: the statement names them as they are named here. `read` are those that are in
    the file.
    """

    sql: str
    columns: list[Column]
    precision: int
    tags: TagColumns | None = None
    inputs: dict[str, pa.Table] = field(default_factory=dict)
    read: Read = field(default_factory=dict)

    @property
    def is_current(self) -> bool:
        """Whether the tables still have the columns and tags that they had when the plan was made."""
        return all(table.columns is columns and table.tags is tags for table, (columns, tags) in self.read.items())
