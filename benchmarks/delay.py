"""How long a row takes from its insert to a viewer, at 1000 and at 20 000 rows/s; and that no row is lost.

The delay of a tick is counted from its youngest rows, whose time is the moment of writing. It ends in the table of a
page's copy, or, in Chromium, in the view of the page's first panel. The rival is polling alone: a row waits up to a
whole interval for the next poll.
"""

import meters
from benchmarks.measure import (
    CountingViewer,
    Figure,
    Place,
    chromium,
    drifting_producer,
    own_place,
    rows_of,
    rows_written,
    set_options,
    show,
)
from bridge import tdengine
from tests.helpers.browser import own_origin_page
from tests.helpers.programs import Server
from tests.helpers.waiting import wait_for

TICKS = 70
FIRST = 5  # ticks that are left out: they make the tables
INTERVAL_MS = 300
RECORD = """viewer => viewer.getView().then(async view => {  // [when, the newest row's time]
    window.arrivals = [];
    await view.on_update(async () => {
        const {timestamp} = await view.to_columns();
        arrivals.push([Date.now(), Math.max(...timestamp)]);
    });
})"""


def produced(place: Place, subtables: int, rows_a_meter: int) -> tuple[int, list[int]]:
    """Writes TICKS ticks: (the number of rows, the times of the youngest rows of each tick)."""
    with drifting_producer(place.folder, place.dsn, subtables, rows_a_meter, f"--count={TICKS}") as producer:
        assert producer.wait(TICKS + 60) == 0
        sent = rows_written(producer)
    set_options(place.dsn)
    connection = tdengine.connect(tdengine.database())
    times = [time for time, in connection.query("SELECT CAST(ts AS BIGINT) FROM d_bind_0 ORDER BY ts")]
    return sent, times[-1:-1 - TICKS * rows_a_meter:-rows_a_meter][::-1]


def stored() -> int:
    connection = tdengine.connect(tdengine.database())
    (count,), = connection.query(f"SELECT COUNT(*) FROM {meters.SUPER_TABLE}")
    return count


def delays(arrivals: dict[int, float], ticks: list[int]) -> list[float]:
    """Milliseconds. `arrivals` says when rows of a time came. A tick that came with the next one has no entry."""
    found, later = [], None
    for tick in reversed(ticks[FIRST:]):
        later = arrivals.get(tick, later)
        found.append(later - tick)
    return found


def measure(rate: int, subtables: int, rows_a_meter: int) -> list[Figure]:
    with own_place() as place, Server(place.folder, place.dsn, "--table-limit=50000") as server:
        with CountingViewer(server.port) as viewer:
            sent, ticks = produced(place, subtables, rows_a_meter)
            wait_for(lambda: viewer.count >= sent, what="the last row")
            assert viewer.count == sent == stored(), (viewer.count, sent, stored())
        arrivals = {time.value: now for now, arrow in viewer.arrivals for time in rows_of(arrow)["timestamp"].unique()}
        copied = delays(arrivals, ticks)
        with chromium() as browser:
            page = browser.new_page(bypass_csp=True)
            page.goto(own_origin_page(server))
            page.wait_for_selector("perspective-viewer[live]")
            page.query_selector("perspective-viewer").evaluate(RECORD)
            _, ticks = produced(place, subtables, rows_a_meter)
            page.wait_for_function("last => arrivals.length && arrivals.at(-1)[1] >= last", arg=ticks[-1])
            arrivals = {time: now for now, time in reversed(page.evaluate("arrivals"))}
        shown = delays(arrivals, ticks)
    polling = [INTERVAL_MS * (i + 0.5) / 100 for i in range(100)]
    figures = [Figure(f"insert to {to}, at {rate:_} rows/s".replace("_", " "), "ms", values, "polling alone", polling,
                      "median ≤ 190, p99 ≤ 360") for to, values in (("viewer", copied), ("Chromium's panel", shown))]
    for figure in figures:
        summary = figure.summary()["ours"]
        figure.met = summary["p50"] <= 190 and summary["p99"] <= 360
    return figures


def figures() -> list[Figure]:
    return measure(1000, 10, 29) + measure(20_000, 20, 290)


if __name__ == "__main__":
    show(figures())
