"""Who forecasts, by TREND_BY: the Theta method here, that of statsmodels, or TDengine's FORECAST."""

from collections.abc import Callable

import numpy as np

from bridge.settings import options
from bridge.trend import questions, theta
from bridge.trend.band import Forecaster
from bridge.trend.measure import Measure
from bridge.trend.refusal import Refusal
from bridge.trend.series import Series, text

ORIGINS = {"theta": 8, "statsmodels": 3, "tdengine": 2}  # moments of the past: fewer where each takes long


def way(ask: Callable[[str], list[tuple]], measure: Measure) -> tuple[Forecaster, int]:
    """The forecaster, and from how many moments of the past it forecasts. `ask` asks the database.

    Raises Refusal where TREND_BY is tdengine and it has no analysis node.
    """
    name = options.trend_by
    if name == "tdengine":
        if not ask(questions.ANALYSIS_NODES):
            raise Refusal("TDengine has no analysis node (SHOW ANODES lists none), so its FORECAST would end with "
                          "error 0x0443: add one, or choose TREND_BY=theta.")
        return tdengine(ask, measure), ORIGINS[name]
    if name == "statsmodels":
        from bridge.trend import library
        return by_values(library.forecast), ORIGINS[name]
    return by_values(theta.forecast), ORIGINS[name]


def by_values(forecast: Callable[[np.ndarray, int, int | None], np.ndarray]) -> Forecaster:
    """A forecaster that needs the values alone."""
    return lambda series, known, ahead, period: forecast(series.values[:, :known], ahead, period)


def tdengine(ask: Callable[[str], list[tuple]], measure: Measure) -> Forecaster:
    """A forecaster that asks TDengine."""
    def forecast(series: Series, known: int, ahead: int, period: int | None) -> np.ndarray:
        end = series.start + known * series.width
        found = {name: [] for name in series.names}
        for tag, value in ask(questions.forecast(measure, series.start, end, series.width, ahead, period)):
            if text(tag) in found:
                found[text(tag)].append(value)
        if any(len(values) != ahead for values in found.values()):
            raise Refusal("TDengine's FORECAST answered for some series only: choose TREND_BY=theta.")
        return np.array(list(found.values()), dtype=float)
    return forecast
