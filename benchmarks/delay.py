"""Prints how long a row takes from its insert to a viewer, and that the rows sent are stored and shown.

`.venv/bin/python benchmarks/delay.py [ticks]` starts an embedded database (or uses TDENGINE_DSN), the
producer and the server, all with their defaults, and one viewer with a flat view. The delay of a tick is counted
from its youngest rows, whose time is the moment of writing, to their arrival at the viewer.
"""

import io
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import taosws

from measure import summary

from conftest import Embedded, wait_for
from programs import Server, producer
from viewer import Viewer


def main(ticks: int) -> None:
    folder = Path(tempfile.mkdtemp())
    embedded = None if os.environ.get("TDENGINE_DSN") else Embedded(folder / "embedded.log")
    database = f"bench_{os.getpid()}"
    dsn = f"{os.environ.get('TDENGINE_DSN') or embedded.dsn}/{database}"
    delays, arrived = [], 0

    def on_update(_, delta: bytes):
        nonlocal arrived
        now = time.time() * 1000
        times = pa.ipc.open_stream(io.BytesIO(delta)).read_all()["timestamp"].cast(pa.int64()).to_pylist()
        arrived += len(times)
        for tick in sorted(set(times))[::-30]:  # a tick gives each meter 30 rows, of the same milliseconds
            delays.append(now - tick)

    try:
        with Server(folder, dsn, "--table-limit=1000000") as server, Viewer(server.port) as viewer:
            program = producer(folder, dsn, f"--count={ticks}")
            view = viewer.table().view()
            before = view.num_rows()
            view.on_update(on_update, mode="row")
            assert program.wait(ticks + 30) == 0
            sent = int(program.text().split()[-3])
            wait_for(lambda: server.status()["rows_seen"] >= sent, what="the last row")
            wait_for(lambda: view.num_rows() >= sent, what="the last row")
            connection = taosws.connect(dsn)
            (stored,), = connection.query("SELECT COUNT(*) FROM meters")
            connection.execute(f"DROP DATABASE {database}")
            shown = view.num_rows()
    finally:
        if embedded:
            embedded.end()
    print(json.dumps({"sent": sent, "stored": stored, "shown": shown, "streamed": arrived + before, "ticks_seen": len(delays),
                      "delay_ms": summary(delays)}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
