"""The server's end of the history: the viewers' WebSocket, and the process that answers it."""

import asyncio
import itertools
import logging
import re
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

from bridge.history import frames
from bridge.settings import environment
from bridge.viewer_requests import MAKE_PORT, parse_request
from bridge.viewer_rules import NO_REQUEST
from bridge.websockets import Viewer, Viewers

RESTART_S = 1  # between two starts of the process
SILENCE_S = 10  # after which the process is ended: it gives a sign of life each second
AT_ONCE = 32  # requests of one viewer under way


class History:
    """Keeps the process at work: it is started when somebody asks, and again when it has died."""

    def __init__(self) -> None:
        self.process: asyncio.subprocess.Process | None = None
        self.writer: asyncio.StreamWriter | None = None
        self.viewers: dict[int, HistoryHandler] = {}
        self.numbers = itertools.count(1)
        self.started = -RESTART_S
        self.starting = asyncio.Lock()

    async def open(self, viewer: "HistoryHandler") -> int:
        """A new viewer's number."""
        async with self.starting:
            if self.process is None:
                await self.start()
        number = next(self.numbers)
        self.viewers[number] = viewer
        await self.send(number, frames.OPEN)
        return number

    async def start(self) -> None:
        await asyncio.sleep(self.started + RESTART_S - time.monotonic())
        self.started = time.monotonic()
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bridge.history.process", cwd=Path(__file__).parents[2], stdin=theirs,
                env=environment() | {"RUST_LOG": "off"})  # the engine logs what the handler has not got yet
        reader, self.writer = await asyncio.open_connection(sock=ours)
        logging.info("history started, process %d", self.process.pid)
        self.reading = asyncio.create_task(self.read(reader))

    async def read(self, reader: asyncio.StreamReader) -> None:
        """Hands the process' messages to the viewers, until it has ended."""
        why = "the history's process has ended"
        try:
            while True:
                async with asyncio.timeout(SILENCE_S):
                    number, kind, message = await frames.read(reader)
                if viewer := self.viewers.get(number):
                    viewer.send(message.decode() if kind == frames.TEXT else message)
                    if kind == frames.ANSWER:
                        viewer.answered()
        except TimeoutError:
            why = f"the history's process was silent for {SILENCE_S} s"
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        logging.warning("%s", why)
        await self.close(why)

    async def send(self, number: int, kind: int, message: bytes = b"") -> None:
        if number in self.viewers:
            with suppress(ConnectionError):  # `read` hears of it, too
                await frames.write(self.writer, number, kind, message)

    async def close(self, why: str = "the server stops") -> None:
        """Ends the process; viewers connect anew."""
        process, self.process = self.process, None
        viewers, self.viewers = self.viewers, {}
        for viewer in viewers.values():
            viewer.close(1012, why)
        if process:
            self.writer.close()
            if process.returncode is None:
                process.kill()
            await process.wait()


class HistoryHandler(Viewer):
    """Perspective's protocol on the database's own tables. "" is answered by ""; text tells what is being asked.

    A viewer may say by a number, as text, how many windows of time fit its panel.
    """

    def initialize(self, viewers: Viewers, history: History) -> None:
        super().initialize(viewers)
        self.history, self.number = history, 0
        self.free = asyncio.Semaphore(AT_ONCE)

    async def open(self) -> None:
        super().open()
        self.number = await self.history.open(self)
        if self not in self.viewers:  # it has left meanwhile
            await self.leave()

    def on_close(self) -> None:
        super().on_close()
        asyncio.ensure_future(self.leave())

    async def leave(self) -> None:
        await self.history.send(self.number, frames.CLOSE)
        self.history.viewers.pop(self.number, None)

    def answered(self) -> None:
        self.free.release()

    async def on_message(self, message: bytes | str) -> None:
        if message == "":
            self.send("")
            return
        if isinstance(message, str) and re.fullmatch("[0-9]{1,6}", message):
            await self.history.send(self.number, frames.FIT, message.encode())
            return
        try:
            request = parse_request(message)
        except ValueError as error:
            self.count_refusal(f"a message that is no request of Perspective's: {error}")
            self.close(1003, NO_REQUEST)
            return
        if request.kind == MAKE_PORT:
            self.send(message)  # see PerspectiveHandler: "port 0" without a new port
            return
        await self.free.acquire()
        await self.history.send(self.number, frames.REQUEST, message)
