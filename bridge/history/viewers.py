"""The server's end of the history: the viewers' WebSocket, and the process that answers it."""

import asyncio
import re

from bridge import frames
from bridge.viewer_requests import Request
from bridge.viewers_process import QueryHandler, ViewersProcess
from bridge.websockets import Viewers

SILENCE_S = 10  # after which the process is ended: it gives a sign of life each second
AT_ONCE = 32  # requests of one viewer under way


class History(ViewersProcess):
    """The process whose views are answered by the database."""

    name, module = "history", "bridge.history.process"

    async def next(self, reader: asyncio.StreamReader) -> tuple[int, int, bytes]:
        try:
            async with asyncio.timeout(SILENCE_S):
                return await super().next(reader)
        except TimeoutError:
            raise TimeoutError(f"the history's process was silent for {SILENCE_S} s") from None

    async def receive(self, number: int, kind: int, message: bytes) -> None:
        await super().receive(number, kind, message)
        if kind == frames.ANSWER and (viewer := self.viewers.get(number)):
            viewer.free.release()


class HistoryHandler(QueryHandler):
    """Perspective's protocol on the database's own tables. Text tells what is being asked.

    A viewer may say by a number, as text, how many windows of time fit its panel.
    """

    def initialize(self, viewers: Viewers, process: History) -> None:
        super().initialize(viewers, process)
        self.free = asyncio.Semaphore(AT_ONCE)

    async def on_message(self, message: bytes | str) -> None:
        if isinstance(message, str) and re.fullmatch("[0-9]{1,6}", message):
            await self.process.send(self.number, frames.FIT, message.encode())
            return
        await super().on_message(message)

    async def ask(self, request: Request, message: bytes) -> None:
        await self.free.acquire()
        await self.process.send(self.number, frames.REQUEST, message)
