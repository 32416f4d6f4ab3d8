"""The server's end of a process that answers viewers' requests.

`PerspectiveServer` in `hosted_table.py` and `History` in `history/viewers.py` are its two kinds.

What viewers ask can end Perspective's engine, or keep it busy. In a process of its own it takes nothing else with it.
"""

import asyncio
import itertools
import logging
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

from tornado.web import HTTPError

from bridge import frames
from bridge.processes import end
from bridge.settings import environment
from bridge.viewer_requests import MAKE_PORT, Request, parse_request
from bridge.viewer_rules import NO_REQUEST
from bridge.websockets import Viewer, Viewers

RESTART_S = 1  # between two starts of a process


class ViewersProcess:
    """Keeps `python -m <module>` at work: it is started when the first viewer comes, and again after its end."""

    name = module = ""
    environment: dict[str, str] = {}

    def __init__(self) -> None:
        self.process: asyncio.subprocess.Process | None = None
        self.writer: asyncio.StreamWriter | None = None
        self.viewers: dict[int, Viewer] = {}
        self.numbers = itertools.count(1)  # 0 is nobody
        self.started_at = -RESTART_S
        self.starting = asyncio.Lock()

    def objection(self, viewer: Viewer) -> str:
        """Why this viewer may not come, "" where it may."""
        return ""

    async def open(self, viewer: "QueryHandler") -> int:
        """A new viewer's number."""
        async with self.starting:
            if self.process is None:
                await self.start()
        number = next(self.numbers)
        self.viewers[number] = viewer
        if self.process is None:  # it has ended already
            viewer.close(1012, f"the {self.name}'s process has ended")
        await self.send(number, frames.OPEN)
        return number

    async def start(self) -> None:
        await asyncio.sleep(self.started_at + RESTART_S - time.monotonic())
        self.started_at = time.monotonic()
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", self.module, cwd=Path(__file__).parents[1], stdin=theirs,
                env=environment() | {"RUST_LOG": "off"} | self.environment)  # a guest could fill the log otherwise
        reader, self.writer = await asyncio.open_connection(sock=ours)
        logging.info("%s started, process %d", self.name, self.process.pid)
        self.reading = asyncio.create_task(self.read(reader))

    async def read(self, reader: asyncio.StreamReader) -> None:
        """Hands the process' messages to the viewers, until it has ended."""
        why = f"the {self.name}'s process has ended"
        try:
            while True:
                await self.receive(*await self.next(reader))
        except TimeoutError as silence:
            why = str(silence)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        why = self.fault() or why
        logging.warning("%s", why)
        await self.close(why)

    def fault(self) -> str:
        """Why the process has ended, in the words for viewers that connect anew; "" where nothing is known."""
        return ""

    async def next(self, reader: asyncio.StreamReader) -> tuple[int, int, bytes]:
        """The next frame. Raises TimeoutError with the reason to end the process."""
        return await frames.read(reader)

    async def receive(self, number: int, kind: int, message: bytes) -> None:
        if kind in (frames.ANSWER, frames.UPDATE, frames.TEXT) and (viewer := self.viewers.get(number)):
            viewer.send(message.decode() if kind == frames.TEXT else message)

    async def send(self, number: int, kind: int, message: bytes = b"") -> None:
        """Nothing happens where the process, or the viewer, has gone."""
        if self.process and (not number or number in self.viewers):
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
            await end(process)


class QueryHandler(Viewer):
    """Perspective's protocol, answered by a process. "" is answered by "", as a sign of life."""

    def initialize(self, viewers: Viewers, process: ViewersProcess) -> None:
        super().initialize(viewers)
        self.process, self.number = process, 0

    def prepare(self) -> None:
        super().prepare()
        if why := self.process.objection(self):
            raise HTTPError(503, reason=why)

    async def open(self) -> None:
        super().open()
        self.number = await self.process.open(self)
        if self not in self.viewers:  # it has left meanwhile
            await self.leave()

    def on_close(self) -> None:
        super().on_close()
        asyncio.ensure_future(self.leave())

    async def leave(self) -> None:
        await self.process.send(self.number, frames.CLOSE)
        self.process.viewers.pop(self.number, None)

    async def on_message(self, message: bytes | str) -> None:
        if message == "":
            self.send("")
            return
        try:
            request = parse_request(message)
        except ValueError as error:
            self.count_refusal(f"a message that is no request of Perspective's: {error}")
            self.close(1003, NO_REQUEST)
            return
        if request.kind == MAKE_PORT:
            # A datagrid asks for a port to send edits through, and draws nothing until it has one. Read as an
            # answer, its own request says "port 0", the one that is always there: no new port for the table.
            self.send(message)
        else:
            await self.ask(request, message)

    async def ask(self, request: Request, message: bytes) -> None:
        """Hands a request on. The next one is read from the network after that."""
        raise NotImplementedError
