"""The whole idea in one file: the rows of TDengine's table `meters` move in a Perspective viewer.

    sh run.sh                              # in one terminal: a database, and a producer that writes into it
    .venv/bin/python examples/minimal.py   # in another; then open http://localhost:8086/, which shows minimal.html

These are its limits. `perspective_server.py` has none of them.
- Rows are shown a second late (DELAY_MS). Rows that are written later, overwritten or deleted are not put right.
- At the start and after an outage only the rows of the last ten seconds (LOAD_MS) are read.
- A database that accepts connections, and then is silent, may stop it for good.
- Viewers may change the table for all others. Their work runs on the event loop. A page does not connect again.
"""

import asyncio
import logging
import os
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path

import perspective
import pyarrow as pa
import taosws
from perspective.handlers.tornado import PerspectiveTornadoHandler
from tornado.ioloop import PeriodicCallback
from tornado.web import Application, StaticFileHandler
from tornado.websocket import WebSocketHandler

TDENGINE_DSN = os.environ.get("TDENGINE_DSN", "taosws://root:taosdata@localhost:6041/power")  # ends with the database
PORT = int(os.environ.get("PORT", "8086"))
INTERVAL_MS, DELAY_MS, LOAD_MS = 300, 1000, 10_000
SELECT = """SELECT CAST(ts AS BIGINT), location, groupid, current, voltage, phase FROM meters
            WHERE ts > {after} AND ts <= {until} ORDER BY ts"""  # ascending: "last" is what was inserted last
SCHEMA = pa.schema({"timestamp": pa.timestamp("ms", "UTC"), "location": pa.string(), "groupid": pa.int32(),
                    "current": pa.float64(), "voltage": pa.int32(), "phase": pa.float64()})
ASSETS = Path(perspective.__file__).parent / "widget" / "static"  # the browser's code, from the same wheel
connection = None  # in the reader's process


def read_rows(cursor: int) -> tuple[int, bytes]:
    """Reads what came after the time `cursor`, as Arrow: (the time up to which all is read, the rows, b"" for none).

    It runs in a process of its own, because taosws holds Python's global lock during every call.
    """
    global connection
    try:
        connection = connection or taosws.connect(f"{TDENGINE_DSN}?conn_retries=0&read_timeout=3")
        (now,), = connection.query("SELECT CAST(NOW() AS BIGINT)")
        after, until = max(cursor, now - LOAD_MS), max(cursor, now - DELAY_MS)
        rows = list(connection.query(SELECT.format(after=after, until=until)))
    except taosws.Error as error:
        logging.warning("%s; trying again", error)
        connection = None
        time.sleep(1)
        return cursor, b""
    return until, to_arrow(rows) if rows else b""


def to_arrow(rows: list[tuple]) -> bytes:
    columns = [pa.array(values, field.type) for values, field in zip(zip(*rows), SCHEMA)]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, SCHEMA) as stream:
        stream.write(pa.table(columns, SCHEMA))
    return sink.getvalue().to_pybytes()


class Viewer(PerspectiveTornadoHandler):
    check_origin = WebSocketHandler.check_origin  # only pages of this server: Perspective's handler takes all


async def main() -> None:
    server = perspective.Server()  # 1. a Perspective server
    # 2. a connection, in a process that leaves Ctrl-C to this one
    reader = ProcessPoolExecutor(1, get_context("spawn"), signal.signal, (signal.SIGINT, signal.SIG_IGN))
    stop, cursor, table = asyncio.Event(), 0, None

    async def tick() -> None:
        nonlocal cursor, table
        cursor, rows = await asyncio.get_running_loop().run_in_executor(reader, read_rows, cursor)
        if rows and table is None:  # 3. a table, with rows in it: grouped views on an empty one can hang
            table = server.new_local_client().table(rows, limit=10_000, name="meters_values")
        elif rows:
            table.update(rows)

    PeriodicCallback(tick, INTERVAL_MS).start()  # 4. a callback that polls; it waits for the tick before
    Application([
        (r"/websocket", Viewer, {"perspective_server": server}),  # 5. a WebSocket
        (r"/assets/(.*)", StaticFileHandler, {"path": ASSETS}),
        (r"/()", StaticFileHandler, {"path": Path(__file__).parent, "default_filename": "minimal.html"}),
    ]).listen(PORT, "127.0.0.1")
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    print(f"open http://localhost:{PORT}/", flush=True)
    await stop.wait()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
