"""How many rows a second the demo carries from the database to a viewer's table, beside the raw limits.

In each round the server is stopped (SIGSTOP) while a backlog is written. Then it goes on, and the time counts until the
viewer's table has the last row. Each round measures the limits too, over the same number of rows.
"""

import signal
import time

from benchmarks.known_way import EVERY_MS, LIMIT
from benchmarks.measure import CountingViewer, Figure, module, own_place, show
from tests.helpers.programs import Server
from tests.helpers.waiting import wait_for

ROUNDS, BACKLOG = 9, 240_000
TABLE_LIMIT = 250_000


def figures() -> list[Figure]:
    carried, fetched, updated = [], [], []
    with own_place("--retention=0") as place:
        module("fill", place.dsn, BACKLOG, 900)
        options = f"--table-limit={TABLE_LIMIT}", "--interval-ms=20", "--tdengine-timeout-s=60"
        with Server(place.folder, place.dsn, *options) as server, CountingViewer(server.port) as viewer:
            wait_for(lambda: viewer.count == BACKLOG, 60, "the first rows")
            for number in range(ROUNDS):
                server.process.send_signal(signal.SIGSTOP)
                module("fill", place.dsn, BACKLOG, 800 - 60 * number)
                until, started = viewer.count + BACKLOG, time.perf_counter()
                server.process.send_signal(signal.SIGCONT)
                wait_for(lambda: viewer.count >= until, 60, "the last row")
                carried.append(BACKLOG / (time.perf_counter() - started))
                assert viewer.count == until, "a row came twice"
                fetched.append(float(module("limits", "fetch", place.dsn, BACKLOG)))
                updated.append(float(module("limits", "update", BACKLOG)))
    what = "rows carried from the database to a viewer's table", "rows/s"
    rivals = {"taosws alone, fetching": fetched, "`table.update` alone": updated,
              "the known way, at most": [LIMIT * 1000 / EVERY_MS]}
    found = [Figure(*what, carried, rival, theirs) for rival, theirs in rivals.items()]
    median = found[0].summary()["ours"]["p50"]
    slower = min(found[:2], key=lambda figure: figure.summary()["theirs"]["p50"])
    slower.goal = "≥ 70 % of the slower limit"
    slower.met = median >= 0.7 * slower.summary()["theirs"]["p50"]
    found[2].goal, found[2].met = "≥ 200 000", median >= 200_000
    return found


if __name__ == "__main__":
    show(figures())
