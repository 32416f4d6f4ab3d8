"""From the database's rows to series without gaps, beside what was measured."""

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from bridge.trend.windows import LEAST, Windows

STARTS = 16  # a series that begins later is cut to the next sixteenth, so that there are few different lengths


@dataclass
class Series:
    """Series of equal length: `measured` (series, windows) is NaN in gaps, `values` has them interpolated."""

    names: list[str]
    numbers: np.ndarray  # of the names among all
    start: int  # epoch ms
    width: int  # ms
    measured: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        return self.measured.shape[1]


def measured(rows: list[tuple], windows: Windows) -> tuple[list[str], np.ndarray]:
    """The series' names, sorted, and what was measured, as (series, windows). NULL, NaN and infinity are gaps.

    `rows` have the window's start (epoch ms), the series and the average.
    """
    starts, tags, averages = zip(*rows) if rows else ((), (), ())
    names = sorted(set(map(text, set(tags))))
    number = {tag: bisect_left(names, text(tag)) for tag in set(tags)}
    series = np.fromiter(map(number.get, tags), dtype=np.int64, count=len(tags))
    at = (np.array(starts, dtype=np.int64) - windows.start) // windows.width
    found = np.full((len(names), windows.count), np.nan)
    inside = (at >= 0) & (at < windows.count)
    found[series[inside], at[inside]] = np.array(averages, dtype=float)[inside]
    found[~np.isfinite(found)] = np.nan
    return names, found


def text(tag: object) -> str:
    """A tag's value as the name of its series; NULL is ""."""
    return "" if tag is None else str(tag)


def groups(names: list[str], found: np.ndarray, windows: Windows) -> list[Series]:
    """Series that begin at about the same time are one group. What has fewer than three values is left out."""
    there = ~np.isnan(found)
    step = -(-windows.count // STARTS)
    first = -(-there.argmax(axis=1) // step) * step
    result = []
    for begin in np.unique(first[there.sum(axis=1) >= LEAST]):
        part = found[:, begin:]
        chosen = np.flatnonzero((first == begin) & ((~np.isnan(part)).sum(axis=1) >= LEAST))
        if len(chosen):
            part = part[chosen]
            result.append(Series([names[i] for i in chosen], chosen, windows.start + int(begin) * windows.width,
                                 windows.width, part, np.array([interpolated(values) for values in part])))
    return result


def interpolated(values: np.ndarray) -> np.ndarray:
    """The values with straight lines over the gaps, and the nearest value before the first and after the last."""
    there = np.flatnonzero(~np.isnan(values))
    return values if len(there) == len(values) else np.interp(np.arange(len(values)), there, values[there])
