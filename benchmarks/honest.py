"""Four honest viewers in a process of their own, until its input ends: `python -m benchmarks.honest PORT QUERY`.

Two keep a copy of the table. Two query it on the server, and connect anew where they have to. /status is asked, too. It
prints as JSON when each viewer had new rows, and when each answer of /status came and how long it took: seconds of the
monotonic clock, which all processes of a machine share.
"""

import asyncio
import json
import sys
import time
from contextlib import suppress

import perspective
from tornado.httpclient import AsyncHTTPClient, HTTPError
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, websocket_connect

from benchmarks.measure import PANEL

STATUS_EVERY_S, AGAIN_S = 0.1, 0.5


async def keep_copy(address: str, came: list[float]) -> None:
    socket = await websocket_connect(address, max_message_size=2**30)
    while (message := await socket.read_message()) is not None:
        if isinstance(message, bytes):
            came.append(time.monotonic())


async def query(address: str, came: list[float]) -> None:
    while True:
        with suppress(HTTPError, OSError):
            socket = await websocket_connect(address, max_message_size=2**30)
            client = perspective.AsyncClient(lambda message: write(socket, message), socket.close)
            looking = asyncio.create_task(look(client, came))
            while (message := await socket.read_message()) is not None:
                await client.handle_response(message)
            looking.cancel()
        await asyncio.sleep(AGAIN_S)


async def write(socket: WebSocketClientConnection, message: bytes) -> None:
    with suppress(WebSocketClosedError):
        await socket.write_message(bytes(message), binary=True)


async def look(client: perspective.AsyncClient, came: list[float]) -> None:
    """A panel: it asks for its values after each update, where it has those before."""
    changed, newest = asyncio.Event(), 0
    view = await (await client.open_table("meters_values")).view(**PANEL)
    await view.on_update(lambda *_: changed.set())
    while True:
        await changed.wait()
        changed.clear()
        shown = max(json.loads(await view.to_columns_string())["timestamp"])
        if shown > newest:
            newest = shown
            came.append(time.monotonic())


async def ask_status(address: str, took: list[tuple[float, float]]) -> None:
    while True:
        asked = time.monotonic()
        await AsyncHTTPClient().fetch(address)
        took.append((time.monotonic(), time.monotonic() - asked))
        await asyncio.sleep(STATUS_EVERY_S)


async def main(port: str, query_of_address: str) -> None:
    found = {"copies": [[], []], "queries": [[], []], "status": []}
    where = f"127.0.0.1:{port}/{{}}?{query_of_address}"
    tasks = [asyncio.create_task(ask_status("http://" + where.format("status"), found["status"]))]
    for kind, path, viewer in (("copies", "rows", keep_copy), ("queries", "websocket", query)):
        tasks += [asyncio.create_task(viewer("ws://" + where.format(path), came)) for came in found[kind]]
    ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    done, _ = await asyncio.wait([ended, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in done - {ended}:  # only those who query may lose their connection
        sys.exit(f"an honest viewer has ended: {task.exception()}")
    print(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
