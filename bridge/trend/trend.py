"""From windowed averages to the table `meters_trend`: what was measured, what is expected, and in which range."""

import json

import numpy as np
import pyarrow as pa

from bridge.trend.band import Expected, Forecaster, expect
from bridge.trend.chosen import NOTES
from bridge.trend.refusal import Refusal
from bridge.trend.series import Series, groups, measured
from bridge.trend.windows import LEAST, Windows, in_words

SCHEMA = pa.schema({"timestamp": pa.timestamp("ms"), "location": pa.dictionary(pa.int32(), pa.string()),
                    "measured": pa.float64(), "expected": pa.float64(), "low": pa.float64(), "high": pa.float64()})


def trend(rows: list[tuple], windows: Windows, forecaster: Forecaster, origins: int) -> pa.Table:
    """The trend of each series, as SCHEMA says, sorted by location and time. Raises Refusal where no series has one.

    `rows` have the window's start (epoch ms), the series and the average. The newest quarter of the past has both
    what was measured and what was expected; `measured` is null in gaps and in the future. Series that cannot be
    forecast have `measured` alone, and `notes` says why.
    """
    names, found = measured(rows, windows)
    if not names:
        raise Refusal("No values were measured in this range.")
    varies = np.fmax.reduce(found, axis=1) > np.fmin.reduce(found, axis=1)  # NaN where there are no values: false
    parts, there = [], np.zeros(len(names), dtype=bool)
    for series in groups(names, np.where(varies[:, None], found, np.nan), windows):
        ahead = min(windows.ahead, max(1, len(series) // 4))
        period = windows.period if windows.period and len(series) >= windows.period * 3 // 2 else None
        parts.append(part(names, series, ahead, *expect(series, ahead, period, forecaster, origins)))
        there[series.numbers] = True
    left = np.flatnonzero(~there)
    left_out = {names[i]: why_not(found[i], windows) for i in left}
    if not parts:
        raise Refusal(next(iter(left_out.values())) if len(set(left_out.values())) == 1 else
                      f"None of the {len(names)} series has a trend: {names[0]}: {left_out[names[0]]}")
    parts.append(columns(names, left, windows.start, windows.width, found[left]))
    table = pa.concat_tables(parts).combine_chunks()
    order = np.argsort(table["location"].chunk(0).indices, stable=True)
    return table.take(order).replace_schema_metadata({NOTES: json.dumps(left_out).encode()})


def why_not(values: np.ndarray, windows: Windows) -> str:
    """Why a series, NaN in its gaps, has no trend."""
    there = values[~np.isnan(values)]
    if len(there) >= LEAST and np.ptp(there) == 0:
        return f"All values are {there[0]:g} in this range: there is no trend in a constant."
    return (f"There are {len(there)} windows of {in_words(windows.width)} with values, and a trend needs {LEAST}: "
            "wait, or choose a longer range.")


def part(names: list[str], series: Series, ahead: int, past: Expected, coming: Expected) -> pa.Table:
    """The rows of a group of series."""
    empty, coming_empty = (np.full((len(series.names), count), np.nan) for count in (len(series) - ahead, ahead))
    values = [np.concatenate([empty, old, new], axis=1) for old, new in (
        (past.expected, coming.expected), (past.low, coming.low), (past.high, coming.high))]
    return columns(names, series.numbers, series.start, series.width,
                   np.concatenate([series.measured, coming_empty], axis=1), *values)


def columns(names: list[str], numbers: np.ndarray, start: int, width: int, *values: np.ndarray) -> pa.Table:
    """Arrays (series, windows) as SCHEMA's columns, NaN as null; the columns that are not given are null.

    `numbers` are those of the series' names.
    """
    shape = values[0].shape
    times = np.tile(start + width * np.arange(shape[1]), shape[0])
    numbers = np.repeat(numbers.astype(np.int32), shape[1])
    location = pa.DictionaryArray.from_arrays(numbers, pa.array(names, pa.string()))
    arrays = [pa.array(value.ravel(), from_pandas=True) for value in values]  # from_pandas: NaN is null
    arrays += [pa.nulls(times.size, pa.float64())] * (4 - len(values))
    return pa.table([pa.array(times).cast(pa.timestamp("ms")), location, *arrays], schema=SCHEMA)
