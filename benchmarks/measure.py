"""What the benchmarks share: the demo's processes started as for tests, and what they use (Linux: from /proc)."""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import perspective
import pyarrow as pa
from tornado.websocket import websocket_connect

TABLE_LIMIT = 100_000  # where much is carried at once
ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from conftest import Embedded  # noqa: E402


def memory_mb(pid: int) -> int:
    """Resident memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


def descriptors(pid: int) -> int:
    """Open files and sockets."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def cpu_s(pid: int) -> float:
    """Processor time used so far, in seconds."""
    return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")


def disk_mb(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) >> 20


def summary(values: list[float]) -> dict[str, float]:
    """Median and 99th percentile."""
    return {"p50": round(statistics.median(values), 3), "p99": round(statistics.quantiles(values, n=100)[98], 3)}


@contextmanager
def embedded(*options: str):
    """An embedded database in a folder of its own: (database, folder)."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.mkdir()
        database = Embedded(Path(folder) / "log", f"--folder={data}", *options)
        try:
            yield database, Path(folder)
        finally:
            database.end()


class CopyViewer:
    """A page that keeps a copy of the table, in a thread of its own; `rows` counts what it has been given, `ages` are its delays in ms."""

    def __init__(self, port: int):
        self.url = f"ws://127.0.0.1:{port}/rows"
        self.rows, self.ages = 0, []

    def __enter__(self):
        self.loop, started = asyncio.new_event_loop(), threading.Event()
        self.thread = threading.Thread(target=lambda: self.loop.run_until_complete(self.run(started)), daemon=True)
        self.thread.start()
        assert started.wait(30)
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.socket.close)
        self.thread.join(10)

    async def run(self, started: threading.Event) -> None:
        self.socket = await websocket_connect(self.url, max_message_size=2**30)
        limit = json.loads(await self.socket.read_message())["limit"]
        started.set()
        table = None
        while message := await self.socket.read_message():
            if table is None:
                table = perspective.Server().new_local_client().table(message, limit=limit)
            else:
                table.update(message)
            rows = pa.ipc.open_stream(message).read_all()
            self.ages.append(time.time() * 1000 - rows["timestamp"][-1].value)
            self.rows += rows.num_rows
