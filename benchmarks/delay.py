"""How long a row takes from its insert to a viewer, at 1000 and at 20 000 rows/s; that the rows sent are stored and shown.

The delay of a tick is counted from its youngest rows, whose time is the moment of writing. It ends in the table of a page's
copy; or, in Chromium, in the view of the page's first panel. A row that waits for the next poll waits up to a whole interval:
that alone is the rival.
"""

from pathlib import Path

from measure import CountingViewer, Figure, chromium, drifting_producer, embedded, table

import meters
from bridge import tdengine
from bridge.settings import options, parse
from tests.helpers.browser import own_origin_page
from tests.helpers.programs import Server
from tests.helpers.waiting import wait_for

TICKS = 70
FIRST = 5  # ticks that make the tables, and are left out
INTERVAL_MS = 300
RECORD = """viewer => viewer.getView().then(async view => {  // [when, the newest row's time]
    window.arrivals = [];
    await view.on_update(async () => {
        const {timestamp} = await view.to_columns();
        arrivals.push([Date.now(), Math.max(...timestamp)]);
    });
})"""


def produced(folder: Path, dsn: str, subtables: int, rows_a_meter: int) -> tuple[int, list[int]]:
    """Writes TICKS ticks: how many rows, and the times of the youngest rows of each."""
    with drifting_producer(folder, dsn, subtables, rows_a_meter, f"--count={TICKS}") as producer:
        assert producer.wait(TICKS + 60) == 0
        sent = int(producer.text().split(" rows written")[0].split()[-1])
    parse(__doc__, "database", "pace", "poller", "producer", arguments=[f"--tdengine-dsn={dsn}"])
    connection = tdengine.connect(tdengine.database())
    times = [time for time, in connection.query("SELECT CAST(ts AS BIGINT) FROM d_bind_0 ORDER BY ts")]
    return sent, times[-1:-1 - TICKS * rows_a_meter:-rows_a_meter][::-1]


def stored() -> int:
    connection = tdengine.connect(tdengine.database())
    (count,), = connection.query(f"SELECT COUNT(*) FROM {meters.SUPER_TABLE}")
    return count


def delays(arrivals: dict[int, float], ticks: list[int]) -> list[float]:
    """Milliseconds. `arrivals`: when, by the time of the rows; a tick that only came with the next one has that one's moment."""
    found, later = [], None
    for tick in reversed(ticks[FIRST:]):
        later = arrivals.get(tick, later)
        found.append(later - tick)
    return found


def measure(rate: int, subtables: int, rows_a_meter: int) -> list[Figure]:
    with embedded() as (database, folder), Server(folder, dsn := f"{database.dsn}/power", "--table-limit=50000") as server:
        with CountingViewer(server.port) as viewer:
            sent, ticks = produced(folder, dsn, subtables, rows_a_meter)
            wait_for(lambda: viewer.count >= sent, what="the last row")
            assert viewer.count == sent == stored(), (viewer.count, sent, stored())
        arrivals = {time.value: now for now, times in viewer.arrivals for time in times.unique()}
        copied = delays(arrivals, ticks)
        with chromium() as browser:
            page = browser.new_page()
            page.goto(own_origin_page(server))
            page.wait_for_selector("perspective-viewer[live]")
            page.query_selector("perspective-viewer").evaluate(RECORD)
            _, ticks = produced(folder, dsn, subtables, rows_a_meter)
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
    print(table([figure.summary() for figure in figures()]))
