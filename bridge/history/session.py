"""One viewer in the history's process: its requests, its views, and what tells it that they have changed."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import perspective

from bridge.history import exports
from bridge.history.answers import Answers
from bridge.history.handler import Handler
from bridge.history.known import Known, Missing
from bridge.history.quoting import Refused
from bridge.history.rules import FOLDS, ON_UPDATE, UPDATE_NO_MORE, objection
from bridge.history.view_sql import MOST_WINDOWS
from bridge.viewer_requests import DELETE_VIEW, MAKE_VIEW, SET_DEPTH, Request, encode

LEAST_WINDOWS = 10
PATIENCE_S = 0.3  # so long a viewer waits for the number of rows, before it is shown the rows without it


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
        self.changed: set[str] = set()  # views that are drawn anew at the next refresh, whatever they look at
        self.counting: set[asyncio.Task] = set()

    async def answer(self, request: Request, message: bytes) -> bytes:
        """The engine's answer, or why there is none."""
        answers, asked, now = {}, time.monotonic(), round(time.time() * 1000)
        view = request.fields.get(1, [""])[0] if request.kind == MAKE_VIEW else request.entity
        while not (why := objection(request, self.handler.views.keys())):
            self.known.begin(answers, now)
            self.handler.refusal = ""
            response = self.respond(request, message)
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
            self.changed.discard(request.entity)
            self.fresh_until.pop(request.entity, None)
        if request.kind in exports.KINDS and self.handler.views[request.entity].cut:
            return exports.say_cut(request.kind, response)
        return response

    def respond(self, request: Request, message: bytes) -> bytes:
        if request.kind not in FOLDS:
            return self.server.handle_request(message)
        with suppress(Missing, Refused):  # the handler has kept why
            changed = self.handler.fold(request.entity, request.kind, request.fields.get(1, [0])[0])
            rows = b"" if request.kind == SET_DEPTH else encode(1, changed)
            return encode(1, request.id) + encode(2, request.entity.encode()) + encode(request.kind, rows)

    async def ask(self, view: str, answers: dict, patience: float) -> None:
        """Puts what is not known into `answers`; None for what is wanted soon and not there when patience ends."""
        missing, soon = self.known.missing, self.known.wanted_soon
        asked = [asyncio.create_task(self.answers.answer(question)) for question in missing]
        try:
            for question, (rows, until) in zip(missing, await asyncio.gather(*asked)):
                answers[question] = rows
                self.fresh_until[view] = min(until, self.fresh_until.get(view, until))
        finally:  # where one has failed, nobody waits for the others
            for task in asked:
                task.cancel()
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
            due = view and (name in self.changed or until < time.monotonic() and view.looks_at_now())
            if due and name not in self.asking:
                self.changed.discard(name)
                self.fresh_until.pop(name, None)
                view.read_anew()
                await self.send(update)

    def fit(self, windows: int) -> None:
        """So many windows of time fit the viewer's panel."""
        windows = max(LEAST_WINDOWS, min(windows, MOST_WINDOWS))
        if windows != self.known.windows:
            self.known.windows = windows
            self.changed |= {name for name, view in self.handler.views.items() if view.sql.grouped_by_time}

    def close(self) -> None:
        for task in self.counting:
            task.cancel()
