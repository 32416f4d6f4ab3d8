"""Keeps a poller process at work for `perspective_server.py`, and replaces it when it dies or stalls."""

import asyncio
import json
import logging
import sys
import time

from bridge.newest_rows import Rows
from bridge.settings import environment, options

STREAM_LIMIT = 2**20  # bytes that asyncio reads ahead from the pipe
RESTART_S = 1  # between two starts of a poller


class Feed:
    """`await feed.poll()` gives the rows that are new since the last time.

    A new poller goes on where the old one stopped: `rows` has what was delivered.
    """

    def __init__(self):
        self.process = None
        self.started = -RESTART_S  # when
        self.rows = Rows()

    async def poll(self) -> tuple[dict, list[bytes]]:
        """The poller's state and Arrow IPC streams, none where nothing is new. A failure is in the state."""
        try:
            async with asyncio.timeout(options.tdengine_timeout_s + 1):  # taosws' own time-out comes first, if it works
                return await self.ask()
        except TimeoutError:
            failure = f"the database has not answered for {options.tdengine_timeout_s} s"
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            failure = "the poller process ended"
        await self.close()
        return {"error": f"{failure}; starting a new poller"}, []

    async def ask(self) -> tuple[dict, list[bytes]]:
        if self.process is None:
            await self.start()
        self.process.stdin.write(b"poll\n")
        state = json.loads(await self.process.stdout.readline())
        streams = [(rows, await self.process.stdout.readexactly(length)) for rows, length in state.pop("streams")]
        state["start_over"] = self.rows.add(streams, state.get("whole"), state.get("start_over"))
        return state, [arrow for _, arrow in streams]

    async def start(self) -> None:
        await asyncio.sleep(self.started + RESTART_S - time.monotonic())
        self.started = time.monotonic()
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bridge.poller", env=environment(), limit=STREAM_LIMIT,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
        logging.info("poller started, process %d", self.process.pid)
        streams = [arrow for _, arrow in self.rows.streams]
        self.process.stdin.write(json.dumps([len(stream) for stream in streams]).encode() + b"\n" + b"".join(streams))

    async def close(self) -> None:
        """Ends the poller: by force, since one that waits for the database hears nothing."""
        process, self.process = self.process, None
        if process and process.returncode is None:
            process.kill()
        if process:
            await process.wait()
