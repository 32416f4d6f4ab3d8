"""How many rows a second the demo carries from the database to a viewer's table, beside the raw limits.

In each round the server is stopped (SIGSTOP) while a backlog is written, then goes on: from there the time counts until the
viewer's table has the last row. The limits are measured in each round too, over the same number of rows.
"""

import signal
import time

from known_way import EVERY_MS, LIMIT
from measure import CountingViewer, Figure, embedded, script, table

from tests.helpers.programs import Server
from tests.helpers.waiting import wait_for

ROUNDS, BACKLOG = 9, 240_000
TABLE_LIMIT = 250_000


def figures() -> list[Figure]:
    carried, fetched, updated = [], [], []
    with embedded("--retention=0") as (database, folder):
        dsn = f"{database.dsn}/power"
        script("fill.py", dsn, BACKLOG, 900)
        with Server(folder, dsn, f"--table-limit={TABLE_LIMIT}", "--interval-ms=20", "--tdengine-timeout-s=60") as server, \
                CountingViewer(server.port) as viewer:
            wait_for(lambda: viewer.count == BACKLOG, 60, "the first rows")
            for number in range(ROUNDS):
                server.process.send_signal(signal.SIGSTOP)
                script("fill.py", dsn, BACKLOG, 800 - 60 * number)
                before, started = viewer.count, time.perf_counter()
                server.process.send_signal(signal.SIGCONT)
                wait_for(lambda: viewer.count - before >= BACKLOG, 60, "the last row")
                carried.append(BACKLOG / (time.perf_counter() - started))
                assert viewer.count - before == BACKLOG, "a row came twice"
                fetched.append(script("limits.py", "fetch", dsn, BACKLOG))
                updated.append(script("limits.py", "update", BACKLOG))
    what = "rows carried from the database to a viewer's table", "rows/s"
    found = [Figure(*what, carried, rival, theirs) for rival, theirs in (
        ("taosws alone, fetching", fetched), ("`table.update` alone", updated), ("the known way, at most", [LIMIT * 1000 / EVERY_MS]))]
    limits = [figure.summary()["theirs"]["p50"] for figure in found[:2]]
    median = found[0].summary()["ours"]["p50"]
    for figure, limit in zip(found, limits):
        if limit == min(limits):
            figure.goal, figure.met = "≥ 70 % of the slower limit", median >= 0.7 * limit
    found[2].goal, found[2].met = "≥ 200 000", median >= 200_000
    return found


if __name__ == "__main__":
    print(table([figure.summary() for figure in figures()]))
