"""How a process that this one has started is ended."""

import asyncio
import os
import signal
from contextlib import suppress

END_S = 1


def kill(process: asyncio.subprocess.Process) -> None:
    """As `process.kill()`, which may take the exit status that asyncio waits for."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


async def end(process: asyncio.subprocess.Process) -> None:
    """Kills a process and waits for its end, but not for long: where its output is unread, asyncio waits for ever."""
    kill(process)
    with suppress(TimeoutError):
        async with asyncio.timeout(END_S):
            await process.wait()
