"""Panels that query the server, beside those of another checkout of this project, by turns.

`.venv/bin/python -m benchmarks.engine_before FOLDER`: the folder has the other checkout. Both servers run by this
one's `.venv`. A commit without a process for Perspective's engine, such as 63379f9, shows what that process costs.
"""

import asyncio
import signal
import sys
import time
from pathlib import Path

from benchmarks.clients import ServerSide, measure
from benchmarks.measure import Figure, cpu_s, drifting_producer, memory_mb, module, own_place, show
from tests.helpers.databases import ROOT
from tests.helpers.programs import Server
from tests.helpers.viewers import Viewer
from tests.helpers.waiting import wait_for

ROUNDS, VIEWERS = 3, 10
FIRST, BACKLOG = 30_000, 240_000


def watched(checkout: Path) -> dict[str, list[float]]:
    """What so many viewers see of 1000 rows/s, and what the server's processes use for it, all together."""
    with own_place() as place, drifting_producer(place.folder, place.dsn, 10, 29), \
            Server(place.folder, place.dsn, cwd=checkout) as server:
        wait_for(lambda: (server.status()["table_rows"] or 0) == 10_000, what="a full table")
        before, started = sum(map(cpu_s, server.processes())), time.monotonic()
        seen = asyncio.run(measure(server, ServerSide, VIEWERS))
        cpu = sum(map(cpu_s, server.processes())) - before
        return {"delay": seen["delays"], "cpu": [100 * cpu / (time.monotonic() - started)],
                "memory": [sum(map(memory_mb, server.processes()))]}


def carried(checkout: Path) -> dict[str, list[float]]:
    """Rows a second from the database to the table that viewers query, after a pause."""
    with own_place("--retention=0") as place:
        module("fill", place.dsn, FIRST, 900)
        options = f"--table-limit={FIRST + BACKLOG}", "--interval-ms=20", "--tdengine-timeout-s=60"
        with Server(place.folder, place.dsn, *options, cwd=checkout) as server, Viewer(server.port) as viewer:
            table = viewer.table()
            server.process.send_signal(signal.SIGSTOP)
            module("fill", place.dsn, BACKLOG, 800)
            started = time.perf_counter()
            server.process.send_signal(signal.SIGCONT)
            wait_for(lambda: table.size() == FIRST + BACKLOG, 60, "the last row")
            return {"carried": [BACKLOG / (time.perf_counter() - started)]}


def figures(before: Path) -> list[Figure]:
    found = {ROOT: {}, before: {}}
    for _ in range(ROUNDS):
        for checkout, values in found.items():
            for name, more in (watched(checkout) | carried(checkout)).items():
                values.setdefault(name, []).extend(more)
    ours, theirs = found.values()
    names = {"delay": (f"insert to {VIEWERS} viewers whose four panels query the server", "ms"),
             "cpu": (f"processor time of the server's processes, with these {VIEWERS} viewers", "% of a core"),
             "memory": ("memory of these processes", "MB"),
             "carried": ("rows carried from the database to the table that viewers query", "rows/s")}
    return [Figure(*words, ours[name], "before", theirs[name]) for name, words in names.items()]


if __name__ == "__main__":
    if not sys.argv[1:] or not Path(sys.argv[1], "perspective_server.py").is_file():
        sys.exit("name the folder of another checkout of this project")
    show(figures(Path(sys.argv[1]).resolve()))
