"""The Perspective table that viewers query on the server: Perspective's engine has a process of its own for it.

The process is started when the first viewer comes. It gets the rows as a page with a copy gets them, and no tick waits
for it. What viewers ask may keep the engine busy, take all its memory, or end it: then a new one has the rows, the
other viewers connect anew, and the viewer that asked is told why.
"""

import asyncio
import time
from collections import Counter, deque
from dataclasses import dataclass

from bridge import frames
from bridge.newest_rows import NewestRows
from bridge.processes import kill
from bridge.settings import options
from bridge.viewer_requests import DELETE_VIEW, MAKE_VIEW, TELL, TELL_NO_MORE, Request
from bridge.viewer_rules import OpenView, objection
from bridge.viewers_process import QueryHandler, ViewersProcess
from bridge.websockets import Viewers, address

STRIKES, STRIKES_S = 3, 60  # after so many questions that ended the engine, an address has to wait for so long
WATCH_S = 0.2


@dataclass
class UnderWay:
    """A frame that the engine has not worked through. Rows are nobody's (viewer 0)."""

    viewer: int = 0
    done: asyncio.Future | None = None
    request: Request | None = None

    def finish(self, seconds: float) -> None:
        if not self.done.done():
            self.done.set_result(seconds)


class PerspectiveServer(ViewersProcess):
    """The engine's process. It is ended when it works for more than QUESTION_S on one thing."""

    name, module = "engine", "bridge.engine"
    environment = {"MIMALLOC_ARENA_RESERVE": "32768"}  # KiB; else it reserves 1 GiB, which would count as used

    def __init__(self) -> None:
        super().__init__()
        self.table: HostedTable | None = None
        self.under_way: deque[UnderWay] = deque()
        self.since = 0.0  # when work on the oldest of them began
        self.strikes: list[tuple[str, float]] = []  # whose questions ended the engine, and when
        self.helpers: list[asyncio.Task] = []

    def objection(self, viewer: QueryHandler) -> str:
        return (f"{STRIKES} questions of yours were too much for the server: try again in a minute"
                if self.recent_strikes(address(viewer.request)) >= STRIKES else "")

    def recent_strikes(self, address: str) -> int:
        then = time.monotonic() - STRIKES_S
        self.strikes = [(whose, when) for whose, when in self.strikes if when > then]
        return sum(whose == address for whose, _ in self.strikes)

    async def start(self) -> None:
        await super().start()
        filled = asyncio.Event()
        self.helpers = [asyncio.create_task(self.table.feed(filled)), asyncio.create_task(self.watch())]
        await filled.wait()  # a viewer's first question finds the table

    async def send(self, number: int, kind: int, message: bytes = b"", request: Request | None = None) -> float:
        """Sends a frame, and waits until the engine has worked it through, or has ended: the seconds that it took."""
        if self.process is None or number and number not in self.viewers:
            return 0.0
        if not self.under_way:
            self.since = time.monotonic()
        entry = UnderWay(number, asyncio.get_running_loop().create_future(), request)
        self.under_way.append(entry)
        await super().send(number, kind, message)
        return await entry.done

    async def receive(self, number: int, kind: int, message: bytes) -> None:
        await super().receive(number, kind, message)
        if kind == frames.DONE:
            since, self.since = self.since, time.monotonic()
            self.under_way.popleft().finish(self.since - since)

    async def watch(self) -> None:
        while not self.under_way or time.monotonic() - self.since < options.question_s:
            await asyncio.sleep(WATCH_S)
        kill(self.process)

    def fault(self) -> str:
        """Tells the viewer that asked what ended the engine, and counts it against that address."""
        oldest = self.under_way[0] if self.under_way else UnderWay()
        viewer = self.viewers.get(oldest.viewer)
        why = (f"took longer than {options.question_s} s (QUESTION_S)"
               if time.monotonic() - self.since >= options.question_s else
               f"ended the engine, or took more than {options.engine_memory_mb} MB (ENGINE_MEMORY_MB)")
        if self.under_way and not oldest.viewer:
            return self.fault_of_views(f"an update of the table {why}")
        if not oldest.request or not viewer:
            return ""
        self.strikes.append((address(viewer.request), time.monotonic()))
        viewer.count_refusal(f"{oldest.request.name}: it {why}")
        viewer.send(oldest.request.refusal(f"this question {why}"))
        return "another viewer's question was too much for the engine"

    def fault_of_views(self, what: str) -> str:
        """An update changes all views. So it is the fault of the address whose views took longest to make."""
        took = Counter()
        for viewer in self.viewers.values():
            took[address(viewer.request)] += sum(view.took for view in viewer.views.values())
        if not any(took.values()):
            return what
        (slowest, _), = took.most_common(1)
        self.strikes.append((slowest, time.monotonic()))
        for viewer in self.viewers.values():
            if address(viewer.request) == slowest:
                viewer.count_refusal(f"views: {what}")
                viewer.close(1012, f"your views are too much: {what}")
        return "another viewer's views were too much for the engine"

    async def close(self, why: str = "the server stops") -> None:
        for entry in self.under_way:
            entry.finish(0.0)
        self.under_way.clear()
        for helper in self.helpers:
            helper.cancel()
        await super().close(why)


class HostedTable:
    """`meters_values` in the engine; `rows` has its rows."""

    def __init__(self, server: PerspectiveServer, rows: NewestRows) -> None:
        self.server, self.rows = server, rows
        server.table = self

    async def feed(self, filled: asyncio.Event) -> None:
        """Gives the engine the rows, as fast as it takes them. `filled` is set when it has those that are there now."""
        number, beginning = self.rows.first, self.rows.beginnings
        until = number + len(self.rows.streams)
        try:
            while True:
                if number >= until:
                    filled.set()
                following = await self.rows.next(number, beginning)
                if following is None:
                    asyncio.create_task(self.server.close("there is a new table"))
                    return
                number, rows, arrow = following
                if rows:  # an empty table would hang it
                    await self.server.send(0, frames.ROWS, arrow)
        finally:
            filled.set()


class PerspectiveHandler(QueryHandler):
    """Perspective's protocol on the hosted table. A viewer has one request under way: the next is read after it."""

    def initialize(self, viewers: Viewers, process: PerspectiveServer) -> None:
        super().initialize(viewers, process)
        self.views: dict[str, OpenView] = {}

    def on_close(self) -> None:
        super().on_close()
        self.drop_views(list(self.views))

    async def ask(self, request: Request, message: bytes) -> None:
        if why := objection(request, self.views, self.viewers.views):
            self.count_refusal(f"{request.name}: {why}")
            self.send(request.refusal(why))
            return
        view = self.views.get(request.entity)
        if request.kind == MAKE_VIEW:
            name, = request.fields[1]
            view = self.views[name] = OpenView()
            self.viewers.views.add(name)
        elif request.kind == DELETE_VIEW:
            self.drop_views([request.entity])
        elif request.kind == TELL:
            view.told.append(request.id)
        elif request.kind == TELL_NO_MORE and view and (number := request.fields.get(1, [0])[-1]) in view.told:
            view.told.remove(number)
        seconds = await self.process.send(self.number, frames.REQUEST, message, request)
        if request.kind == MAKE_VIEW:
            view.took = seconds

    def drop_views(self, names: list[str]) -> None:
        """Views of these names are gone; the names may be used again."""
        self.viewers.views.difference_update(names)
        for name in names:
            self.views.pop(name, None)
