"""The Theta method of statsmodels. Nothing else imports statsmodels, which takes seconds and 300 MB."""

import warnings

import numpy as np
from statsmodels.tsa.forecasting.theta import ThetaModel


def forecast(values: np.ndarray, ahead: int, period: int | None = None) -> np.ndarray:
    """What is expected after `values` (series, windows), as (series, ahead): see `bridge/trend/theta.py`."""
    if period is not None and values.shape[1] < 2 * period:  # which statsmodels refuses
        period = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as that the smoothing of a series without noise did not converge
        models = [ThetaModel(series, period=period or 1, method="additive", deseasonalize=bool(period), use_test=False)
                  for series in values]
        return np.array([np.asarray(model.fit().forecast(ahead)) for model in models])
