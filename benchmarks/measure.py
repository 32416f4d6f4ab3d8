"""What the benchmarks share: the demo's processes started as for tests, and what they use (Linux: from /proc)."""

import os
import statistics
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

TABLE_LIMIT = 100_000  # where much is carried at once
ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from conftest import Embedded  # noqa: E402
from viewer import Viewer  # noqa: E402


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


class ReplicaViewer(Viewer):
    """A viewer as the page is: one flat view, whose new rows it gets; `rows` counts them."""

    def __enter__(self):
        super().__enter__()
        self.rows = self.updates = 0
        self.view = self.table().view()
        self.view.on_update(self.receive, mode="row")
        return self

    def receive(self, _, delta: bytes) -> None:
        self.updates += 1
        self.rows += pa.ipc.open_stream(delta).read_all().num_rows
