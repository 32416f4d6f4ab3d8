"""What the benchmarks share: a database for each, the demo's programs, a viewer, and figures beside their rivals.

What a process uses is read from /proc, so the benchmarks need Linux.
"""

import itertools
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import perspective
import pyarrow as pa
import taosws
from playwright.sync_api import Browser, sync_playwright

from bridge.settings import parse
from tests.helpers import programs
from tests.helpers.browser import CHROMIUM
from tests.helpers.databases import ROOT, Embedded
from tests.helpers.viewers import CopyViewer

TICK_MS = 290  # of `drifting_producer`; the server polls every 300 ms
PANEL = {"group_by": ["location", "groupid"], "group_rollup_mode": "flat",  # as the page's first panel
         "columns": ["timestamp", "current", "voltage", "phase"],
         "aggregates": {name: "last" for name in ("timestamp", "current", "voltage", "phase")}}
_numbers = itertools.count()


# ---- figures

@dataclass
class Figure:
    """What was measured, beside its rival: values of one unit, taken by turns in the same run."""

    what: str
    unit: str
    ours: list[float]
    rival: str = ""
    theirs: list[float] = field(default_factory=list)
    goal: str = ""
    met: bool | None = None

    def summary(self) -> dict:
        """The figure as `results.json` has it."""
        return {"what": self.what, "unit": self.unit, "ours": summary(self.ours), "rival": self.rival,
                "theirs": summary(self.theirs), "goal": self.goal, "met": self.met}


def summary(values: list[float]) -> dict[str, float | None]:
    """The median and the 99th percentile. Of few values, p99 is the highest; a single value has none."""
    if not values:
        return {"p50": None, "p99": None}
    highest = sorted(values)[min(len(values) - 1, int(len(values) * 0.99))]
    return {"p50": round(statistics.median(values), 3), "p99": round(highest, 3) if len(values) > 1 else None}


def table(summaries: list[dict]) -> str:
    """A table in Markdown, with a row for each figure."""
    def number(value: float | None) -> str:
        if value is None:
            return ""
        return f"{value:,.0f}".replace(",", " ") if value >= 100 else f"{value:.3g}"

    lines = ["| | ours: median | p99 | rival | median | p99 | goal |", "|---|---|---|---|---|---|---|"]
    for row in summaries:
        goal = row["goal"] and f"{row['goal']}: {'met' if row['met'] else 'missed'}"
        cells = [f"{row['what']}, {row['unit']}", *map(number, row["ours"].values()),
                 row["rival"], *map(number, row["theirs"].values()), goal]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def show(figures: list[Figure]) -> None:
    """Prints the figures as a table."""
    print(table([figure.summary() for figure in figures]))


# ---- what a process uses

def memory_mb(pid: int) -> int:
    """Resident memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


def descriptors(pid: int) -> int:
    """Open files and sockets."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def cpu_s(pid: int) -> float:
    """Processor time so far, in seconds."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, after_name[11:13])) / os.sysconf("SC_CLK_TCK")


def disk_mb(folder: Path) -> int:
    """The size of all files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) >> 20


# ---- what is measured

@dataclass
class Place:
    """Where a benchmark runs: a database and a folder of its own."""

    dsn: str  # names the database, which need not be there yet
    folder: Path
    embedded: Embedded | None  # None where TDENGINE_DSN names a TDengine

    @property
    def data(self) -> Path:
        """Where the embedded database keeps its rows."""
        return self.folder / "data"


@contextmanager
def own_place(*options: str) -> Iterator[Place]:
    """A database on the TDengine of TDENGINE_DSN, else in an embedded database that has these options.

    It is gone afterwards, as the folder is.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if server := os.environ.get("TDENGINE_DSN"):
            database = f"benchmark_{os.getpid()}_{next(_numbers)}"
            try:
                yield Place(f"{server}/{database}", folder, None)
            finally:
                taosws.connect(server).execute(f"DROP DATABASE IF EXISTS {database}")
        else:
            (folder / "data").mkdir()
            embedded = Embedded(folder / "embedded.log", f"--folder={folder / 'data'}", *options)
            try:
                yield Place(f"{embedded.dsn}/power", folder, embedded)
            finally:
                embedded.end()


def left_out(what: str) -> bool:
    """Whether a benchmark that looks into the embedded database is left out; it says so in a line."""
    if "TDENGINE_DSN" in os.environ:
        print(f"{what}: left out, since TDENGINE_DSN names another database than the embedded one", file=sys.stderr)
    return "TDENGINE_DSN" in os.environ


def set_options(dsn: str, *arguments: str) -> None:
    """Sets the options of the demo's modules, for a benchmark that calls them in its own process."""
    parse("a benchmark", "database", "pace", "poller", "producer", arguments=[f"--tdengine-dsn={dsn}", *arguments])


def module(name: str, *arguments: object) -> str:
    """What `python -m benchmarks.name` prints: it runs in a process of its own, since taosws holds the global lock."""
    command = [sys.executable, "-m", f"benchmarks.{name}", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def drifting_producer(folder: Path, dsn: str, meters: int, rows_a_meter: int, *options: str) -> programs.Program:
    """A producer whose ticks drift against the server's polls, so that they meet in every phase."""
    return programs.producer(folder, dsn, f"--interval-ms={TICK_MS}", f"--rows-per-interval={rows_a_meter * meters}",
                             f"--meters={meters}", *options)


def rows_written(producer: programs.Program) -> int:
    """How many rows a producer says it has written, as it ends."""
    return int(re.findall(r"(\d+) rows written", producer.text())[-1])


@contextmanager
def chromium() -> Iterator[Browser]:
    """Chromium, as the tests start it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
        try:
            yield browser
        finally:
            browser.close()


class CountingViewer(CopyViewer):
    """A page that keeps a copy of the rows in a real Perspective table.

    `count` is the number of rows that it was given; `arrivals` are (when, in epoch ms, Arrow stream) of each message.
    """

    def __init__(self, port: int):
        super().__init__(port)
        self.count, self.arrivals = 0, []

    def take(self, arrow: bytes, anew: bool) -> None:
        if anew:
            self.table = perspective.Server().new_local_client().table(arrow, limit=self.limits[-1])
        else:
            self.table.update(arrow)
        self.arrivals.append((time.time() * 1000, arrow))
        self.count += rows_of(arrow).num_rows


def rows_of(arrow: bytes) -> pa.Table:
    """The rows of an Arrow stream."""
    return pa.ipc.open_stream(arrow).read_all()
