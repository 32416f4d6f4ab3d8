"""The data items of a stmt2 message: those of one column (or tag) of all tables, put together.

An item has the values of one column of one table: its length, type and number of values (12 bytes), a byte for each
value that says whether it is NULL, a byte that says whether lengths follow, a length for each value of a variable
type, the length of the data, and the data. A tick of a fleet has thousands of small items. So numpy reads the items
of a column all at once, and nothing here is done table by table.
"""

from dataclasses import dataclass

import numpy as np

from ..common.datatypes import BY_CODE, DECIMALS
from .arrays import gather
from .wire import Buffer, malformed, take

# The bytes of a value, by the type's code; 0 where each value has a length of its own.
_WIDTHS = np.array([0 if kind is None or kind.variable or kind in DECIMALS else kind.size
                    for kind in map(BY_CODE.get, range(256))], np.int64)
_HEAD = 12
_LEAST = _HEAD + 1 + 4  # bytes of an item without values


@dataclass
class Items:
    """One column of all tables. `counts` has a value for each table, `nulls` and `lengths` have one for each row.

    `codes` are the types that tables have. A NULL alone is left out, because it has the type that the client liked.
    `lengths` are those of variable types. `data` has room for the NULLs of a fixed type.
    """

    codes: np.ndarray
    counts: np.ndarray
    nulls: np.ndarray
    lengths: np.ndarray
    data: np.ndarray


def items_of(payload: Buffer, at: int, tables: int, columns: int, chosen: slice = slice(None)) -> list[Items]:
    """The items of `columns` columns of `tables` tables, which begin at `at` with the size of each table's.

    `chosen` says which tables are read.

    Errors: 0xFFFF, ValueError.
    """
    if columns < 0 or tables < 0 or columns * _LEAST > len(payload):
        raise malformed("it ends too early")
    sizes = np.frombuffer(take(payload, at, 4 * tables), "<u4").astype(np.int64)
    data = np.frombuffer(payload, np.uint8)
    ends = at + 4 * tables + np.cumsum(sizes)
    if tables and ends[-1] > len(data):
        raise malformed("it ends too early")
    found, position, ends = [], (ends - sizes)[chosen], ends[chosen]
    for _ in range(columns):
        items, position = _column(data, position, ends)
        found.append(items)
    return found


def _column(data: np.ndarray, start: np.ndarray, ends: np.ndarray) -> tuple[Items, np.ndarray]:
    """The items that start there, one of each table, and where they end."""
    _within(start + _LEAST, ends)
    size, code, count = gather(data, start, np.full(len(start), _HEAD)).view("<i4").reshape(-1, 3).T.astype(np.int64)
    end, at = start + size, start + _HEAD + count
    if (size < 0).any() or (count < 0).any():
        raise malformed("a negative length")
    _within(end, ends)
    _within(at + 5, end)
    nulls = gather(data, start + _HEAD, count).astype(bool)
    has_lengths = data[at] != 0
    at, lengths = _lengths(data, at + 1, count, has_lengths, end)
    room = gather(data, at, np.full(len(at), 4)).view("<u4").astype(np.int64)
    at += 4
    _within(at + room, end)
    null_count = _sums(nulls, count) if nulls.any() else np.zeros_like(count)
    lone = (count == 1) & (null_count == 1)
    width = _WIDTHS[np.clip(code, 0, len(_WIDTHS) - 1)]
    if lone.any() and not lone.all():
        width[lone] = width[~lone][0]
    wanted = width * count if width.all() else np.where(width > 0, width * count, _sums(lengths, count))
    missing = lone | (room < wanted) | ((width == 0) & ~has_lengths)
    if (missing & (null_count < count)).any():
        raise malformed("an item ends too early")
    if missing.any():
        values = np.zeros(int(wanted.sum()), np.uint8)
        values[np.repeat(~missing, wanted)] = gather(data, at[~missing], wanted[~missing])
    else:
        values = gather(data, at, wanted)
    return Items(code[~lone], count, nulls, lengths, values), end


def _lengths(data: np.ndarray, at: np.ndarray, count: np.ndarray, has_lengths: np.ndarray,
             end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the lengths of an item end, and the length of each value; 0 where there are none."""
    size = np.where(has_lengths, 4 * count, 0)
    _within(at + size + 4, end)
    lengths = np.zeros(int(count.sum()), np.int64)
    if has_lengths.any():
        lengths[np.repeat(has_lengths, count)] = gather(data, at, size).view("<i4")
        if (lengths < 0).any():
            raise malformed("a negative length")
    return at + size, lengths


def _within(position: np.ndarray, ends: np.ndarray) -> None:
    if (position > ends).any():
        raise malformed("it ends too early")


def _sums(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The sum of each group of values; the first group has `counts[0]` of them, and so on."""
    totals = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    ends = np.cumsum(counts)
    return totals[ends] - totals[ends - counts]
