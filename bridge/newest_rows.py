"""The newest rows, as Arrow: kept for who comes later, streamed to the pages that keep a copy of the table."""

from collections import deque

import pyarrow as pa

import meters
from bridge.settings import options


class Rows:
    """What the poller has delivered, as long as it has a place in the table, and who wants to have it."""

    def __init__(self):
        self.streams = deque()  # (rows, Arrow IPC stream), in the order of delivery
        self.count = 0  # of their rows
        self.copies = set()  # the viewers that keep a copy

    def add(self, streams: list[tuple[int, bytes]], whole: bool = False, start_over: bool = False) -> bool:
        """Takes what a poll has delivered, and passes it on. `whole`: in place of all there was; `start_over`: so for viewers too.

        Returns whether viewers have to begin again.
        """
        start_over = bool(start_over and self.streams)
        if whole:
            self.streams.clear()
            self.count = 0
        for copy in self.copies if start_over else ():
            copy.begin()
        for rows, arrow in streams:
            self.streams.append((rows, arrow))
            self.count += rows
            for copy in list(self.copies):
                copy.send(arrow)
        while self.streams and self.count - self.streams[0][0] >= options.table_limit:
            self.count -= self.streams.popleft()[0]
        return start_over

    def all(self) -> bytes:
        """The newest `table_limit` rows as one Arrow IPC stream; b"" where there are none."""
        if not self.streams:
            return b""
        table = pa.concat_tables(pa.ipc.open_stream(arrow).read_all() for _, arrow in self.streams)
        return meters.arrow_stream(table.slice(max(0, self.count - options.table_limit)).combine_chunks())
