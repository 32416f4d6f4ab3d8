"""How long panels of all rows take: the configurations that people try first, over a year of rows, beside the bare SQL.

`ROWS=10000000 .venv/bin/python -m benchmarks.history` has another number of rows than a million. The bare SQL is what a
view asks, one statement after another, on a connection of its own.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import perspective
import pyarrow as pa

import meters
from benchmarks.embedded_queries import SUBTABLES, asked, fill
from benchmarks.measure import Figure, Place, drifting_producer, left_out, show
from bridge.history import tables
from bridge.history.known import Known, Missing
from bridge.history.view import View
from bridge.history.view_sql import ViewSql, Windows
from tests.helpers.databases import ROOT
from tests.helpers.history import HistoryViewer, table_of
from tests.helpers.programs import Server

ROWS = int(os.environ.get("ROWS", 1_000_000))
VIEWERS, EVERY_S, WATCH_S = 50, 5, 15
MOST_OWN = 2_000_000  # rows that Perspective's own table gets: more take long, and much memory
YEAR_MS, DAY_MS, HOUR_MS = 365 * 86_400_000, 86_400_000, 3_600_000
HOURS, DAYS = ({"b": f"bucket(\"timestamp\", '1{unit}')"} for unit in "hD")


def configurations(now: int) -> dict[str, dict]:
    """By name; `now` is in epoch ms."""
    current, averages = {"columns": ["current"]}, {"aggregates": {"current": "avg"}}
    prices = {"columns": ["open", "close", "high", "low"],
              "aggregates": {"open": "first", "close": "last", "high": "high", "low": "low"}}
    return {
        "newest rows": {},
        "rows of one location": {"filter": [["location", "==", "Palo Alto"]]},
        "rows by the largest current": {"sort": [["current", "desc"]], "filter": [["timestamp", ">", now - DAY_MS]]},
        "average by location and group": {"group_by": ["location", "groupid"], **current, **averages},
        "average by location, day by day": {"group_by": ["b"], "split_by": ["location"], "expressions": DAYS, **current,
                                            **averages},
        "average by time": {"group_by": ["timestamp"], **current, **averages},
        "average by location and hour of a month": {
            "group_by": ["location", "b"], "expressions": HOURS, "filter": [["timestamp", ">", now - 30 * DAY_MS]],
            **current, **averages},
        "median by location": {"group_by": ["location"], **current, "aggregates": {"current": "median"}},
        "candlestick by day": {"group_by": ["b"], **prices, "expressions": DAYS | {
            name: '"current"' for name in prices["columns"]}},
        "count by subtable": {"group_by": ["tbname"], **current, "aggregates": {"current": "count"}},
    }


def bare_ms(connection, table: tables.Table, config: dict) -> float:
    """What the statements of a view take, until their answers are read."""
    known, answers, took = Known(), {}, 0
    view, now = View(ViewSql(table, config), known), time.time_ns() // 10**6
    while True:
        known.begin(answers, now)
        try:
            view.data(0, 100, slice(None))
            return took * 1000
        except Missing:
            for question in known.missing:
                started = time.perf_counter()
                sql = question.sql() if isinstance(question, Windows) else question
                answers[question] = list(connection.query(sql))
                took += time.perf_counter() - started


def drawn_ms(table, config: dict, start: int = 0) -> float:
    """What a panel takes: the view, its size, and its first 100 rows."""
    started = time.perf_counter()
    view = table.view(**config)
    view.num_rows()
    view.to_columns(start_row=start, end_row=start + 100)
    took = time.perf_counter() - started
    view.delete()
    return took * 1000


@contextmanager
def history(rows: int):
    """A history over so many rows: (its viewer, a connection to the database, the server, the place, the end)."""
    with tempfile.TemporaryDirectory() as name:
        folder, end = Path(name) / "rows", time.time_ns() // 10**6
        fill(folder, rows, end, YEAR_MS * SUBTABLES // rows)
        with asked(folder) as (embedded, connection), Server(Path(name), f"{embedded.dsn}/power") as server:
            with HistoryViewer(server.port) as viewer:
                yield viewer, connection, server, Place(f"{embedded.dsn}/power", Path(name), embedded), end


def refresh_ms(table, range_ms: int) -> list[float]:
    """What it takes to draw a chart of the last `range_ms` anew, when its answers are no longer kept."""
    took = []
    for _ in range(4):
        now = time.time_ns() // 10**6
        config = {"group_by": ["timestamp"], "group_rollup_mode": "flat", "columns": ["current"],
                  "aggregates": {"current": "avg"}, "filter": [["timestamp", ">=", now - range_ms]]}
        took.append(drawn_ms(table, config))
        time.sleep(5.1)  # so long answers are kept
    return took[1:]


def own_table(connection) -> tuple[perspective.Table, float]:
    """The same rows in Perspective's own table, and how many seconds it takes to load them."""
    started = time.perf_counter()
    names = [*meters.PERSPECTIVE_SCHEMA, "tbname"]
    columns = ", ".join("CAST(ts AS BIGINT)" if name == "timestamp" else name for name in names)
    rows = list(zip(*connection.query(f"SELECT {columns} FROM meters")))
    types = {field.name: field.type for field in meters.ARROW_SCHEMA}
    arrow = pa.table({name: pa.array(values, types.get(name)) for name, values in zip(names, rows)})
    return perspective.Server().new_local_client().table(arrow), time.perf_counter() - started


def watched(server: Server, seconds: float) -> subprocess.Popen:
    """Somebody who watches the newest rows for so long."""
    return subprocess.Popen([sys.executable, "-m", "benchmarks.watcher", str(server.port), str(seconds)], cwd=ROOT,
                            stdout=subprocess.PIPE, text=True)


def crowd(place: Place, server: Server, configs: list[dict]) -> list[Figure]:
    """VIEWERS at once, each with these panels, drawn every EVERY_S, while somebody watches the newest rows."""
    with ExitStack() as stack, ThreadPoolExecutor(VIEWERS) as pool:
        stack.enter_context(drifting_producer(place.folder, place.dsn, SUBTABLES, 29))
        alone = json.loads(watched(server, WATCH_S).communicate()[0])
        viewers = [stack.enter_context(HistoryViewer(server.port)) for _ in range(VIEWERS)]
        tables = [viewer.table("meters") for viewer in viewers]
        watcher, started = watched(server, WATCH_S), time.perf_counter()
        list(pool.map(lambda table: [drawn_ms(table, config) for config in configs], tables))
        took = time.perf_counter() - started
        while watcher.poll() is None:
            time.sleep(max(0, started + EVERY_S - time.perf_counter()))
            started = time.perf_counter()
            list(pool.map(lambda table: [drawn_ms(table, config) for config in configs], tables))
        beside = json.loads(watcher.communicate()[0])
    p99 = sorted(beside["status"])[int(len(beside["status"]) * 0.99)]
    slower = statistics.median(beside["delays"]) - statistics.median(alone["delays"])
    return [Figure(f"history: {VIEWERS} viewers with {len(configs)} panels each, at once, all drawn", "s", [took],
                   goal="≤ 2", met=took <= 2),
            Figure("history: /status meanwhile", "ms", beside["status"], "without them", alone["status"], "p99 ≤ 50",
                   p99 <= 50),
            Figure("history: insert to a viewer of the newest rows meanwhile", "ms", beside["delays"], "without them",
                   alone["delays"], "the same, to 30", slower <= 30)]


def figures() -> list[Figure]:
    if left_out("history"):
        return []
    found, size = [], f"{ROWS // 10**6} M rows"
    with history(ROWS) as (viewer, connection, server, place, end):
        table, described = viewer.table("meters"), table_of(connection, "meters")
        own, loading = own_table(connection) if ROWS <= MOST_OWN else (None, 0)
        rival = "Perspective's own table" if own else ""
        if own:
            found.append(Figure(f"history, {size}: until the first panel", "s", [drawn_ms(table, {}) / 1000],
                                "loaded into Perspective's own table", [loading]))
        for name, config in configurations(end).items():
            bare = bare_ms(connection, described, config)
            first = drawn_ms(table, config)
            again = [drawn_ms(table, config) for _ in range(3)]
            found.append(Figure(f"history, {size}: {name}, the first time", "ms", [first], "the bare SQL", [bare],
                                "≤ the SQL + 300", first <= bare + 300))
            found.append(Figure(f"history, {size}: {name}, again", "ms", again, rival,
                                [drawn_ms(own, config)] if own else [], "≤ 400", max(again) <= 400))
        own = None
        for name, start in (("middle", ROWS // 2), ("end", ROWS - 100)):
            first, again = drawn_ms(table, {}, start), [drawn_ms(table, {}, start + n * 777 - 7777) for n in range(5)]
            found.append(Figure(f"history, {size}: scrolled to the {name}, the first time", "ms", [first]))
            found.append(Figure(f"history, {size}: scrolled to the {name}, further", "ms", again, goal="≤ 500",
                                met=statistics.median(again) <= 500))
        refreshed = {name: refresh_ms(table, range_ms) for name, range_ms in (
            ("5 minutes", 300_000), ("a day", DAY_MS), ("a year", YEAR_MS))}
        least = min(map(statistics.median, refreshed.values()))
        for name, took in refreshed.items():
            found.append(Figure(f"history, {size}: a chart of {name} refreshed", "ms", took,
                                goal="≤ 2 times the least", met=statistics.median(took) <= 2 * least))
        time.sleep(5.1)
        found += crowd(place, server, list(configurations(end).values())[3:6])
    return found


if __name__ == "__main__":
    show(figures())
