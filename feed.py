"""Keeps a poller process at work for `perspective_server.py`, and replaces it when it dies or stalls."""

import asyncio
import json
import logging
import sys
from collections import deque
from pathlib import Path


import poller
from settings import environment, options

STREAM_LIMIT = 2**20  # bytes that asyncio reads ahead from the pipe


class Feed:
    """`await feed.poll()` gives the rows that are new since the last time.

    A new poller goes on where the old one stopped: the feed keeps which rows the answers of
    the last `overlap_ms` brought, as the bytes that the poller wrote, and hands them over.
    """

    def __init__(self):
        self.process = None
        self.watermark = None
        self.recent = deque()  # (watermark, keys) of each answer within the overlap

    async def poll(self) -> tuple[dict, bytes]:
        """The poller's state and an Arrow IPC stream, b"" where nothing is new. A failure is in the state."""
        try:
            async with asyncio.timeout(options.poll_timeout_s + 1):  # taosws' own time-out comes first, if it works
                return await self.ask()
        except TimeoutError:
            failure = f"the database has not answered for {options.poll_timeout_s} s"
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            failure = "the poller process ended"
        await self.close()
        return {"error": f"{failure}; starting a new poller"}, b""

    async def ask(self) -> tuple[dict, bytes]:
        if self.process is None:
            await self.start()
        self.process.stdin.write(b"poll\n")
        output = self.process.stdout
        state = json.loads(await output.readline())
        arrow = await output.readexactly(state["arrow"])
        keys = await output.readexactly(state["keys"])
        self.remember(state, keys)
        return state, arrow

    def remember(self, state: dict, keys: bytes) -> None:
        self.watermark = state.get("watermark", self.watermark)
        if keys:
            self.recent.append((self.watermark, keys))
        while self.recent and self.recent[0][0] < self.watermark - options.overlap_ms:
            self.recent.popleft()

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, str(Path(poller.__file__)), env=environment(), limit=STREAM_LIMIT,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
        logging.info("poller started, process %d", self.process.pid)
        keys = b"".join(keys for _, keys in self.recent)
        resume = {"watermark": self.watermark, "keys": len(keys)}
        self.process.stdin.write(json.dumps(resume).encode() + b"\n" + keys)

    async def close(self) -> None:
        """Ends the poller: by force, since one that waits for the database hears nothing."""
        process, self.process = self.process, None
        if process and process.returncode is None:
            process.kill()
        if process:
            await process.wait()
