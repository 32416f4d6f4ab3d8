"""The Theta method, additive, of many series at once: statsmodels' `ThetaModel(method="additive")` in numpy.

The season is taken away, and what is left is smoothed exponentially. It goes on from there with half the slope of its
straight line, and the season is put back.
"""

import numpy as np

ALPHAS = np.concatenate(([0.002, 0.005], np.geomspace(0.01, 1, 18)))  # of the smoothing: the best of these is taken


def forecast(values: np.ndarray, ahead: int, period: int | None = None) -> np.ndarray:
    """What is expected after `values` (series, windows), as (series, ahead), in the unit of the values.

    The values have no gaps. `period` is the season's length in windows; one and a quarter of them are needed.
    """
    if period is None:
        return flat(values, ahead)
    season, at = seasons(values, period), np.arange(values.shape[1] + ahead) % period
    return flat(values - season[:, at[:-ahead]], ahead) + season[:, at[-ahead:]]


def seasons(values: np.ndarray, period: int) -> np.ndarray:
    """How far each phase is from the course of the series on average, as (series, period); zero in sum."""
    n = values.shape[1]
    if n >= 2 * period:  # the course is the moving average over a period
        sums = np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1)
        course = (sums[:, period:] - sums[:, :-period]) / period
        if period % 2 == 0:  # the average of two, so that its middle is a window
            course = (course[:, 1:] + course[:, :-1]) / 2
        first = period // 2
    else:  # the course is a straight line, as steep as the series rises from season to season
        slope = (values[:, period:] - values[:, :-period]).mean(axis=1) / period
        course, first = slope[:, None] * np.arange(n), 0
    distance = values[:, first:first + course.shape[1]] - course
    at = (first + np.arange(course.shape[1])) % period
    found = np.stack([distance[:, at == phase].mean(axis=1) for phase in range(period)], axis=1)
    return found - found.mean(axis=1, keepdims=True)


def flat(values: np.ndarray, ahead: int) -> np.ndarray:
    """The forecast of series without a season."""
    n = values.shape[1]
    level = np.repeat(values[:, :1], len(ALPHAS), axis=1)
    squares = np.zeros_like(level)
    for value in values.T[1:, :, None]:
        error = value - level
        squares += error**2
        level += ALPHAS * error
    best = squares.argmin(axis=1)
    alpha, level = ALPHAS[best], level[np.arange(len(level)), best]
    times = np.arange(n) - (n - 1) / 2
    slope = values @ times / (times @ times)
    steps = np.arange(ahead) + ((1 - (1 - alpha)**n) / alpha)[:, None]
    return level[:, None] + slope[:, None] / 2 * steps
