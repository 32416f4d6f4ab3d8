"""The Perspective table that viewers query: made when the first of them comes, and updated from then on.

Perspective's engine works in a thread of its own: its calls release Python's global lock, so the event loop is free meanwhile.
It is one thread, so that requests and updates keep their order, and no other calls the server: that could wait for the engine with
the global lock held, for which the engine may wait.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import perspective

import meters
from bridge.newest_rows import Rows
from bridge.settings import options


class HostedTable:
    """`meters_values`; `rows` has what to begin with."""

    def __init__(self, rows: Rows):
        self.rows = rows
        self.engine = ThreadPoolExecutor(1, "perspective")
        self.server = perspective.Server()
        self.table = None
        self.wanted = False  # while nobody queries the table there is none

    async def new_session(self, send: Callable[[bytes], None]):
        """A viewer's session. It sends from the engine's thread."""
        return await self.run(self._new_session, b"" if self.wanted else self.rows.all(), send)

    async def update(self, streams: list[bytes], start_over: bool) -> None:
        """`start_over`: in a table of its own, for which viewers connect again. Call it as soon as `rows` has them."""
        await self.run(self._update, streams, start_over)

    def run(self, call: Callable, *args) -> asyncio.Future:
        return asyncio.wrap_future(self.engine.submit(call, *args))

    def close(self) -> None:
        self.engine.shutdown(wait=False)

    def _new_session(self, arrow: bytes, send: Callable[[bytes], None]):
        if not self.wanted:
            self.wanted = True
            self._update([arrow] if arrow else [], False)
        return self.server.new_session(send)

    def _update(self, streams: list[bytes], start_over: bool) -> None:
        """Makes the table with its first rows: grouped views on an *empty* one can hang Perspective for good."""
        if start_over:
            self.server, self.table = perspective.Server(), None
        for arrow in streams if self.wanted else ():
            if self.table is None:
                client = self.server.new_local_client()
                self.table = client.table(arrow, limit=options.table_limit, name=meters.PERSPECTIVE_TABLE)
            else:
                self.table.update(arrow)
