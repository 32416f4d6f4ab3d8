"""How a range is cut into windows, and which season it has."""

import pytest

import meters
from bridge.columns import Column
from bridge.settings import options
from bridge.trend.measure import measure
from bridge.trend.refusal import Refusal
from bridge.trend.windows import DAY, HOUR, MINUTE, MOST, SECOND, choose

NOW = 1_795_872_345_678


@pytest.fixture
def chosen(monkeypatch):
    """A function that sets TREND_COLUMN and TREND_TAG."""
    def choose(column: str = "", tag: str = "") -> None:
        monkeypatch.setattr(options, "trend_column", column, raising=False)
        monkeypatch.setattr(options, "trend_tag", tag, raising=False)
    return choose


@pytest.mark.parametrize("length, cycle, width, period", [
    (10 * MINUTE, 0, SECOND, None),
    (10 * MINUTE, 120, SECOND, 120),
    (HOUR, 120, 5 * SECOND, 24),
    (HOUR, 100, 5 * SECOND, 20),
    (HOUR, 97, 97_000 / 40, 40),  # no whole unit divides it
    (3 * MINUTE, 120, SECOND, None),  # there are no two cycles
    (DAY, 120, MINUTE, None),  # a window would be half a cycle
    (2 * DAY, 120, 2 * MINUTE, 720),
    (7 * DAY, 0, 10 * MINUTE, 144),
    (365 * DAY, 0, 6 * HOUR, 4),
    (10 * 365 * DAY, 0, 7 * DAY, None),
])
def test_width_and_season(length, cycle, width, period):
    windows = choose(NOW - length, NOW, 0, cycle * 1000)
    assert (windows.width, windows.period) == (width, period)
    assert windows.count <= MOST
    assert windows.ahead == min(windows.count // 4, max(1, DAY // windows.width))
    assert windows.start % windows.width == 0
    assert NOW - length <= windows.start and NOW - windows.width < windows.end <= NOW


def test_windows_are_as_wide_as_rows_are_apart():
    assert choose(NOW - HOUR, NOW, spacing=47 * SECOND).width == MINUTE


@pytest.mark.parametrize("length, count", [(0, 0), (1500, 0), (2900, 2)])
def test_fewer_than_three_windows(length, count):
    with pytest.raises(Refusal, match=f"There are {count} whole windows of 1 s so far, and a trend needs 3"):
        choose(NOW - length, NOW)


def test_a_part_of_a_window_is_left_out():
    windows = choose(1000, 5999)
    assert (windows.start, windows.end) == (1000, 5000)
    assert choose(1001, 5999).start == 2000


def test_first_floats_and_first_text_are_the_measure(chosen):
    chosen()
    assert (measure().column, measure().tag) == ("current", "location")
    chosen("voltage", "groupid")
    assert (measure().column, measure().tag) == ("voltage", "groupid")
    chosen("speed")
    with pytest.raises(Refusal, match="TREND_COLUMN names speed, .* there are current, voltage, phase"):
        measure()
    chosen(tag="place")
    with pytest.raises(Refusal, match="TREND_TAG names place, .* there are groupid, location"):
        measure()


def test_rows_of_ones_own(chosen, monkeypatch):
    chosen()
    monkeypatch.setattr(meters, "DATA", (Column("ts", "TIMESTAMP"), Column("open", "BOOL"),
                                         Column("pm10", "INT UNSIGNED")))
    monkeypatch.setattr(meters, "TAGS", ())
    assert (measure().column, measure().tag) == ("pm10", "")
    monkeypatch.setattr(meters, "DATA", meters.DATA[:2])
    with pytest.raises(Refusal, match="no column of numbers"):
        measure()
