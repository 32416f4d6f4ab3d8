"""How long a tick keeps the event loop busy, and how old the newest row is once it is in the table: ours and the known way.

Each way polls in a process of its own, by turns, while a producer writes 1000 rows/s.
"""

import asyncio
import json
import subprocess
import sys
import time

from known_way import EVERY_MS, KnownWay
from measure import Figure, drifting_producer, embedded, table
from tornado.ioloop import PeriodicCallback

from bridge.settings import options, parse
from tests.helpers.waiting import wait_for

ROUNDS, TICKS = 3, 60


class BusyTime:
    """Adds up how long the loop's callbacks run."""

    def __init__(self):
        self.seconds = 0.0
        run = asyncio.Handle._run

        def timed(handle):
            started = time.perf_counter()
            run(handle)
            self.seconds += time.perf_counter() - started
        asyncio.Handle._run = timed

    def taken(self) -> float:
        """Milliseconds since the last time."""
        seconds, self.seconds = self.seconds, 0.0
        return seconds * 1000


async def main(way: str, dsn: str) -> None:
    """In a process of its own: prints JSON."""
    import perspective_server
    parse(__doc__, "database", "pace", "poller", "producer", arguments=[f"--tdengine-dsn={dsn}"])
    polled = perspective_server.Meters() if way == "ours" else KnownWay(dsn)
    busy, found, finished = BusyTime(), {"busy": [], "age": []}, asyncio.Event()

    async def tick():
        found["busy"].append(busy.taken())  # of the tick before, and all that came of it
        await polled.tick()
        newest = polled.state["newest"] if way == "ours" else polled.newest
        found["age"].append(time.time() * 1000 - newest)
        if len(found["age"]) > TICKS:
            finished.set()

    await polled.tick()
    callback = PeriodicCallback(tick, options.interval_ms if way == "ours" else EVERY_MS)
    callback.start()
    await finished.wait()
    callback.stop()
    if way == "ours":
        await polled.close()
    print(json.dumps({name: values[2:] for name, values in found.items()}))


def figures() -> list[Figure]:
    ours, known = {"busy": [], "age": []}, {"busy": [], "age": []}
    with embedded() as (database, folder), drifting_producer(folder, f"{database.dsn}/power", 10, 29) as producer:
        wait_for(lambda: "rows" in producer.text(), 30, "the first rows")
        for _ in range(ROUNDS):
            for way, found in (("ours", ours), ("known", known)):
                run = subprocess.run([sys.executable, __file__, way, f"{database.dsn}/power"], check=True, capture_output=True, text=True)
                for name, values in json.loads(run.stdout).items():
                    found[name] += values
    busy = Figure("event loop busy, each tick", "ms", ours["busy"], "the known way", known["busy"], "≤ 1/15 of the rival's")
    median, rival = busy.summary()["ours"]["p50"], busy.summary()["theirs"]["p50"]
    busy.met = median <= rival / 15
    return [busy, Figure("age of the newest row when a poll has ended", "ms", ours["age"], "the known way", known["age"])]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(main(*sys.argv[1:]))
    else:
        print(table([figure.summary() for figure in figures()]))
