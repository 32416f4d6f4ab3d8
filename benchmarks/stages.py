"""Where the time goes at 20 000 rows/s: one tick of 5800 rows, stage by stage, each alone; what many subtables cost."""

import base64
import time

import perspective

import producer
from benchmarks.measure import PANEL, Figure, chromium, module, own_place, set_options, show
from bridge.known_rows import KnownRows
from bridge.poller import Poller
from bridge.poller_process import poll
from bridge.questions import Questions
from bridge.settings import options
from tests.helpers.browser import own_origin_page
from tests.helpers.programs import Server

TICKS, METERS, ROWS_A_METER = 40, 20, 290
FIRST = 5  # ticks that are left out
TABLE_LIMIT = 50_000
GROUPED = """async ([streams, limit, config]) => {
    // How long a table with four grouped views takes for each update, in milliseconds.
    const {worker, ready} = await import(new URL("assets/perspective/perspective-anywidget.js", location));
    await ready;
    const [first, ...others] = streams.map(
        text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0)).buffer);
    const table = await (await worker()).table(first, {limit});
    const views = await Promise.all([1, 2, 3, 4].map(() => table.view(config))), times = [0];
    for (const rows of others) {
        const started = performance.now();
        await table.update(rows);
        await table.size();
        for (const view of views) await view.num_rows();
        times.push(performance.now() - started);
    }
    return times;
}"""


def timed(work, *arguments) -> tuple[float, object]:
    """How many milliseconds a call takes, and its result."""
    started = time.perf_counter()
    result = work(*arguments)
    return (time.perf_counter() - started) * 1000, result


def ours(dsn: str) -> tuple[dict[str, list[float]], list[list[bytes]]]:
    """Milliseconds of each tick, by stage; and each tick's rows as Arrow streams."""
    set_options(dsn, f"--table-limit={TABLE_LIMIT}")
    writer, poller = producer.Writer(), Poller(Questions(no_sign), KnownRows(TABLE_LIMIT), options.overlap_ms)
    copy, ticks = None, []
    found = {"written": [], "polled, as Arrow": [], "in a viewer's table": []}
    start = time.time_ns() // 10**6 - TICKS * ROWS_A_METER
    for tick in range(TICKS):
        times = list(range(start + tick * ROWS_A_METER, start + (tick + 1) * ROWS_A_METER))
        rows = producer.bind_random(dict.fromkeys(range(METERS), times))
        took_write, error = timed(writer.write, rows)
        took_poll, (delivery, streams) = timed(poll, poller, no_sign)
        assert not error and delivery.rows == METERS * ROWS_A_METER, (error, delivery)
        poller.check()
        arrows = [arrow for _, arrow in streams]
        copy = copy or perspective.Server().new_local_client().table(arrows[0], limit=TABLE_LIMIT)
        took_update, _ = timed(update, copy, arrows)
        for values, took in zip(found.values(), (took_write, took_poll, took_update)):
            values.append(took)
        ticks.append(arrows)
    return found, ticks


def no_sign() -> None:
    """In place of the signs of life that a poller process gives."""


def update(table: perspective.Table, arrows: list[bytes]) -> None:
    for arrow in arrows:
        table.update(arrow)
    table.size()  # it answers after the updates


def in_chromium(place, ticks: list[list[bytes]]) -> list[float]:
    """Milliseconds of each tick in the page's engine, with four grouped views."""
    texts = [base64.b64encode(arrow).decode() for arrows in ticks for arrow in arrows]
    with Server(place.folder, f"{place.dsn}_empty") as server, chromium() as browser:
        page = browser.new_page(bypass_csp=True)
        page.goto(own_origin_page(server))
        parts = iter(page.evaluate(GROUPED, [texts, TABLE_LIMIT, PANEL]))
    return [sum(next(parts) for _ in arrows) for arrows in ticks]


def written_at_once(meters: int) -> list[float]:
    """Rows/s of three writes."""
    with own_place("--retention=0") as place:
        return [float(module("fill", place.dsn, 300_000, 300 - 60 * n, meters)) for n in range(3)]


def figures() -> list[Figure]:
    with own_place("--retention=0") as place:
        found, ticks = ours(place.dsn)
        found["in Chromium's table, with four grouped views"] = in_chromium(place, ticks)
    stages = [Figure(f"a tick of {METERS * ROWS_A_METER} rows, {stage}", "ms", values[FIRST:])
              for stage, values in found.items()]
    many, few = written_at_once(200), written_at_once(10)
    return [*stages, Figure("rows written at once, of 200 meters", "rows/s", many, "of 10 meters", few)]


if __name__ == "__main__":
    show(figures())
