"""Prints what many viewers cost the server, and how long a row takes to them: panels that query the server beside pages with a copy.

`.venv/bin/python benchmarks/clients.py [viewers ...]` measures 1, 50 and 200 viewers by default, each way for 15 s at 1000 rows/s.
A viewer of `ServerSide` has four grouped views and asks each for its columns after each update; one that cannot keep up skips updates,
as a panel does. One of `Copy` takes the rows as they come. Those not connected within a minute are left out.
"""

import asyncio
import json
import os
import sys
import time

import perspective
import pyarrow as pa
from measure import cpu_s, embedded, summary
from tornado.websocket import websocket_connect

from conftest import wait_for
from programs import Server, producer

SECONDS = 15

PANEL = {"group_by": ["location", "groupid"], "group_rollup_mode": "flat", "columns": ["timestamp", "current", "voltage", "phase"],
         "aggregates": {name: "last" for name in ("timestamp", "current", "voltage", "phase")}}
CONNECTING_S = 60  # for all viewers together


class Copy:
    """A page that keeps a copy of the table: here the rows' times are read, no more."""

    PANELS = 1

    def __init__(self):
        self.delays = []

    async def start(self, port: int) -> None:
        self.socket = await websocket_connect(f"ws://127.0.0.1:{port}/rows", max_message_size=2**30)
        self.reading = asyncio.create_task(self.read())

    async def read(self) -> None:
        while (message := await self.socket.read_message()) is not None:
            if isinstance(message, bytes):
                self.shows(pa.ipc.open_stream(message).read_all()["timestamp"][-1].value)

    def shows(self, newest_ms: int) -> None:
        self.delays.append(time.time() * 1000 - newest_ms)


class ServerSide(Copy):
    """A page whose panels query the server, by Perspective's own client."""

    PANELS = 4

    async def start(self, port: int) -> None:
        self.socket = await websocket_connect(f"ws://127.0.0.1:{port}/websocket", max_message_size=2**30)
        self.client = perspective.AsyncClient(self.send, self.socket.close)
        self.reading = asyncio.create_task(self.read())
        table = await self.client.open_table("meters_values")
        self.panels = [asyncio.create_task(self.panel(await table.view(**PANEL))) for _ in range(self.PANELS)]

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
    """What so many viewers of a kind see, and what they cost, once they are connected."""
    viewers, connected = [kind() for _ in range(number)], 0
    try:
        async with asyncio.timeout(CONNECTING_S):
            for viewer in viewers:
                await viewer.start(server.port)
                connected += 1
    except TimeoutError:
        viewers = viewers[:connected]
    await asyncio.sleep(3)
    for viewer in viewers:
        viewer.delays.clear()
    pids = {"server": server.process.pid, "viewers": os.getpid()}
    before, started = {name: cpu_s(pid) for name, pid in pids.items()}, time.monotonic()
    await asyncio.sleep(SECONDS)
    elapsed = time.monotonic() - started
    delays = [delay for viewer in viewers for delay in viewer.delays]
    for viewer in viewers:
        viewer.socket.close()
    return {"viewers": number, "connected": connected, "mode": kind.__name__, "delay_ms": summary(delays),
            "updates_per_s": round(len(delays) / connected / kind.PANELS / elapsed, 1),
            "cpu_percent": {name: round(100 * (cpu_s(pid) - before[name]) / elapsed) for name, pid in pids.items()}}


def main(numbers: list[int]) -> None:
    with embedded() as (database, folder):
        dsn = f"{database.dsn}/power"
        with producer(folder, dsn):
            for number in numbers:
                for kind in (ServerSide, Copy):
                    with Server(folder, dsn) as server:
                        wait_for(lambda: server.status()["rows_seen"], what="the first rows")
                        print(json.dumps(asyncio.run(measure(server, kind, number))), flush=True)


if __name__ == "__main__":
    main([int(number) for number in sys.argv[1:]] or [1, 50, 200])
