"""Keeps a poller process at work for `perspective_server.py`, and replaces it when it dies or stalls."""

import asyncio
import json
import logging
import sys
import time
from collections import deque
from pathlib import Path

import poller
from settings import environment, options

STREAM_LIMIT = 2**20  # bytes that asyncio reads ahead from the pipe
RESTART_S = 1  # between two starts of a poller


class Feed:
    """`await feed.poll()` gives the rows that are new since the last time.

    A new poller goes on where the old one stopped: the feed keeps what was delivered, as long as
    it has a place in the table, and hands it over.
    """

    def __init__(self):
        self.process = None
        self.started = -RESTART_S  # when
        self.delivered = deque()  # (rows, Arrow) of each answer
        self.rows = 0  # of these

    async def poll(self) -> tuple[dict, bytes]:
        """The poller's state and an Arrow IPC stream, b"" where nothing is new. A failure is in the state."""
        try:
            async with asyncio.timeout(options.tdengine_timeout_s + 1):  # taosws' own time-out comes first, if it works
                return await self.ask()
        except TimeoutError:
            failure = f"the database has not answered for {options.tdengine_timeout_s} s"
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            failure = "the poller process ended"
        await self.close()
        return {"error": f"{failure}; starting a new poller"}, b""

    async def ask(self) -> tuple[dict, bytes]:
        if self.process is None:
            await self.start()
        self.process.stdin.write(b"poll\n")
        state = json.loads(await self.process.stdout.readline())
        arrow = await self.process.stdout.readexactly(state["bytes"])
        self.remember(state["rows"], arrow, state.get("whole"))
        return state, arrow

    def remember(self, rows: int, arrow: bytes, whole: bool | None) -> None:
        if whole:
            self.delivered.clear()
            self.rows = 0
        if arrow:
            self.delivered.append((rows, arrow))
            self.rows += rows
            while self.rows - self.delivered[0][0] >= options.table_limit:
                self.rows -= self.delivered.popleft()[0]

    async def start(self) -> None:
        await asyncio.sleep(self.started + RESTART_S - time.monotonic())
        self.started = time.monotonic()
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, str(Path(poller.__file__)), env=environment(), limit=STREAM_LIMIT,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
        logging.info("poller started, process %d", self.process.pid)
        streams = [arrow for _, arrow in self.delivered]
        self.process.stdin.write(json.dumps([len(stream) for stream in streams]).encode() + b"\n" + b"".join(streams))

    async def close(self) -> None:
        """Ends the poller: by force, since one that waits for the database hears nothing."""
        process, self.process = self.process, None
        if process and process.returncode is None:
            process.kill()
        if process:
            await process.wait()
