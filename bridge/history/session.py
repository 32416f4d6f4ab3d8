"""One viewer in the history's process: its requests, its views, and what tells it that they have changed."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import perspective

from bridge.history.answers import Answers
from bridge.history.handler import Handler
from bridge.history.known import Known
from bridge.history.quoting import Refused
from bridge.history.rules import CSV, ON_UPDATE, UPDATE_NO_MORE, objection
from bridge.history.view_sql import MOST_ROWS
from bridge.viewer_requests import DELETE_VIEW, INTEGER, MAKE_VIEW, TEXT, Request, encode, parse

PATIENCE_S = 0.3  # so long a viewer waits for the number of rows, before it is shown the rows without it
CUT = f'"these are the first {MOST_ROWS} rows; there are more: filter by time to export them"\n'


def say_cut(response: bytes) -> bytes:
    """The response with CSV, whose last line then says that there are more rows."""
    found = parse(response, {1: INTEGER, 2: TEXT, CSV: {1: TEXT}})
    text = found[CSV][0][1][0] + CUT
    return encode(1, found[1][0]) + encode(2, found[2][0].encode()) + encode(CSV, encode(1, text.encode()))


class Session:
    """`send` sends a message to the viewer."""

    def __init__(self, answers: Answers, send: Callable[[bytes], Awaitable[None]]) -> None:
        self.answers, self.send = answers, send
        self.known = Known()
        self.handler = Handler(self.known)
        self.server = perspective.VirtualServer(self.handler)
        self.updates: dict[str, bytes] = {}  # what tells the viewer that a view has changed
        self.fresh_until: dict[str, float] = {}  # by the monotonic clock
        self.asking: dict[str, float] = {}  # views whose questions run or wait, and since when
        self.counting: set[asyncio.Task] = set()

    async def answer(self, request: Request, message: bytes) -> bytes:
        """The engine's answer, or why there is none."""
        answers, asked, now = {}, time.monotonic(), round(time.time() * 1000)
        view = request.fields.get(1, [""])[0] if request.kind == MAKE_VIEW else request.entity
        while not (why := objection(request, self.handler.views.keys())):
            self.known.begin(answers, now)
            self.handler.refusal = ""
            response = self.server.handle_request(message)
            if not (self.known.missing or self.known.wanted_soon):
                why = self.handler.refusal
                break
            self.asking.setdefault(view, asked)
            try:
                await self.ask(view, answers, asked + PATIENCE_S)
            except Refused as refusal:  # in the database's words
                why = str(refusal)
                break
            finally:
                self.asking.pop(view, None)
        if why:
            if view not in self.handler.views:
                self.fresh_until.pop(view, None)
            return request.refusal(why)
        if request.kind == ON_UPDATE:
            self.updates[request.entity] = response
        elif request.kind in (DELETE_VIEW, UPDATE_NO_MORE):
            self.updates.pop(request.entity, None)
            self.fresh_until.pop(request.entity, None)
        if request.kind == CSV and self.handler.views[request.entity].cut:
            return say_cut(response)
        return response

    async def ask(self, view: str, answers: dict, patience: float) -> None:
        """Puts what is not known into `answers`; None for what is wanted soon and not there when patience ends."""
        missing, soon = self.known.missing, self.known.wanted_soon
        for question, (rows, until) in zip(missing, await asyncio.gather(*map(self.answers.answer, missing))):
            answers[question] = rows
            self.fresh_until[view] = min(until, self.fresh_until.get(view, until))
        for question in soon:
            task = asyncio.create_task(self.answers.answer(question))
            await asyncio.wait({task}, timeout=max(0, patience - time.monotonic()))
            answers[question] = task.result()[0] if task.done() else None
            if not task.done():
                self.counting.add(task)
                task.add_done_callback(lambda task: self.counted(task, view))

    def counted(self, task: asyncio.Task, view: str) -> None:
        """The number of rows is there: the view is drawn anew."""
        self.counting.discard(task)
        if not task.cancelled() and not task.exception() and view in self.updates:
            asyncio.ensure_future(self.send(self.updates[view]))

    async def refresh(self) -> None:
        """Tells the viewer of each view that may have changed: one of times that are past does not."""
        for name, update in list(self.updates.items()):
            view, until = self.handler.views.get(name), self.fresh_until.get(name, float("inf"))
            if view and until < time.monotonic() and name not in self.asking and view.looks_at_now():
                del self.fresh_until[name]
                view.forget()
                await self.send(update)

    def close(self) -> None:
        for task in self.counting:
            task.cancel()
