"""The names of TDengine's functions of rows; `series.py` and `series_choices.py` build them."""

OF_GROUPS = ("top", "bottom", "sample")  # these may stand in windows and with GROUP BY
SERIES_NAMES = frozenset({"diff", "derivative", "csum", "mavg", "statecount", "stateduration", "tail", "unique",
                          *OF_GROUPS})
