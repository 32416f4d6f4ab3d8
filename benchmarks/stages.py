"""Where the time goes at 20 000 rows/s: one tick of 5800 rows, stage by stage, each alone; and what many subtables cost a write."""

import base64
import time

import perspective
from measure import PANEL, Figure, chromium, embedded, script, table

import producer
from bridge import poller
from bridge.settings import options, parse
from tests.helpers.browser import own_origin_page
from tests.helpers.programs import Server

TICKS, METERS, ROWS_A_METER = 40, 20, 290
TABLE_LIMIT = 50_000
GROUPED = """async ([streams, limit, config]) => {  // milliseconds of each update of a table that four grouped panels look at
    const {worker, ready} = await import(new URL("assets/perspective/perspective-anywidget.js", location));
    await ready;
    const [first, ...others] = streams.map(text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0)).buffer);
    const table = await (await worker()).table(first, {limit});
    const views = await Promise.all([1, 2, 3, 4].map(() => table.view(config))), times = [];
    for (const rows of others) {
        const started = performance.now();
        await table.update(rows);
        await table.size();
        for (const view of views) await view.num_rows();
        times.push(performance.now() - started);
    }
    return times;
}"""


def ms(work, *arguments) -> tuple[float, object]:
    """How long it takes, and what it gives."""
    started = time.perf_counter()
    result = work(*arguments)
    return (time.perf_counter() - started) * 1000, result


def stages(dsn: str) -> tuple[dict[str, list[float]], list[bytes]]:
    """Milliseconds of each tick, by stage, and the ticks as Arrow."""
    parse(__doc__, "database", "pace", "poller", "producer", arguments=[f"--tdengine-dsn={dsn}", f"--table-limit={TABLE_LIMIT}"])
    writer, polled, copy, ticks = producer.Writer(), poller.Poller(), None, []
    found = {"written": [], "polled, as Arrow": [], "in a viewer's table": []}
    last = time.time_ns() // 10**6 - TICKS * ROWS_A_METER
    for tick in range(TICKS):
        times = list(range(last + tick * ROWS_A_METER, last + (tick + 1) * ROWS_A_METER))
        rows = [producer.bind(meter, producer.random_rows(times)) for meter in range(METERS)]
        took_write, error = ms(writer.write, rows)
        took_poll, (state, streams) = ms(polled.poll)
        assert not error and state["rows"] == METERS * ROWS_A_METER, (error, state)
        polled.look_back()
        arrows = [arrow for _, arrow in streams]
        copy = copy or perspective.Server().new_local_client().table(arrows[0], limit=TABLE_LIMIT)
        took_update, _ = ms(lambda: [copy.update(arrow) for arrow in arrows] and copy.size())
        ticks += arrows
        for values, took in zip(found.values(), (took_write, took_poll, took_update)):
            values.append(took)
    return found, ticks


def figures() -> list[Figure]:
    with embedded("--retention=0") as (database, folder):
        found, streams = stages(f"{database.dsn}/power")
        with Server(folder, f"{database.dsn}/none") as server, chromium() as browser:
            page = browser.new_page()
            page.goto(own_origin_page(server))
            parts = page.evaluate(GROUPED, [[base64.b64encode(arrow).decode() for arrow in streams], TABLE_LIMIT, PANEL])
        whole = len(streams) // TICKS  # streams of one tick
        found["in Chromium's table, with four grouped views"] = [sum(parts[at:at + whole]) for at in range(0, len(parts), whole)]
        many, few = ([script("fill.py", f"{database.dsn}/{name}", 300_000, 300, subtables) for _ in range(3)]
                     for name, subtables in (("many", 200), ("few", 10)))
    return [Figure(f"a tick of {METERS * ROWS_A_METER} rows, {stage}", "ms", values[5:]) for stage, values in found.items()] + [
        Figure("rows written at once, of 200 meters", "rows/s", many, "of 10 meters", few)]


if __name__ == "__main__":
    print(table([figure.summary() for figure in figures()]))
