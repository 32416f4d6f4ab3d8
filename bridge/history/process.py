"""The history's process: `python -m bridge.history.process`, started by the server, its standard input a socket.

Perspective's engine can be ended by some messages; here it takes no live viewer with it.
"""

import asyncio
import json
import logging
import os
import socket
import time
from contextlib import suppress

from bridge import frames
from bridge.history.answers import Answers
from bridge.history.database import Database
from bridge.history.session import Session
from bridge.processes import leave_pandas_out
from bridge.settings import options, parse
from bridge.viewer_requests import parse_request


class Process:
    """All viewers of the history."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.database = Database()
        self.answers = Answers(self.database.ask)
        self.sessions: dict[int, Session] = {}
        self.tasks: dict[int, set[asyncio.Task]] = {}  # the requests under way
        self.told: set[int] = set()  # viewers that know of questions under way

    def take(self, viewer: int, kind: int, message: bytes) -> None:
        """Takes a frame from the server."""
        if kind == frames.OPEN:
            self.sessions[viewer] = Session(
                self.answers, lambda update: frames.write(self.writer, viewer, frames.UPDATE, update))
            self.tasks[viewer] = set()
        elif kind == frames.CLOSE:
            self.sessions.pop(viewer).close()
            self.told.discard(viewer)
            for task in self.tasks.pop(viewer):
                task.cancel()
        elif kind == frames.FIT:
            self.sessions[viewer].fit(int(message))
        else:
            task = asyncio.create_task(self.answer(viewer, message))
            self.tasks[viewer].add(task)
            task.add_done_callback(self.tasks[viewer].discard)

    async def answer(self, viewer: int, message: bytes) -> None:
        request = parse_request(message)
        try:
            answer = await self.sessions[viewer].answer(request, message)
        except Exception as error:  # a viewer must not wait for ever
            logging.exception("a view was not answered")
            answer = request.refusal(f"{type(error).__name__}: {error}")
        await frames.write(self.writer, viewer, frames.ANSWER, answer)

    async def tell(self) -> None:
        """Each second says what has been asked for about a second or more, and that the process lives."""
        while True:
            await asyncio.sleep(1)
            await frames.write(self.writer, 0, frames.ALIVE)
            now = time.monotonic()
            for viewer, session in list(self.sessions.items()):
                asking = {name: s for name, since in session.asking.items() if (s := round(now - since))}
                if asking or viewer in self.told:
                    await frames.write(self.writer, viewer, frames.TEXT, json.dumps({"asking": asking}).encode())
                    self.told.add(viewer) if asking else self.told.discard(viewer)

    async def refresh(self) -> None:
        while True:
            await asyncio.sleep(options.history_every_s)
            for session in list(self.sessions.values()):
                await session.refresh()


async def main() -> None:
    parse(__doc__, "database", "history")
    leave_pandas_out()
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=0))
    process = Process(writer)
    process.helpers = [asyncio.create_task(process.tell()), asyncio.create_task(process.refresh())]
    with suppress(asyncio.IncompleteReadError, ConnectionError):  # the server is gone
        while True:
            process.take(*await frames.read(reader))
    process.database.close()
    os._exit(0)  # nobody waits for what is under way


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
