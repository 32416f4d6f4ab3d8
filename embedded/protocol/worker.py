"""The threads that work for clients, one for each."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any


class Worker:
    """A thread that works for one client.

    A question that takes long gives way to the work for others: Linux then gives its thread little of the processor
    while theirs want it. The thread cannot go back, so the next piece of work gets a new one.
    """

    LONG_SECONDS, NICE = 0.1, 10

    def __init__(self, is_asking: Callable[[], bool]) -> None:
        self._is_asking = is_asking
        self._start()

    def _start(self) -> None:
        self._executor = ThreadPoolExecutor(1, "client", self._begin)
        self._thread: int | None = None  # the system's number of the thread, once it runs
        self._gave_way = False

    def _begin(self) -> None:
        self._thread = threading.get_native_id()

    def submit(self, call: Callable, *arguments: Any) -> Future:
        return self._executor.submit(call, *arguments)

    async def run(self, call: Callable, *arguments: Any) -> Any:
        """What the call returns. One call at a time."""
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self.LONG_SECONDS, self._give_way)
        running = loop.run_in_executor(self._executor, call, *arguments)
        try:
            return await running
        finally:
            timer.cancel()
            # A cancelled call goes on. What is submitted next must wait for it, in the same thread.
            if self._gave_way and not running.cancelled():
                self.end()
                self._start()

    def _give_way(self) -> None:
        if sys.platform == "linux" and self._thread is not None and self._is_asking():
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, self._thread, self.NICE)
                self._gave_way = True

    def end(self) -> None:
        """The thread ends after its present work."""
        self._executor.shutdown(wait=False)
