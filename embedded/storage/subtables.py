"""What is kept in memory of subtables: their tags and their newest times.

Results are joined with tags here, by numpy: a join in DuckDB would repeat the same few texts for each row.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from ..common.catalog import Table
from ..common.datatypes import arrow_type

NO_ROWS = -2**63  # the newest time of a subtable without rows


class Tags:
    """The subtables of a table at one moment: tb, name, t0, t1, ... of each, in the order of tb. It never changes."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self.batch, self.numbers = batch, batch["tb"].to_numpy()

    def rows_of(self, numbers: np.ndarray) -> np.ndarray:
        """In which rows of `batch` these subtables are."""
        return np.searchsorted(self.numbers, numbers).astype(np.int32)


class TagsOfTable:
    """The tags of one table's subtables, as they change. The caller sees to it that one thread at a time is here."""

    def __init__(self, table: Table) -> None:
        fields = [("tb", pa.int32()), ("name", pa.string())]
        fields += [(f"t{i}", arrow_type(tag)) for i, tag in enumerate(table.tags)]
        self.schema = pa.schema(fields)
        self._parts = [self.schema.empty_table()]
        self._now: Tags | None = None

    def now(self) -> Tags:
        if self._now is None:
            self._parts = [pa.concat_tables(self._parts).combine_chunks()]
            batches = self._parts[0].to_batches() or [pa.RecordBatch.from_pylist([], self.schema)]
            self._now = Tags(batches[0])
        return self._now

    def add(self, created: pa.Table) -> None:
        """New subtables, whose numbers are greater than all that are there."""
        self._parts.append(created)
        self._now = None

    def replace(self, rows: pa.Table) -> None:
        self._parts, self._now = [rows], None

    def remove(self, numbers: Sequence[int]) -> None:
        kept = ~np.isin(self.now().numbers, numbers)
        self.replace(pa.Table.from_batches([self.now().batch]).filter(pa.array(kept)))


def with_room(newest: np.ndarray, highest: int) -> np.ndarray:
    """A copy of the newest times, by subtable, which has room for the subtable with the number `highest`."""
    room = len(newest) if highest < len(newest) else 2 * highest
    copy = np.full(room, NO_ROWS, np.int64)
    copy[:len(newest)] = newest
    return copy
