"""The trend without a database: forecasts, gaps, and ranges that hold."""

import importlib
import math
import warnings

import numpy as np
import pyarrow as pa
import pytest

from bridge.trend import theta
from bridge.trend.band import error_of
from bridge.trend.chosen import notes, of_location, outside
from bridge.trend.refusal import Refusal
from bridge.trend.series import groups, measured
from bridge.trend.trend import SCHEMA, trend
from bridge.trend.ways import ORIGINS, by_values
from bridge.trend.windows import MINUTE, SECOND, Windows

PERIOD = 48
# The second one imports statsmodels, which takes seconds: so it is imported by the few tests that need it.
MODULES = {"theta": "bridge.trend.theta", "statsmodels": "bridge.trend.library"}


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for of_others in (ResourceWarning, pytest.PytestWarning):  # which tests of before have left behind
            warnings.simplefilter("ignore", of_others)
        yield


def course(kind: str, count: int, seed: int) -> np.ndarray:
    """`count` values with noise of 0.3."""
    random, at = np.random.default_rng(seed), np.arange(count)
    noise, cycle = random.normal(0, 0.3, count), 2 * np.sin(2 * np.pi * at / PERIOD)
    return 10 + noise + {"cycle": cycle, "drift": cycle + at * 0.004, "steps": cycle + 2 * (at > count // 2),
                         "corners": np.where(at % PERIOD > 30, 3, 0), "noise": 0}[kind]


def windows_of(count: int, period: int | None = PERIOD) -> Windows:
    return Windows(0, 30 * MINUTE, count, period)


def rows_of(values: dict[str, np.ndarray], width: int = 30 * MINUTE) -> list[tuple]:
    """The database's rows; None where a series has no row in a window."""
    return [(at * width, name, value) for name, series in values.items()
            for at, value in enumerate(series) if value is not None]


def trend_of(values: dict, windows: Windows, way: str = "theta") -> pa.Table:
    forecaster = by_values(importlib.import_module(MODULES[way]).forecast)
    return trend(rows_of(values, windows.width), windows, forecaster, ORIGINS[way])


def column(table: pa.Table, name: str) -> np.ndarray:
    return table[name].to_numpy(zero_copy_only=False)


def test_forecasts_are_those_of_statsmodels():
    library = importlib.import_module(MODULES["statsmodels"])
    for kind in ("cycle", "drift", "steps", "corners", "noise"):
        values = np.array([course(kind, 672, seed) for seed in range(3)])
        for period in (PERIOD, None):
            ours, theirs = (forecast(values, 100, period) for forecast in (theta.forecast, library.forecast))
            assert np.abs(ours - theirs).max() < 0.05, (kind, period)  # of noise of 0.3


def test_seasons_are_those_of_statsmodels():
    from statsmodels.tsa.seasonal import seasonal_decompose
    values = np.array([course("corners", 300, seed) for seed in range(3)])
    for period in (47, 48):
        right = [seasonal_decompose(series, model="additive", period=period).seasonal[:period] for series in values]
        assert theta.seasons(values, period) == pytest.approx(np.array(right)), period


@pytest.mark.parametrize("kind", ["cycle", "drift", "corners", "noise"])
@pytest.mark.parametrize("count", [100, 200, 672])
def test_values_that_come_are_in_the_range(kind, count):
    """90 to 97 % of them, also after two seasons only; the forecast is nearer than what came a season before."""
    ahead, inside, missed, copied = windows_of(count).ahead, [], [], []
    courses = [course(kind, count + ahead, seed) for seed in range(100)]
    table = trend_of({f"{seed:02}": course[:count] for seed, course in enumerate(courses)}, windows_of(count))
    assert table.num_rows == 100 * (count + ahead)
    for seed, values in enumerate(courses):
        rows, come = table.slice(seed * (count + ahead) + count, ahead), values[count:]
        assert rows["measured"].null_count == ahead
        inside.append((column(rows, "low") <= come) & (come <= column(rows, "high")))
        missed.append(np.abs(column(rows, "expected") - come))
        copied.append(np.abs(values[count - PERIOD:count - PERIOD + ahead] - come))
    assert 0.9 <= np.mean(inside) <= 0.97
    assert np.mean(missed) < (1.1 if count == 100 else 0.92) * np.mean(copied)


def test_the_newest_quarter_was_expected_too():
    values = course("cycle", 400, 1)
    values[[350, 390]] += 5
    table = trend_of({"A": values, "B": course("cycle", 400, 2)}, windows_of(400))
    assert table.schema.equals(SCHEMA) and notes(table) == {}
    assert table["location"].to_pylist() == ["A"] * 448 + ["B"] * 448
    assert column(table, "timestamp")[:448].astype("int64").tolist() == [at * 30 * MINUTE for at in range(448)]
    assert column(table, "measured")[:400].tolist() == values.tolist()
    for name in ("expected", "low", "high"):
        assert np.flatnonzero(~np.isnan(column(table, name)[:448])).tolist() == list(range(352, 448))
    left = outside(table)
    assert left["timestamp"].to_pylist() == sorted(left["timestamp"].to_pylist(), reverse=True)
    assert 390 * 30 * MINUTE in column(left, "timestamp").astype("int64")
    assert left.num_rows < 20
    assert outside(table, most=1).num_rows == 1


def test_gaps_are_lines_for_the_forecast_and_null_in_the_table():
    values = course("cycle", 400, 1).tolist()
    whole = trend_of({"A": np.array(values)}, windows_of(400))
    gaps = [30, 31, 32, 200, 201, 380, 399]
    for at, gap in zip(gaps, (None, math.nan, math.inf, -math.inf, None, None, None)):
        values[at] = gap
    table = trend_of({"A": values}, windows_of(400))
    assert np.flatnonzero(np.isnan(column(table, "measured")[:400])).tolist() == gaps
    assert table["measured"].null_count == 7 + 48
    assert np.abs(column(table, "expected")[400:] - column(whole, "expected")[400:]).max() < 0.3
    part, = groups(*measured(rows_of({"A": [1, None, None, 4, 5]}), windows_of(5)), windows_of(5))
    assert part.values.tolist() == [[1, 2, 3, 4, 5]]
    assert error_of(part, 2, np.array([[1.0, 1, 1, 1]])) == pytest.approx(
        np.array([[np.nan, 3, 4, np.nan]]), nan_ok=True)  # neither gaps nor the future have errors


def test_null_from_the_database_is_a_gap():
    windows = Windows(0, 1000, 5)
    table = trend([(0, None, 1.0), (1000, None, None), (2000, None, 3.0), (3000, None, 5.0), (4000, None, 4.0)],
                  windows, by_values(theta.forecast), 8)
    assert table["location"].unique().to_pylist() == [""]
    assert table["measured"].to_pylist() == [1, None, 3, 5, 4, None]


def test_series_that_begin_late_have_a_shorter_future():
    late = [None] * 300 + course("cycle", 400, 1)[300:].tolist()
    table = trend_of({"A": course("cycle", 400, 2), "B": late}, windows_of(400))
    assert table["location"].to_pylist().count("A") == 448
    assert table["location"].to_pylist().count("B") == 400 - 300 + 25
    assert table["measured"].null_count == 48 + 25


@pytest.mark.parametrize("way", MODULES)
def test_few_values_have_a_wide_range(way):
    for count in (3, 4, 5, 9, 20):
        table = trend_of({"A": course("noise", count, 1)}, windows_of(count, None), way)
        assert table.num_rows == count + max(1, count // 4)
        assert (column(table, "high") - column(table, "low"))[-1] > 0.3, count
        assert np.isfinite(column(table, "expected")[-1]), count


def test_what_has_no_trend_says_why():
    windows = Windows(0, 10 * SECOND, 50)
    with pytest.raises(Refusal, match="All values are 2.5 in this range: there is no trend in a constant."):
        trend_of({"A": np.full(50, 2.5)}, windows)
    with pytest.raises(Refusal, match="There are 2 windows of 10 s with values, and a trend needs 3"):
        trend_of({"A": [1, 2, *[None] * 48]}, windows)
    with pytest.raises(Refusal, match="None of the 2 series has a trend: A: All values are 1"):
        trend_of({"A": np.ones(50), "B": [1, 2, *[None] * 48]}, windows)
    with pytest.raises(Refusal, match="No values were measured"):
        trend_of({}, windows)
    table = trend_of({"A": np.ones(50), "B": course("noise", 50, 1), "C": [1, 2], "D": [math.nan] * 50}, windows)
    assert {name: words.split(":")[0] for name, words in notes(table).items()} == {
        "A": "All values are 1 in this range", "C": "There are 2 windows of 10 s with values, and a trend needs 3",
        "D": "There are 0 windows of 10 s with values, and a trend needs 3"}
    assert table["location"].to_pylist() == [*"A" * 50, *"B" * 62, *"C" * 50, *"D" * 50]
    assert table["expected"].null_count == 150 + 50 - 12


def test_a_series_without_noise():
    for way in MODULES:
        cycle = np.sin(2 * np.pi * np.arange(480) / PERIOD)
        table = trend_of({"A": cycle, "B": np.arange(480.0)}, windows_of(480), way)
        assert np.isfinite(column(table, "low")[-1]) and np.isfinite(column(table, "high")[-1])
        assert np.abs(column(table, "expected")[480:528] - column(table, "measured")[432:480]).max() < 0.05


def test_a_page_gets_a_location_and_a_little_of_the_others():
    values = {name: course("cycle", 400, seed) for seed, name in enumerate("ABC")}
    values["A"][[350, 390]] += 5
    table = trend_of({**values, "D": np.ones(400)}, windows_of(400))
    rows = {name: [row for row in table.to_pylist() if row["location"] == name] for name in "ABCD"}
    left = [row for row in outside(table).to_pylist() if row["location"] != "B"]
    assert {row["location"] for row in left} >= {"A"}
    found, note = of_location(table, "B")
    assert note == "" and found.schema == table.schema
    assert found.to_pylist() == [rows["A"][-1], *rows["B"], rows["C"][-1], rows["D"][-1], *left]
    assert of_location(table, "")[0].to_pylist()[:448] == rows["A"]
    found, note = of_location(table, "D")
    assert note == notes(table)["D"] and found["measured"].to_pylist().count(1) == 400
    with pytest.raises(LookupError, match="There is no location 'E' in this range."):
        of_location(table, "E")


def test_what_is_expected_is_in_its_range():
    """Also of a series that has only risen, and is forecast too low each time."""
    table = trend_of({"a": np.arange(60) ** 2.0}, windows_of(60, None))
    low, expected, high = (column(table, name) for name in ("low", "expected", "high"))
    there = ~np.isnan(expected)
    assert there.any() and (low <= expected)[there].all() and (expected <= high)[there].all()
