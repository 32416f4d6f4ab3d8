"""What is expected, and the range in which it is expected, by how far off earlier forecasts of the series were.

A series is forecast from several moments of its own past, each time from the values before that moment alone. Measured
against what came, 95 % of those errors lie between `low` and `high`, which grow with the distance as the errors did.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bridge.trend.series import Series

Forecaster = Callable[[Series, int, int, int | None], np.ndarray]  # series, windows known, windows ahead, period
INSIDE = 0.95
FEW = 40  # errors: with fewer, their range is widened, and as wide to both sides


@dataclass
class Expected:
    """Arrays of (series, windows): what is expected, and from where to where."""

    expected: np.ndarray
    low: np.ndarray
    high: np.ndarray


def expect(series: Series, ahead: int, period: int | None, forecaster: Forecaster, origins: int) -> list[Expected]:
    """Two stretches of `ahead` windows: the newest of the past, from what was known before it, and the coming one.

    Each series is forecast with its season and without; the way that was nearer in its past is kept.
    """
    last = len(series) - ahead
    least = max(2, len(series) * 5 // 8, period * 5 // 4 if period else 0)
    moments = np.unique(np.linspace(min(least, last), last, origins).astype(int))
    forecasts = forecasts_from(series, [*moments, len(series)], ahead, forecaster, None)
    if period:
        seasonal = forecasts_from(series, [*moments, len(series)], ahead, forecaster, period)
        nearer = miss(series, moments, seasonal) <= miss(series, moments, forecasts)
        forecasts = np.where(nearer[:, None], seasonal, forecasts)
    errors = np.stack([error_of(series, moment, found) for moment, found in zip(moments, forecasts)])
    known = np.where(moments[:, None] + np.arange(ahead) < last, 0, np.nan)[:, None]  # before the newest stretch
    before = errors + known if len(moments) > 1 else errors
    return [banded(found, past) for found, past in ((forecasts[-2], before), (forecasts[-1], errors))]


def forecasts_from(series: Series, moments: list[int], ahead: int, forecaster: Forecaster,
                   period: int | None) -> np.ndarray:
    """As (moments, series, ahead)."""
    return np.stack([forecaster(series, int(moment), ahead, period) for moment in moments])


def error_of(series: Series, moment: int, forecast: np.ndarray) -> np.ndarray:
    """How much more was measured than was forecast; NaN where nothing was."""
    errors = np.full_like(forecast, np.nan)
    came = series.measured[:, moment:moment + forecast.shape[1]]
    errors[:, :came.shape[1]] = came - forecast[:, :came.shape[1]]
    return errors


def miss(series: Series, moments: np.ndarray, forecasts: np.ndarray) -> np.ndarray:
    """The mean distance of each series from its forecasts; 0 where nothing was measured."""
    errors = np.stack([np.abs(error_of(series, moment, found)) for moment, found in zip(moments, forecasts)])
    there = ~np.isnan(errors)
    return np.where(there, errors, 0).sum(axis=(0, 2)) / np.maximum(there.sum(axis=(0, 2)), 1)


def banded(forecast: np.ndarray, errors: np.ndarray) -> Expected:
    """The range around a forecast (series, ahead), by errors (moments, series, ahead)."""
    growth = spread(errors)
    low, high = quantiles((errors / growth).transpose(1, 0, 2).reshape(len(forecast), -1))
    low, high = np.minimum(low, 0), np.maximum(high, 0)  # what is expected is in its range
    return Expected(forecast, forecast + low[:, None] * growth, forecast + high[:, None] * growth)


def spread(errors: np.ndarray) -> np.ndarray:
    """The mean size of errors (moments, series, ahead) by the distance: a + b * sqrt(distance), as (series, ahead)."""
    there, root = ~np.isnan(errors), np.sqrt(np.arange(1, errors.shape[2] + 1))
    count = np.maximum(there.sum(axis=(0, 2)), 1)
    size = np.where(there, np.abs(errors), 0)
    mean, middle = size.sum(axis=(0, 2)) / count, (there * root).sum(axis=(0, 2)) / count
    distance = np.where(there, root - middle[:, None], 0)
    slope = (size * distance).sum(axis=(0, 2)) / np.maximum((distance**2).sum(axis=(0, 2)), 1e-12)
    slope = np.clip(slope, 0, mean / middle.clip(1))  # it falls nowhere, and is not below 0 at the beginning
    return np.maximum(mean[:, None] + slope[:, None] * (root - middle[:, None]), 1e-12)


def quantiles(errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Between which values INSIDE of each series' errors (series, errors) lie; NaN are none."""
    few = (~np.isnan(errors)).sum(axis=1) < FEW
    both = np.concatenate([errors, np.where(few[:, None], -errors, np.nan)], axis=1)
    both.sort(axis=1)  # NaN at the end
    count = (~np.isnan(both)).sum(axis=1)
    outside = np.floor((count + 1) * (1 - INSIDE) / 2).astype(int)  # of the errors, at each side
    at, rows = np.maximum(outside - 1, 0), np.arange(len(both))
    wider = np.where(few, 1 + 4 / np.maximum(count, 1), 1)
    return tuple(np.where(count > 0, both[rows, place] * wider, 0) for place in (at, np.maximum(count - 1 - at, 0)))
