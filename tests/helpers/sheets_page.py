"""The page's sheets: rows that live and history share, what panels draw, and what NumPy makes of the same rows."""

import io
import json
import math
import re
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pyarrow as pa
import taosws
from playwright.sync_api import TimeoutError

import meters
from bridge.trend.chosen import NOTES, of_location
from bridge.trend.trend import SCHEMA
from bridge.writer import bind
from producer import tags
from tests.helpers.browser import VALUES, own_origin_page, until
from tests.helpers.live_rows import stored
from tests.helpers.programs import Server, copy_of_the_demo, free_port, now_ms
from tests.helpers.waiting import wait_for

METERS, EACH, STEP_MS = 10, 60, 1000
AHEAD, MEASURED = 30, 60  # rows of a location in the trend
LOCATIONS = "Campbell", "Oakland", "Palo Alto", "San Jose"
CONSTANT, WHY = "Palo Alto", "All values are 7 in this range: there is no trend in a constant."
SHOWN = """name => document.querySelector('nav [aria-current]')?.textContent === name
    && document.querySelectorAll('main section').length > 0
    && !document.querySelector('main section:not(:has(perspective-viewer[live]))')"""


def fill(dsn: str, database: str, newest: int) -> taosws.Connection:
    """Makes the database, whose newest rows have this time; no two rows of it share one. A connection to it.

    Each location has a row without a current, and Oakland has one whose current is NaN.
    """
    taosws.connect(dsn).execute(f"CREATE DATABASE {database}")
    connection = taosws.connect(f"{dsn}/{database}")
    connection.execute(meters.create_super_table())
    statement = connection.stmt2_statement()
    statement.prepare(meters.insert_rows())
    random = np.random.default_rng(14)
    batch = []
    for meter in range(METERS):
        current = [*random.uniform(5, 15, EACH).tolist()]
        current[7] = None
        if tags(meter)["location"] == "Oakland":
            current[9] = math.nan
        times = [newest - (EACH - 1 - k) * STEP_MS - 20 * meter for k in range(EACH)]
        batch.append(bind(f"d_bind_{meter}", tags(meter), {
            "ts": times, "current": current, "voltage": random.integers(215, 226, EACH).tolist(),
            "phase": random.uniform(0, 1, EACH).tolist()}))
    statement.bind(batch)
    statement.execute()
    return connection


def table(power) -> pa.Table:
    """All rows by the viewers' names, ascending; times in epoch ms."""
    columns = zip(*stored(power))
    return pa.table({name: pa.array(column) for name, column in zip(meters.PERSPECTIVE_SCHEMA, columns)})


@contextmanager
def sheets_demo(folder: Path, dsn: str):
    """A server whose database has some rows, all of which are among the newest, too; `rows` are these."""
    database = f"sheets_{free_port()}"
    power = fill(dsn, database, now_ms() - 1000)
    demo = copy_of_the_demo(folder)
    with Server(folder, f"{dsn}/{database}", "--table-limit=1000", "--interval-ms=1000", cwd=demo) as server:
        server.rows, server.tree = table(power).to_pylist(), demo
        yield server
    taosws.connect(dsn).execute(f"DROP DATABASE IF EXISTS {database}")


def set_sheets(tree: Path, sheets: str) -> None:
    """Puts sheets in place of those that the demo's page has."""
    page = tree / "prsp-viewer.html"
    text, count = re.subn(r"^    sheets: {.*?^    },\n", lambda _: sheets, page.read_text(), count=1, flags=re.S | re.M)
    assert count == 1
    page.write_text(text)


def trend(*locations: str) -> pa.Table:
    """A trend of locations, sorted. Two of a location's values are outside the range; those of CONSTANT are equal."""
    now, columns = now_ms() // STEP_MS * STEP_MS, {name: [] for name in SCHEMA.names}
    for place, location in enumerate(locations):
        for k in range(-MEASURED, 0 if location == CONSTANT else AHEAD):
            expected = 9 + place + 2 * math.sin(k / 15)
            measured = None if k >= 0 else expected + {-20: 3, -50: -4}.get(k, math.cos(k))
            row = (now + k * STEP_MS, place, measured, expected, expected - 1.2, expected + 1.2)
            for column, value in zip(columns.values(), (*row[:2], 7.0, *[None] * 3) if location == CONSTANT else row):
                column.append(value)
    columns["location"] = pa.DictionaryArray.from_arrays(pa.array(columns["location"], pa.int32()), list(locations))
    return pa.table(columns, SCHEMA.with_metadata({NOTES: json.dumps({CONSTANT: WHY})}))


def answer(rows: pa.Table, url: str) -> dict:
    """What the server answers for this address, as `route.fulfill` takes it."""
    try:
        found, note = of_location(rows, parse_qs(urlsplit(url).query, keep_blank_values=True)["location"][0])
    except LookupError as reason:
        return {"status": 404, "body": str(reason)}
    return {"body": stream(found), "headers": {"Cache-Control": "max-age=600", "Trend-Note": note}}


def stream(rows: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    return sink.getvalue()


def address(demo, sheet: str) -> str:
    return f"{own_origin_page(demo)}prsp-viewer.html?range=all#{sheet}"


def by(rows: list[dict], *keys: str) -> dict[tuple, list[dict]]:
    """Rows by their values of these columns."""
    found = {}
    for row in rows:
        found.setdefault(tuple(row[key] for key in keys), []).append(row)
    return found


def numbers(rows: list[dict], column: str = "current") -> np.ndarray:
    """The values that are there and are numbers."""
    return np.array([row[column] for row in rows if row[column] is not None and not math.isnan(row[column])])


def show(page, name: str, **size: int):
    """Shows a sheet by its link, on a screen of this size where one is given, and waits until it is drawn; its panels.

    The panels of the sheet before are gone when the size changes, so they are not drawn once more.
    """
    page.click(f"nav a:text-is('{name}')")
    if size:
        page.set_viewport_size(size)
    return shown(page, name)


def shown(page, name: str, seconds: float = 60):
    try:
        until(page, SHOWN, seconds, name)
    except TimeoutError:
        live = page.evaluate("[...document.querySelectorAll('perspective-viewer')].map(v => v.hasAttribute('live'))")
        raise AssertionError(f"{name} is not drawn: {live}, {page.inner_text('header')}") from None
    return page.query_selector_all("main perspective-viewer")


def drawn(panel, complete=len) -> list[dict]:
    """What a panel draws, as soon as `complete` of it is true."""
    return wait_for(lambda: (rows := panel.evaluate(VALUES)) and complete(rows) and rows, 30, "what is drawn")


def split_values(rows: list[dict]) -> dict[tuple, float]:
    """The cells of a view with one group and one split: by the group's value and the split's."""
    return {(row["__ROW_PATH__"][0], name.partition("|")[0]): value
            for row in rows for name, value in row.items() if "|" in name and value is not None}


def saved(panel) -> dict:
    return panel.evaluate("viewer => viewer.save()")


def check_quantile(values: np.ndarray, share: float, found: float) -> None:
    """Between the neighbours of the quantile: TDengine's is an estimate, and Perspective's a value that is there."""
    place, ordered = share * (len(values) - 1), np.sort(values)
    low, high = max(0, math.floor(place) - 1), min(len(values) - 1, math.ceil(place) + 1)
    assert ordered[low] - 1e-6 <= found <= ordered[high] + 1e-6
