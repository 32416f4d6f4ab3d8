"""The page's sheets in Chromium: what each panel draws, beside the database's rows; and on a phone."""

import math
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from tests.helpers.browser import opener
from tests.helpers.databases import ROOT
from tests.helpers.sheets_page import (
    CONSTANT,
    LOCATIONS,
    METERS,
    WHY,
    address,
    answer,
    by,
    check_quantile,
    drawn,
    numbers,
    saved,
    sheets_demo,
    show,
    shown,
    split_values,
    trend,
)
from tests.helpers.waiting import wait_for

SCREEN, PHONE = {"width": 720, "height": 400}, {"width": 390, "height": 640}

@pytest.fixture(scope="module")
def demo(tmp_path_factory, dsn):
    with sheets_demo(tmp_path_factory.mktemp("sheets"), dsn) as demo:
        yield demo


@pytest.fixture(scope="module")
def page(demo, browser):
    with opener(browser) as open_page:
        yield open_page(address(demo, "live"), **SCREEN)


def check_on_a_phone(page, panels, name: str) -> None:
    """The panels are below each other, and nothing is beside the screen. The page stays like that."""
    page.set_viewport_size(PHONE)
    boxes = [panel.bounding_box() for panel in panels]
    assert all(box["width"] > 350 and box["height"] > 300 for box in boxes)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    (ROOT / "artefacts").mkdir(exist_ok=True)
    page.screenshot(path=ROOT / "artefacts" / f"{name.lower()}-390.png", full_page=True)


def test_live(demo, page):
    *by_meter, by_second = panels = show(page, "Live", **SCREEN)
    newest = {group: max(rows, key=lambda row: row["timestamp"])
              for group, rows in by(demo.rows, "location", "groupid").items()}
    for panel in by_meter:
        groups = [row for row in drawn(panel) if len(row["__ROW_PATH__"]) == 2]
        assert len(groups) == METERS
        for group in groups:
            assert group.items() <= {**newest[*group["__ROW_PATH__"]], "__ROW_PATH__": group["__ROW_PATH__"]}.items()
    assert len(by_meter) == 4
    check_windows(demo, split_values(drawn(by_second)), 1000)
    check_on_a_phone(page, panels, "Live")


def check_windows(demo, cells: dict[tuple, float], width: int) -> None:
    """Each cell is the average current of a window of time and a location."""
    rows = [{**row, "window": row["timestamp"] // width * width} for row in demo.rows]
    expected = {key: np.mean([row["current"] for row in found if row["current"] is not None] or [math.nan])
                for key, found in by(rows, "window", "location").items()}
    expected = {key: value for key, value in expected.items() if not math.isnan(value)}  # JSON has no NaN
    assert cells == pytest.approx(expected) and len(cells) > METERS


def test_no_trend_is_said_on_the_panels(page):
    page.route("**/trend?*", lambda route: route.fulfill(status=503, body="nothing is expected\nat all"))
    page.click("nav a:text-is('Trend')")
    page.set_viewport_size(SCREEN)
    wait_for(lambda: notes_of(page) == ["nothing is expected"] * 2, what="the reason")
    wait_for(lambda: "no trend" in page.inner_text("#state"), what="the sheet's state")


def test_history(demo, page):
    line, flat, candles, heat = panels = show(page, "History", **SCREEN)
    for panel in (line, heat):
        rows = drawn(panel)
        check_windows(demo, split_values(rows), width(rows))
    newest = sorted(demo.rows, key=lambda row: -row["timestamp"])
    found = drawn(flat)
    assert len(found) == len(newest)
    assert found[:9] == [{name: row[name] for name in found[0]} for row in newest[:9]]
    assert {row["location"] for row in found} == {row["location"] for row in newest}
    rows = drawn(candles)
    windows = by([{**row, "window": row["timestamp"] // width(rows) * width(rows)} for row in demo.rows], "window")
    for row in rows:
        currents = [row["current"] for row in windows[*row["__ROW_PATH__"]] if row["current"] is not None]
        if not any(map(math.isnan, currents)):
            assert [row[name] for name in ("first", "last", "high", "low")] == pytest.approx(
                [currents[0], currents[-1], max(currents), min(currents)])
    assert len(rows) == len(windows) > METERS
    check_on_a_phone(page, panels, "History")


def width(rows: list[dict]) -> int:
    """How wide the windows are by which a panel groups, in ms."""
    times = [row["__ROW_PATH__"][0] for row in rows]
    return min(later - time for time, later in zip(times, times[1:]))


def test_trend(page):
    rows, asked = trend(*LOCATIONS), []
    page.route("**/trend?*", lambda route: asked.append(route.request.url) or route.fulfill(
        **answer(rows, route.request.url)))
    line, outside = panels = show(page, "Trend", **SCREEN)
    assert "range=all" in asked[0]
    every = rows.set_column(0, "timestamp", rows["timestamp"].cast(pa.int64())).to_pylist()
    beyond = [row for row in every if row["expected"] and row["measured"]
              and not row["low"] <= row["measured"] <= row["high"]]
    beyond.sort(key=lambda row: (-row["timestamp"], row["location"]))
    for location in ("Campbell", "Oakland", CONSTANT):
        page.select_option("#choice", location)
        expected = [{"__ROW_PATH__": [row.pop("timestamp")], **{k: v for k, v in row.items() if k != "location"}}
                    for row in rows_of(every, location)]
        wait_for(lambda: drawn(line) == expected, what="what is expected there")
        assert ["location", "==", location] in saved(line)["filter"]
        wait_for(lambda: notes_of(page) == ([WHY, ""] if location == CONSTANT else ["", ""]), what="why there is none")
        found = sorted(drawn(outside), key=lambda row: (-row["timestamp"], row["location"]))
        assert [row.pop("beyond") for row in found] == pytest.approx([1.8] * 3 + [-2.8] * 3)
        assert found == beyond
    wait_for(lambda: "the trend as of" in page.inner_text("#state"), what="the time of the trend")
    assert [url.partition("location=")[2] for url in asked] == ["", "Campbell", "Oakland", "Palo+Alto"]
    rows = trend("Alameda", "San Jose")
    page.select_option("#range select", "5m")
    wait_for(lambda: page.input_value("#choice") == "Alameda", what="another location, where that one has no rows")
    assert all("range=5m" in url for url in asked[4:]) and len(asked) == 6
    check_on_a_phone(page, panels, "Trend")
    page.select_option("#range select", "all")


def notes_of(page) -> list[str]:
    """What the panels say."""
    return page.locator("section output").all_inner_texts()


def rows_of(rows: list[dict], location: str) -> list[dict]:
    return [dict(row) for row in rows if row["location"] == location]


@pytest.mark.parametrize("rows", ("newest", "range"))
def test_statistics(demo, page, rows):
    show(page, "Statistics", **SCREEN)
    if rows != page.input_value("#rows"):
        page.select_option("#rows", rows)
    by_location, histogram, heat, scatter, rolling = panels = shown(page, "Statistics")
    tables = ["meters_values" if rows == "newest" else "meters"] * 4 + ["meters_values"]
    assert [saved(panel)["table"] for panel in (by_location, histogram, heat, scatter, rolling)] == tables
    figures = {tuple(row["__ROW_PATH__"]): row for row in drawn(by_location)}
    assert figures.keys() == {(), *by(demo.rows, "location")}
    for location, row in figures.items():
        values = numbers([row for row in demo.rows if location in ((), (row["location"],))])
        expected = len(values), values.mean(), values.std(), values.min(), values.max()
        assert [row[name] for name in ("rows", "current", "deviation", "least", "most")] == pytest.approx(expected)
        for name, share in (("q1", 0.25), ("median", 0.5), ("q3", 0.75)):
            check_quantile(values, share, row[name])
    assert {row["__ROW_PATH__"][0]: row["rows"] for row in drawn(histogram)} == Counter(
        (np.floor(numbers(demo.rows) / 0.5) * 0.5).tolist())
    assert split_values(drawn(heat)) == Counter((row["voltage"], row["location"]) for row in demo.rows)
    assert Counter((row["phase"], row["current"]) for row in drawn(scatter)) == Counter(
        (row["phase"], None if row["current"] is not None and math.isnan(row["current"]) else row["current"])
        for row in demo.rows)
    check_rolling(demo, drawn(rolling))
    stays = page.evaluate("[...document.querySelectorAll('section')].map(section => section.className)")
    assert stays == ["", "", "", "", "stays" if rows == "range" else ""]
    assert page.inner_text("#problem") == ""
    wait_for(lambda: "the newest rows" in page.inner_text("#state"), what="the sheet's state")
    if rows == "newest":
        check_on_a_phone(page, panels, "Statistics")


def check_rolling(demo, drawn: list[dict], before: int = 50) -> None:
    """Each average is that of a row and of those before it."""
    oakland = [row["current"] for row in demo.rows if row["location"] == "Oakland"]
    windows = [[value for value in oakland[max(0, place - before):place + 1] if value is not None]
               for place in range(len(oakland))]
    expected = [np.mean(window) for window in windows]
    assert [row["average"] for row in drawn] == [None if math.isnan(value) else pytest.approx(value)
                                                 for value in expected]
