"""The page with panels of all rows, beside one of the newest; and 200 000 rows of ten meters for them."""

from pathlib import Path

import taosws

import meters
from bridge.writer import bind
from producer import tags
from tests.helpers.browser import until
from tests.helpers.programs import copy_of_the_demo
from tests.helpers.sheets_page import set_sheets
from tests.helpers.waiting import wait_for

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
ALL_ROWS = FRESH | {"columns": ["timestamp", "tbname", "location", "current", "voltage"]}

# Each row that a datagrid has on the screen: its number, and its cells.
CELLS = """table => [...table.querySelectorAll("tbody tr")].map(
    row => [table.getMeta(row.lastElementChild).y, [...row.children].map(cell => cell.textContent)])"""
SCROLL = "(table, share) => table.scrollTop = share * (table.scrollHeight - table.clientHeight)"


def fill(dsn: str, database: str, newest: int, each: int = EACH) -> taosws.Connection:
    """Makes the database; a connection to it. The newest of `each` rows of a meter have this time.

    `current` tells all rows apart.
    """
    taosws.connect(dsn).execute(f"CREATE DATABASE {database}")
    connection = taosws.connect(f"{dsn}/{database}")
    connection.execute(meters.create_super_table())
    statement = connection.stmt2_statement()
    statement.prepare(meters.insert_rows())
    statement.bind([bind(f"d_bind_{meter}", tags(meter), {
        "ts": [newest - (each - 1 - k) * STEP_MS for k in range(each)],
        "current": [k + meter / 100 for k in range(each)],
        "voltage": [200 + (7 * k + 13 * meter) % 50 for k in range(each)],
        "phase": [(k % 97 + meter) / 100 for k in range(each)]}) for meter in range(METERS)])
    assert statement.execute() == METERS * each
    return connection


def copy_with_sheet(folder: Path) -> Path:
    """The demo's own files, the page with this sheet."""
    demo = copy_of_the_demo(folder)
    set_sheets(demo, SHEET)
    return demo


def panel_of_all_rows(page, seconds: float = 60):
    """The panel, as soon as it is drawn."""
    until(page, "document.querySelectorAll('section:has(output) > perspective-viewer[live]').length === 1", seconds)
    return page.query_selector("section:has(output) > perspective-viewer")


def note(page) -> str:
    return page.inner_text("section > output")


def restore(panel, config: dict) -> None:
    panel.evaluate("(viewer, config) => viewer.restore(config)", config)


def rows(power, sql: str) -> list[tuple]:
    return list(power.query(sql))


def number_of_rows(panel) -> int:
    """-1 while one view takes the place of another."""
    return panel.evaluate("viewer => viewer.getView().then(view => view.num_rows()).catch(() => -1)")


def check_cells(power, panel) -> list[int]:
    """Waits until the rows on the screen are those of the database; their numbers."""
    table = panel.query_selector("regular-table")

    def equal():
        cells = table.evaluate(CELLS)
        cells = [row for place, row in enumerate(cells) if row[0] == cells[0][0] + place]  # below may be old ones
        if len(cells) < 10:
            return None
        numbers = [number for number, _ in cells]
        found = rows(power, "SELECT tbname, location, current, voltage FROM meters ORDER BY ts DESC, tbname "
                     f"LIMIT {len(numbers)} OFFSET {numbers[0]}")
        shown = [(meter, location, float(current.replace(",", "")), int(voltage))
                 for _, (_, meter, location, current, voltage) in cells if current]
        expected = [(meter, location, round(current, 2), voltage) for meter, location, current, voltage in found]
        return shown == expected and numbers
    return wait_for(equal, 20, "the database's rows")


def split_by_location(power, config: dict) -> dict[tuple, float]:
    """The cells of one of the STEPS that are split: by the group's value and the location."""
    sql = (f"SELECT {HOUR}, location, AVG(current) FROM meters PARTITION BY location INTERVAL(1h)"
           if config["group_by"] == ["hour"]
           else "SELECT groupid, location, SUM(voltage) FROM meters GROUP BY groupid, location")
    return {(key, location): value for key, location, value in rows(power, sql)}
