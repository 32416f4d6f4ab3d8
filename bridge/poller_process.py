"""Both ends of the pipe between the server and the poller, which is a process of its own.

taosws holds Python's global lock during every call, so a thread would not do: a database that stalls would stall the
server, and every viewer with it.

The server starts `python -m bridge.poller_process` and writes two things to its standard input. First comes what
earlier pollers have delivered: a line of JSON with `floor`, `cursor` and `lengths`, then as many Arrow IPC streams.
Then comes an empty line for each poll. The answer on standard output is a line of JSON, a Delivery and `streams` as
(rows, bytes), and the Arrow IPC streams themselves. Empty lines before it are signs of life.
"""

import asyncio
import gc
import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

import meters
from bridge.delivery import Delivery
from bridge.known_rows import KnownRows
from bridge.newest_rows import NewestRows
from bridge.poller import Poller
from bridge.processes import end, leave_pandas_out
from bridge.questions import Questions
from bridge.settings import environment, options, parse

STREAM_ROWS = 2500  # of one Arrow stream: with more at once Perspective takes longer for each
STREAM_BYTES = 2**20  # a bound: a slow viewer has IDLE_S for each stream, and others wait behind it
READ_AHEAD_BYTES = 2**20  # that asyncio takes from the pipe before somebody asks
RESTART_S = 1  # between two starts of a poller


def to_streams(rows: list[tuple]) -> Iterator[tuple[int, bytes]]:
    """The rows as Arrow IPC streams of bounded size: (rows, bytes)."""
    at, step = 0, STREAM_ROWS
    while at < len(rows):
        part = rows[at:at + step]
        arrow = meters.to_arrow(part)
        if len(arrow) > STREAM_BYTES and len(part) > 1:
            step = max(1, len(part) * STREAM_BYTES // (2 * len(arrow)))
            continue
        yield len(part), arrow
        at += len(part)


class PollerProcess:
    """The server's end: keeps a poller at work, and replaces it when it dies or stalls.

    A new poller goes on where the old one stopped: `rows` has what was delivered.
    """

    def __init__(self, rows: NewestRows) -> None:
        self.rows = rows
        self.process: asyncio.subprocess.Process | None = None
        self.started = -RESTART_S  # when
        self.last = Delivery()

    async def poll(self) -> tuple[Delivery, list[tuple[int, bytes]]]:
        """The next delivery and its streams, as (rows, Arrow IPC). It never raises: the delivery says what failed."""
        try:
            return await self._ask()
        except TimeoutError:
            failure = f"the database has not answered for {options.tdengine_timeout_s} s"
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            if self.process is None:  # `close` has ended it: the server stops
                return Delivery(), []
            failure = "the poller process ended"
        await self.close()
        return Delivery(error=f"{failure}; starting a new poller"), []

    async def _ask(self) -> tuple[Delivery, list[tuple[int, bytes]]]:
        if self.process is None:
            await self._start()
        answers = self.process.stdout
        self.process.stdin.write(b"\n")
        while (line := await self._in_time(answers.readline())) == b"\n":
            pass  # each question has a time limit of its own: with a database far away, many of them may take longer
        answer = json.loads(line)
        lengths = answer.pop("streams")
        streams = [(rows, await self._in_time(answers.readexactly(length))) for rows, length in lengths]
        delivery = Delivery(**answer)
        if not (delivery.error or delivery.waiting):
            self.last = delivery
        return delivery, streams

    async def _in_time(self, reading: Awaitable[bytes]) -> bytes:
        async with asyncio.timeout(options.tdengine_timeout_s + 1):  # taosws' own time limit comes first, if it works
            return await reading

    async def _start(self) -> None:
        await asyncio.sleep(self.started + RESTART_S - time.monotonic())
        self.started = time.monotonic()
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bridge.poller_process", cwd=Path(__file__).parents[1], env=environment(),
            limit=READ_AHEAD_BYTES, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
        logging.info("poller started, process %d", self.process.pid)
        streams = [arrow for _, arrow in self.rows.streams]
        known = {"floor": self.last.floor, "cursor": self.last.cursor, "lengths": [len(arrow) for arrow in streams]}
        self.process.stdin.write(json.dumps(known).encode() + b"\n" + b"".join(streams))

    async def close(self) -> None:
        """Ends the poller: by force, since one that waits for the database hears nothing."""
        process, self.process = self.process, None
        if process:
            await end(process)


def main() -> None:
    """The poller's end."""
    parse(__doc__, "database", "poller")
    leave_pandas_out()
    gc.disable()  # it would look through all rows again and again, a quarter of the time; nothing here makes cycles
    source, sink = sys.stdin.buffer, sys.stdout.buffer

    def alive() -> None:
        sink.write(b"\n")
        sink.flush()

    poller = Poller(Questions(alive), known_rows(source), options.overlap_ms)
    ahead = None
    while source.readline():  # an empty read: the server is gone
        delivery, streams = ahead or poll(poller, alive)
        answer = asdict(delivery) | {"streams": [(rows, len(arrow)) for rows, arrow in streams]}
        sink.write(json.dumps(answer).encode() + b"\n" + b"".join(arrow for _, arrow in streams))
        sink.flush()
        ahead = poll(poller, alive) if delivery.more else poller.check()  # while the server is at work


def known_rows(source: BinaryIO) -> KnownRows:
    """What earlier pollers have delivered."""
    before = json.loads(source.readline())
    known = KnownRows(options.table_limit)
    rows = [row for length in before["lengths"] for row in meters.from_arrow(source.read(length))]
    known.restore(rows, before["floor"], before["cursor"])
    return known


def poll(poller: Poller, alive: Callable[[], None]) -> tuple[Delivery, list[tuple[int, bytes]]]:
    """The next delivery, and its rows as streams."""
    delivery, rows = poller.poll()
    streams = []
    try:
        for stream in to_streams(rows):
            streams.append(stream)
            alive()
    except pa.ArrowException as error:  # a column got another type since its table was looked at
        poller.disconnect()
        poller.load_reason = "some rows could not be read"
        return Delivery(error=f"a value does not fit meters.py: {error}"), []
    if delivery.start_over and not rows:
        streams = [(0, meters.to_arrow([]))]  # pages show an empty table then
    return delivery, streams


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, BrokenPipeError):
        pass  # the server ends this program by closing its input; Ctrl-C reaches both
