"""Starts child processes without pandas, and ends them."""

import asyncio
import os
import signal
import sys
from contextlib import suppress

END_S = 1  # asyncio learns of the end within milliseconds, or, where output is unread, never


class WithoutPandas:
    """pyarrow loads pandas, where it is installed, for the first list that it gets: 0.2 s and 45 MB for nothing.

    Python asks this class first, for each module that is to be loaded.
    """

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("pandas is left out", name=name)


def leave_pandas_out() -> None:
    sys.meta_path.insert(0, WithoutPandas)


def kill(process: asyncio.subprocess.Process) -> None:
    """Sends SIGKILL. `process.kill()` could take the exit status itself, and asyncio would wait for it in vain."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


async def end(process: asyncio.subprocess.Process) -> None:
    """Kills a process and waits for its end, but not for long: where its output is unread, asyncio waits for ever."""
    kill(process)
    with suppress(TimeoutError):
        async with asyncio.timeout(END_S):
            await process.wait()
