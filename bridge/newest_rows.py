"""The newest rows as Arrow streams: kept for pages that come later, and for a new poller."""

import asyncio
from collections import deque

from bridge.settings import options


class NewestRows:
    """The streams that hold the newest TABLE_LIMIT rows, in the order of delivery. They have numbers: 0, 1, 2 ...

    A page takes them one by one, at its own pace. When the one that it needs has gone, it goes on with the oldest that
    is there: those have TABLE_LIMIT rows, which push all others out of the page's ring.
    """

    def __init__(self) -> None:
        self.streams: deque[tuple[int, bytes]] = deque()  # (rows, Arrow IPC stream)
        self.count = 0  # rows of all streams
        self.first = 0  # the number of the first stream
        self.beginnings = 0  # how often pages had to begin again with an empty table
        self.changed = asyncio.Condition()

    async def add(self, streams: list[tuple[int, bytes]], anew: bool, start_over: bool) -> None:
        """Takes what a poll has delivered, and wakes the pages. `anew`: in place of all there was."""
        if anew:
            self.first += len(self.streams)
            self.streams.clear()
            self.count = 0
            self.beginnings += start_over
        for rows, arrow in streams:
            self.streams.append((rows, arrow))
            self.count += rows
        while self.streams and self.count - self.streams[0][0] >= options.table_limit:
            self.count -= self.streams.popleft()[0]
            self.first += 1
        async with self.changed:
            self.changed.notify_all()

    async def next(self, number: int, beginning: int) -> tuple[int, int, bytes] | None:
        """Waits for the stream of this number, or for the oldest that is there: (the number after it, rows, stream).

        None where pages have to begin again: `beginning` is the count of beginnings that the page knows.
        """
        async with self.changed:
            await self.changed.wait_for(lambda: self.beginnings != beginning or self.first + len(self.streams) > number)
        if self.beginnings != beginning:
            return None
        number = max(number, self.first)
        return number + 1, *self.streams[number - self.first]
