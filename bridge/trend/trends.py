"""The server's end: trends are computed in a process of their own, kept, and shared by all who ask for the same.

A trend is kept max(KEEP_S, KEEP_TIMES what it took), so no range takes more than 5 % of the time. One is computed at a
time, and one for which nobody waits any more is not computed.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

import pyarrow as pa

from bridge.processes import end
from bridge.settings import environment, options
from bridge.trend.refusal import Refusal

KEEP_S, KEEP_TIMES = 5, 20
MOST_WAITING = 20  # ranges: one is computed at a time
MOST_KEPT = 10  # trends: that of 1000 series has 80 MB
COMPUTING_S = 600  # so long a forecast may take
READ_AHEAD_BYTES = 2**20


class Kept:
    """A trend: `task` is done when it is there."""

    def __init__(self, task: asyncio.Task) -> None:
        self.task = task
        self.waiting = 0  # how many wait for it
        self.until = float("inf")  # by the monotonic clock


class Trends:
    """All trends, and the process that computes them. It belongs to one event loop."""

    def __init__(self) -> None:
        self.kept: dict[tuple[int, int | None], Kept] = {}
        self.one = asyncio.Lock()
        self.process: asyncio.subprocess.Process | None = None

    async def trend(self, length: int, until: int | None = None) -> tuple[pa.Table, float]:
        """The trend of a range of `length` ms, and until when it is kept (by the monotonic clock).

        The range ends at `until` (epoch ms); None is now, by the database's clock. The table is `trend.SCHEMA`'s, and
        `chosen` reads it. Raises Refusal, whose words are for the page.
        """
        self.drop_old()
        key = length, until
        kept = self.kept.get(key)
        if kept is None:
            if sum(not other.task.done() for other in self.kept.values()) >= MOST_WAITING:
                raise Refusal("Many other trends are asked for: ask again later.")
            kept = self.kept[key] = Kept(asyncio.create_task(self.put(key)))
        kept.waiting += 1
        try:
            return await asyncio.shield(kept.task), kept.until
        finally:
            kept.waiting -= 1
            if not kept.waiting and not kept.task.done():
                self.kept.pop(key, None)
                kept.task.cancel()

    async def put(self, key: tuple[int, int | None]) -> pa.Table:
        async with self.one:
            kept, started, times = self.kept[key], time.monotonic(), 0
            try:
                table = await self.compute(*key)
                times = KEEP_TIMES
                return table
            finally:  # a refusal is kept for KEEP_S: there may be more rows by then
                now = time.monotonic()
                kept.until = now + max(KEEP_S, times * (now - started))

    async def compute(self, length: int, until: int | None) -> pa.Table:
        """Asks the process. When this is cancelled, or takes too long, the process ends."""
        try:
            async with asyncio.timeout(COMPUTING_S + options.trend_timeout_s):
                self.process = self.process or await self.start()
                self.process.stdin.write(json.dumps({"length": length, "until": until}).encode() + b"\n")
                head = json.loads(await self.process.stdout.readuntil())
                stream = await self.process.stdout.readexactly(head["bytes"])
        except TimeoutError:
            await self.close()
            raise Refusal(f"The trend was not computed within {COMPUTING_S} s.") from None
        except (asyncio.IncompleteReadError, ConnectionError):
            await self.close()
            raise Refusal("The process that computes trends has ended: ask again.") from None
        except BaseException:
            await self.close()
            raise
        if head["refusal"]:
            raise Refusal(head["refusal"])
        return pa.ipc.open_stream(stream).read_all()

    def drop_old(self) -> None:
        """Forgets what is too old, or too much."""
        done = [key for key, kept in self.kept.items() if kept.task.done()]
        for place, key in enumerate(reversed(done)):
            if self.kept[key].until < time.monotonic() or place >= MOST_KEPT:
                del self.kept[key]

    async def start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bridge.trend.process", cwd=Path(__file__).parents[2],
            env=environment(), limit=READ_AHEAD_BYTES, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)

    async def close(self) -> None:
        """Ends the process: by force, since one that computes hears nothing."""
        process, self.process = self.process, None
        if process:
            await end(process)
