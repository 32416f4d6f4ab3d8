"""How long a tick keeps the event loop busy: run by run.py as a process of its own, for ours and for the known way.

`python benchmarks/loop_time.py ours|known DSN ticks` prints the milliseconds of each tick, as JSON.
"""

import asyncio
import json
import sys
import time

import measure  # noqa: F401: the path to the demo's modules
from tornado.ioloop import PeriodicCallback

from known_way import EVERY_MS, KnownWay
from settings import options, parser


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


async def main(way: str, dsn: str, ticks: int) -> None:
    import perspective_server
    parser.parse_args([f"--tdengine-dsn={dsn}"], namespace=options)
    table = perspective_server.Meters() if way == "ours" else KnownWay(dsn)
    interval = options.interval_ms if way == "ours" else EVERY_MS
    busy, done, finished = BusyTime(), [], asyncio.Event()

    async def tick():
        await table.tick()
        done.append(None)
        if len(done) >= ticks:
            finished.set()

    await table.tick()
    callback = PeriodicCallback(tick, interval)
    callback.start()
    busy.taken()
    await finished.wait()
    callback.stop()
    total = busy.taken()
    if way == "ours":
        await table.close()
    print(json.dumps({"ms_per_tick": total / ticks}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
