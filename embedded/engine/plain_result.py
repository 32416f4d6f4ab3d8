"""The answer of a statement whose rows are all there."""

from collections.abc import Iterable, Sequence

import pyarrow as pa

from ..common.datatypes import Column, arrow_type

SMALL_BYTES = 64 << 10  # some 2000 rows of meters: a block of them takes less than a millisecond


class Result:
    """Rows, or (where `columns` is empty) how many rows were written: `affected`."""

    def __init__(self, affected: int = 0, columns: Sequence[Column] = (), precision: int = 0,
                 rows: Sequence[tuple] = ()) -> None:
        self.affected, self.columns, self.precision = affected, list(columns), precision
        self._batch: pa.RecordBatch | None = None  # read, and not fetched yet
        if rows:
            self._batch = batch_of(pa.array(values, arrow_type(column))
                                 for column, values in zip(columns, zip(*rows, strict=True), strict=True))

    @property
    def is_open(self) -> bool:
        """Whether there may be rows that are not read yet."""
        return False

    @property
    def is_small(self) -> bool:
        """Whether all its rows are read, and they are few."""
        return not self.is_open and (self._batch is None or self._batch.nbytes <= SMALL_BYTES)

    def fetch_batch(self, n: int) -> pa.RecordBatch | None:
        """The next rows, at most n; None at the end. Column i has the `arrow_type` of columns[i], or a dictionary."""
        if self._batch is None:
            return None
        part, rest = self._batch.slice(0, n), self._batch.slice(n)
        self._batch = rest if len(rest) else None
        return part

    def fetch(self, n: int) -> list[tuple]:
        """The next rows, at most n, as plain Python values; [] at the end."""
        batch = self.fetch_batch(n)
        return [] if batch is None else list(zip(*(column.to_pylist() for column in batch.columns), strict=True))

    def close(self) -> None:
        self._batch = None


def batch_of(columns: Iterable[pa.Array]) -> pa.RecordBatch:
    columns = list(columns)
    return pa.RecordBatch.from_arrays(columns, names=list(map(str, range(len(columns)))))
