"""What the benchmarks share: the demo's processes started as for tests, a viewer, and figures beside their rivals (Linux: from /proc)."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import perspective
import pyarrow as pa
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.helpers import programs
from tests.helpers.browser import CHROMIUM  # noqa: E402
from tests.helpers.databases import Embedded  # noqa: E402
from tests.helpers.viewers import CopyViewer  # noqa: E402

TICK_MS = 290  # of `drifting_producer`
PANEL = {"group_by": ["location", "groupid"], "group_rollup_mode": "flat", "columns": ["timestamp", "current", "voltage", "phase"],
         "aggregates": {name: "last" for name in ("timestamp", "current", "voltage", "phase")}}  # as the page's first one


@dataclass
class Figure:
    """What was measured, beside its rival: values of one unit, from the same run and taken by turns."""

    what: str
    unit: str
    ours: list[float]
    rival: str = ""
    theirs: list[float] = field(default_factory=list)
    goal: str = ""
    met: bool | None = None

    def summary(self) -> dict:
        """As JSON has it."""
        return {"what": self.what, "unit": self.unit, "ours": summary(self.ours), "rival": self.rival,
                "theirs": summary(self.theirs), "goal": self.goal, "met": self.met}


def table(summaries: list[dict]) -> str:
    """Markdown, a row for each figure."""
    def number(value: float | None) -> str:
        return "" if value is None else f"{value:,.0f}".replace(",", " ") if value >= 100 else f"{value:.3g}"

    lines = ["| | ours: median | p99 | rival | median | p99 | goal |", "|---|---|---|---|---|---|---|"]
    for row in summaries:
        goal = row["goal"] and f"{row['goal']}: {'met' if row['met'] else 'missed'}"
        cells = [f"{row['what']}, {row['unit']}", *map(number, row["ours"].values()), row["rival"], *map(number, row["theirs"].values()), goal]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def summary(values: list[float]) -> dict[str, float | None]:
    """Median and 99th percentile: of few values the highest, of one none."""
    if not values:
        return {"p50": None, "p99": None}
    highest = sorted(values)[min(len(values) - 1, int(len(values) * 0.99))]
    return {"p50": round(statistics.median(values), 3), "p99": round(highest, 3) if len(values) > 1 else None}


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


@contextmanager
def chromium():
    """As for tests: see `sh install.sh tests/requirements.txt`."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
        try:
            yield browser
        finally:
            browser.close()


def script(name: str, *arguments) -> int:
    """What a script of this folder prints: it is a process of its own."""
    return int(subprocess.run([sys.executable, str(Path(__file__).with_name(name)), *map(str, arguments)],
                              check=True, capture_output=True, text=True).stdout)


def drifting_producer(folder: Path, dsn: str, meters: int, rows_a_meter: int, *options: str) -> programs.Program:
    """A producer whose ticks, of so many rows for each meter, drift against the server's polls, so that they meet in every phase."""
    return programs.producer(folder, dsn, f"--interval-ms={TICK_MS}", f"--rows-per-interval={rows_a_meter * meters}",
                             f"--meters={meters}", *options)


class CountingViewer(CopyViewer):
    """A page with a copy, in a real Perspective table. `count` counts the rows that it was given.

    `arrivals` are (when, in epoch ms, the times of the rows) of each message.
    """

    def __init__(self, port: int):
        super().__init__(port)
        self.count, self.arrivals = 0, []

    def take(self, arrow: bytes, anew: bool) -> None:
        if anew:
            self.table = perspective.Server().new_local_client().table(arrow, limit=self.limits[-1])
        else:
            self.table.update(arrow)
        now, times = time.time() * 1000, pa.ipc.open_stream(arrow).read_all()["timestamp"]
        self.arrivals.append((now, times))
        self.count += len(times)
