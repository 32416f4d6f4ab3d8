"""The page with panels of all rows, beside one of the newest; and 200 000 rows of ten meters for them."""

import re
from pathlib import Path

import taosws

import meters
from bridge.writer import bind
from producer import tags
from tests.helpers.browser import until
from tests.helpers.programs import copy_of_the_demo

METERS, EACH, STEP_MS = 10, 20_000, 8640  # two days of rows
SHEET = """    sheets: {Both: [
        {title: "Live", plugin: "Datagrid", group_by: ["location"], group_rollup_mode: "flat", columns: ["current"],
         aggregates: {current: "last"}},
        {title: "All", plugin: "Datagrid", table: "meters",
         columns: ["timestamp", "tbname", "location", "current", "voltage"]},
    ]},
"""
HOUR = "CAST(_wstart AS BIGINT)"
HOURLY = {"expressions": {"hour": 'bucket("timestamp", \'1h\')'}, "group_rollup_mode": "flat"}
# What people do: a configuration, and the statement that gives the same rows, in the order of the view's columns.
STEPS = {
    "group": ({"group_by": ["location"], "columns": ["current"], "aggregates": {"current": "avg"}},
              "SELECT location, AVG(current) FROM meters GROUP BY location ORDER BY location"),
    "filter": ({"group_by": ["location"], "columns": ["voltage"], "aggregates": {"voltage": "sum"},
                "filter": [["voltage", ">", 220], ["location", "in", ["Oakland", "San Jose"]]]},
               "SELECT location, SUM(voltage) FROM meters WHERE voltage > 220 AND location IN ('Oakland', 'San Jose') "
               "GROUP BY location ORDER BY location"),
    "sort": ({"group_by": ["location"], "columns": ["current"], "aggregates": {"current": "max"},
              "sort": [["current", "desc"]]},
             "SELECT location, MAX(current) FROM meters GROUP BY location ORDER BY MAX(current) DESC"),
    "aggregates": ({"group_by": ["groupid"], "columns": ["current", "voltage", "phase"],
                    "aggregates": {"current": "min", "voltage": "count", "phase": "high"}},
                   "SELECT groupid, MIN(current), COUNT(voltage), MAX(phase) FROM meters GROUP BY groupid "
                   "ORDER BY groupid"),
    "bucket": ({**HOURLY, "plugin": "Y Line", "group_by": ["hour"], "columns": ["voltage"],
                "aggregates": {"voltage": "avg"}},
               f"SELECT {HOUR}, AVG(voltage) FROM meters INTERVAL(1h)"),
    "candlestick": ({"plugin": "Candlestick", "group_by": ["hour"], "group_rollup_mode": "flat",
                     "columns": ["open", "close", "high", "low"], "expressions": HOURLY["expressions"] | {
                         name: '"current"' for name in ("open", "close", "high", "low")},
                     "aggregates": {"open": "first", "close": "last", "high": "high", "low": "low"},
                     "filter": [["location", "==", "Oakland"]]},  # of one meter: others have rows at the same time
                    f"SELECT {HOUR}, FIRST(current), LAST(current), MAX(current), MIN(current) FROM meters "
                    "WHERE location = 'Oakland' INTERVAL(1h)"),
    "heatmap": ({**HOURLY, "plugin": "Heatmap", "group_by": ["hour"], "split_by": ["location"], "columns": ["current"],
                 "aggregates": {"current": "avg"}}, "location"),
    "split": ({"group_by": ["groupid"], "split_by": ["location"], "columns": ["voltage"],
               "aggregates": {"voltage": "sum"}, "group_rollup_mode": "flat"}, "groupid"),
}
FRESH = {"plugin": "Datagrid", "group_by": [], "split_by": [], "sort": [], "expressions": {}, "filter": [],
         "aggregates": {}, "group_rollup_mode": "flat"}

# Each row that a datagrid has on the screen: its number, and its cells.
CELLS = """table => [...table.querySelectorAll("tbody tr")].map(
    row => [table.getMeta(row.lastElementChild).y, [...row.children].map(cell => cell.textContent)])"""
SCROLL = "(table, share) => table.scrollTop = share * (table.scrollHeight - table.clientHeight)"


def fill(dsn: str, database: str, newest: int) -> taosws.Connection:
    """Makes the database, whose newest rows have this time; a connection to it. `current` tells all rows apart."""
    taosws.connect(dsn).execute(f"CREATE DATABASE {database}")
    connection = taosws.connect(f"{dsn}/{database}")
    connection.execute(meters.create_super_table())
    statement = connection.stmt2_statement()
    statement.prepare(meters.insert_rows())
    statement.bind([bind(f"d_bind_{meter}", tags(meter), {
        "ts": [newest - (EACH - 1 - k) * STEP_MS for k in range(EACH)],
        "current": [k + meter / 100 for k in range(EACH)],
        "voltage": [200 + (7 * k + 13 * meter) % 50 for k in range(EACH)],
        "phase": [(k % 97 + meter) / 100 for k in range(EACH)]}) for meter in range(METERS)])
    assert statement.execute() == METERS * EACH
    return connection


def copy_with_sheet(folder: Path) -> Path:
    """The demo's own files, the page with this sheet."""
    demo = copy_of_the_demo(folder)
    page = demo / "prsp-viewer.html"
    block = re.compile(r"    sheets: {.*?^    },\n", re.S | re.M)
    text, count = block.subn(lambda _: SHEET, page.read_text(), count=1)
    assert count == 1
    page.write_text(text)
    return demo


def panel_of_all_rows(page, seconds: float = 60):
    """The panel, as soon as it is drawn."""
    until(page, "document.querySelectorAll('section:has(output) > perspective-viewer[live]').length === 1", seconds)
    return page.query_selector("section:has(output) > perspective-viewer")


def note(page) -> str:
    return page.inner_text("section > output")


def restore(panel, config: dict) -> None:
    panel.evaluate("(viewer, config) => viewer.restore(config)", config)


def saved(panel) -> dict:
    return panel.evaluate("viewer => viewer.save()")


def rows(power, sql: str) -> list[tuple]:
    return list(power.query(sql))
