"""The newest rows, as Arrow: kept for who comes later, streamed to the pages that keep a copy of the table."""

import json
from collections import deque

import pyarrow as pa

import meters
from settings import options
from viewers import Viewer, Viewers


class Rows:
    """What the poller has delivered, as long as it has a place in the table, and who wants to have it."""

    def __init__(self):
        self.streams = deque()  # (rows, Arrow IPC stream), in the order of delivery
        self.count = 0  # of their rows
        self.copies: set[CopyHandler] = set()

    def add(self, streams: list[tuple[int, bytes]], whole: bool = False, start_over: bool = False) -> None:
        """Takes what a poll has delivered, and passes it on. `whole`: in place of all there was; `start_over`: for the copies too."""
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

    def all(self) -> bytes:
        """The newest `table_limit` rows as one Arrow IPC stream; b"" where there are none."""
        if not self.streams:
            return b""
        table = pa.concat_tables(pa.ipc.open_stream(arrow).read_all() for _, arrow in self.streams)
        return meters.arrow_stream(table.slice(max(0, self.count - options.table_limit)).combine_chunks())


class CopyHandler(Viewer):
    """The WebSocket of a page that keeps a copy of the table.

    It sends `{"limit": ...}` as text, then, as binary messages, Arrow IPC streams: the newest rows, and new ones as they come.
    Text again means that rows were changed or deleted: the next message replaces all. Whoever sends "" gets "", as a sign of life.
    """

    def initialize(self, viewers: Viewers, rows: Rows):
        super().initialize(viewers)
        self.rows = rows

    def open(self) -> None:
        super().open()
        self.begin()
        if arrow := self.rows.all():
            self.send(arrow)
        self.rows.copies.add(self)

    def begin(self) -> None:
        self.send(json.dumps({"limit": options.table_limit}))

    def on_message(self, message: bytes | str) -> None:
        if message == "":
            return self.send("")
        self.count_refusal("a message to one that only listens")
        self.close(1003, "only an empty text is answered here")

    def on_close(self) -> None:
        super().on_close()
        self.rows.copies.discard(self)
