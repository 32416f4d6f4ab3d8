"""The Perspective table that viewers query on the server. It is made when the first of them comes.

Perspective's engine works in a thread of its own: its calls release Python's global lock, so the event loop is free
meanwhile. It is one thread, so requests and updates keep their order. No other thread calls the server: that could wait
for the engine with the global lock held, for which the engine may wait.
"""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import perspective

import meters
from bridge.newest_rows import NewestRows
from bridge.settings import options


class HostedTable:
    """`meters_values` on the server; `rows` has the rows that it begins with."""

    def __init__(self, server: perspective.Server, rows: NewestRows) -> None:
        self.rows = rows
        self.engine = ThreadPoolExecutor(1, "perspective")
        self.server = server
        self.table: perspective.Table | None = None
        self.wanted = False  # a table that nobody queries costs a quarter of the rows a second that can be carried

    async def new_session(self, send: Callable[[bytes], None]) -> object:
        """A viewer's session with the server. It calls `send` from the engine's thread."""
        return await self.run(self._new_session, [arrow for rows, arrow in self.rows.streams if rows], send)

    async def update(self, streams: list[bytes], start_over: bool) -> None:
        """Puts in what `rows` has just got. `start_over`: into a new table, for which viewers connect again."""
        await self.run(self._update, streams, start_over)

    def run(self, call: Callable, *args: object) -> asyncio.Future:
        """Calls something in the engine's thread."""
        return asyncio.wrap_future(self.engine.submit(call, *args))

    def close(self) -> None:
        self.engine.shutdown(wait=False)

    def _new_session(self, streams: list[bytes], send: Callable[[bytes], None]) -> object:
        if not self.wanted:
            self.wanted = True
            self._update(streams, False)
        return self.server.new_session(send)

    def _update(self, streams: Iterable[bytes], start_over: bool) -> None:
        """Makes the table with its first rows: grouped views on an *empty* one can hang Perspective for good."""
        if start_over:
            self.server, self.table = perspective.Server(), None
        for arrow in streams if self.wanted else ():
            if self.table is None:
                client = self.server.new_local_client()
                self.table = client.table(arrow, limit=options.table_limit, name=meters.PERSPECTIVE_TABLE)
            else:
                self.table.update(arrow)
