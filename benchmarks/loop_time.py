"""How long a tick keeps the event loop busy, and how old the newest row is when a poll has ended.

Our way and the known way: each polls in a process of its own, by turns, while a producer writes 1000 rows/s.
"""

import asyncio
import json
import sys
import time

from tornado.ioloop import PeriodicCallback

from benchmarks.known_way import EVERY_MS, KnownWay
from benchmarks.measure import Figure, drifting_producer, module, own_place, set_options, show
from bridge.live import LiveRows
from bridge.newest_rows import NewestRows
from bridge.poller_process import PollerProcess
from bridge.settings import options
from bridge.websockets import Viewers
from tests.helpers.waiting import wait_for

ROUNDS, TICKS = 3, 60
LEFT_OUT = 2  # the first ticks of each round: they connect


class BusyTime:
    """Adds up how long the event loop's callbacks run."""

    def __init__(self):
        self.seconds = 0.0
        run = asyncio.Handle._run

        def timed(handle: asyncio.Handle) -> None:
            started = time.perf_counter()
            run(handle)
            self.seconds += time.perf_counter() - started
        asyncio.Handle._run = timed

    def taken(self) -> float:
        """Milliseconds since the last call."""
        seconds, self.seconds = self.seconds, 0.0
        return seconds * 1000


def our_way() -> LiveRows:
    """What `perspective_server.py` puts together, without its routes."""
    rows = NewestRows()
    return LiveRows(PollerProcess(rows), rows, Viewers())


async def main(way: str, dsn: str) -> None:
    """Polls in one way, and prints the figures as JSON."""
    set_options(dsn)
    polled = our_way() if way == "ours" else KnownWay(dsn)
    busy, found, finished = BusyTime(), {"busy": [], "age": []}, asyncio.Event()

    async def tick() -> None:
        found["busy"].append(busy.taken())  # the tick before, with all that followed from it
        await polled.tick()
        newest = polled.last.newest if way == "ours" else polled.newest
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
    print(json.dumps({name: values[LEFT_OUT:] for name, values in found.items()}))


def figures() -> list[Figure]:
    found = {way: {"busy": [], "age": []} for way in ("ours", "known")}
    with own_place() as place, drifting_producer(place.folder, place.dsn, 10, 29) as producer:
        wait_for(lambda: "rows" in producer.text(), 30, "the first rows")
        for _ in range(ROUNDS):
            for way, values in found.items():
                for name, more in json.loads(module("loop_time", way, place.dsn)).items():
                    values[name] += more
    ours, known = found["ours"], found["known"]
    rival = "the known way"
    busy = Figure("event loop busy, each tick", "ms", ours["busy"], rival, known["busy"], "≤ 1/15 of the rival's")
    busy.met = busy.summary()["ours"]["p50"] <= busy.summary()["theirs"]["p50"] / 15
    return [busy, Figure("age of the newest row when a poll has ended", "ms", ours["age"], rival, known["age"])]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(main(*sys.argv[1:]))
    else:
        show(figures())
