"""How long a row takes to many viewers, and what the viewers cost the server, in both modes of the page.

A viewer has four grouped panels, and asks for /status every second. 50 and then 200 of them watch 1000 rows/s for 15 s.

In the first mode (`Copy`) a viewer takes the rows as they come. A few viewers, as many as one machine can bear, keep
a real copy with four grouped views, and their delay ends there. In the second mode (`ServerSide`) a viewer has four
grouped views on the server, and asks each for its columns after each update. When it cannot keep up, it skips updates,
as a panel does. Viewers that are not connected within CONNECTING_S are left out.
"""

import asyncio
import json
import time

import perspective
from tornado.httpclient import AsyncHTTPClient
from tornado.websocket import websocket_connect

from benchmarks.measure import PANEL, Figure, Place, cpu_s, drifting_producer, own_place, rows_of, show
from tests.helpers.programs import Server
from tests.helpers.waiting import wait_for

VIEWERS, WITH_PANELS = (50, 200), 5
SECONDS, CONNECTING_S = 15, 30


class Copy:
    """A page that keeps a copy of the table."""

    PANELS = 1

    def __init__(self, port: int, number: int):
        self.port, self.with_panels = port, number < WITH_PANELS
        self.delays, self.panels = [], []

    async def start(self) -> None:
        self.socket = await websocket_connect(f"ws://127.0.0.1:{self.port}/rows", max_message_size=2**30)
        self.tasks = [asyncio.create_task(self.read())]

    async def read(self) -> None:
        limit = json.loads(await self.socket.read_message())["limit"]
        while (message := await self.socket.read_message()) is not None:
            if not self.with_panels:
                self.shows(rows_of(message)["timestamp"][-1].value)
            elif self.panels:
                self.copy.update(message)
                self.shows(min(max(view.to_columns()["timestamp"]) for view in self.panels))
            else:
                self.copy = perspective.Server().new_local_client().table(message, limit=limit)
                self.panels = [self.copy.view(**PANEL) for _ in range(4)]

    async def ask_status(self) -> None:
        while True:
            await AsyncHTTPClient().fetch(f"http://127.0.0.1:{self.port}/status")
            await asyncio.sleep(1)

    def shows(self, newest_ms: int) -> None:
        self.delays.append(time.time() * 1000 - newest_ms)


class ServerSide(Copy):
    """A page whose panels query the server, by Perspective's own client."""

    PANELS = 4

    async def start(self) -> None:
        self.socket = await websocket_connect(f"ws://127.0.0.1:{self.port}/websocket", max_message_size=2**30)
        self.client = perspective.AsyncClient(self.send, self.socket.close)
        self.tasks = [asyncio.create_task(self.read())]
        table = await self.client.open_table("meters_values")
        self.tasks += [asyncio.create_task(self.panel(await table.view(**PANEL))) for _ in range(self.PANELS)]

    async def send(self, message: bytes) -> None:
        await self.socket.write_message(bytes(message), binary=True)

    async def read(self) -> None:
        while (message := await self.socket.read_message()) is not None:
            await self.client.handle_response(message)

    async def panel(self, view: perspective.View) -> None:
        changed = asyncio.Event()
        await view.on_update(lambda *_: changed.set())
        while True:
            await changed.wait()
            changed.clear()
            self.shows(max(json.loads(await view.to_columns_string())["timestamp"]))


async def measure(server: Server, kind: type, number: int) -> dict:
    """The delays that so many viewers of a kind see, and what they cost the server, once they are connected."""
    AsyncHTTPClient.configure(None, max_clients=number)
    viewers, connected = [kind(server.port, i) for i in range(number)], 0
    try:
        async with asyncio.timeout(CONNECTING_S):
            for viewer in viewers:
                await viewer.start()
                connected += 1
    except TimeoutError:
        viewers = viewers[:connected]
    for viewer in viewers:
        viewer.tasks.append(asyncio.create_task(viewer.ask_status()))
    await asyncio.sleep(3)
    for viewer in viewers:
        viewer.delays.clear()
    before, started = cpu_s(server.process.pid), time.monotonic()
    await asyncio.sleep(SECONDS)
    cpu = 100 * (cpu_s(server.process.pid) - before) / (time.monotonic() - started)
    for viewer in viewers:
        for task in viewer.tasks:
            task.cancel()
        viewer.socket.close()
    return {"connected": connected, "delays": [delay for viewer in viewers for delay in viewer.delays], "cpu": [cpu]}


def figures() -> list[Figure]:
    found = []
    with own_place() as place, drifting_producer(place.folder, place.dsn, 10, 29):
        for number in VIEWERS:
            ours, theirs = (run(place, kind, number) for kind in (Copy, ServerSide))
            rival = "panels that query the server"
            if theirs["connected"] < number:
                rival += f" ({theirs['connected']} could connect)"
            delay = Figure(f"insert to {number} viewers with four grouped panels", "ms",
                           ours["delays"], rival, theirs["delays"])
            if number == 200:
                delay.goal = "p99 ≤ 1000, all connected"
                delay.met = delay.summary()["ours"]["p99"] <= 1000 and ours["connected"] == number
            cost = Figure(f"what {number} viewers cost the server", "% of a core", ours["cpu"], rival, theirs["cpu"])
            found += [delay, cost]
    return found


def run(place: Place, kind: type, number: int) -> dict:
    with Server(place.folder, place.dsn) as server:
        wait_for(lambda: server.status()["rows_seen"], what="the first rows")
        return asyncio.run(measure(server, kind, number))


if __name__ == "__main__":
    show(figures())
