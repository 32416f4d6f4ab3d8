"""The embedded database beside that of another checkout of this project, by turns in one run.

`.venv/bin/python -m benchmarks.embedded_before FOLDER [million rows]`: the folder has a checkout with its own `.venv`,
made by `sh install.sh`. Both databases are asked through taosws, so the two need nothing in common but the protocol.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import meters
import producer
from benchmarks.measure import Figure, disk_mb, memory_mb, show
from tests.helpers.databases import ROOT, Embedded

TICKS, QUESTIONS, STARTS = 200, 7, 5
METERS = 220  # of the bulk writes, and of the stored rows
ROWS_A_METER, STEP_MS = 500, 100  # in one bulk write; from one row of a meter to its next
TICK_MS = 300
AGGREGATES = "STDDEV(`current`), AVG(voltage), MIN(phase), MAX(phase), COUNT(*)"


class Side:
    """One of the two databases, with rows of its own."""

    def __init__(self, checkout: Path, folder: Path):
        self.folder = folder / "data"
        self.folder.mkdir(parents=True)
        self.program = Embedded(folder / "log", f"--folder={self.folder}", "--retention=0", checkout=checkout)
        self.idle_mb = memory_mb(self.program.process.pid)
        self.connection = self.program.connect()
        self.connection.execute(meters.create_database("power"))
        self.connection.execute("USE power")
        self.connection.execute(meters.create_super_table())
        self.statement = self.connection.stmt2_statement()
        self.statement.prepare(meters.insert_rows())
        self.rows = 0

    def write(self, times: list[int], count: int) -> float:
        """Writes a row for each time (epoch ms) and meter. Seconds, without those that making the rows takes."""
        bound = producer.bind_random(dict.fromkeys(range(count), times))
        started = time.perf_counter()
        self.statement.bind(bound)
        self.rows += self.statement.execute()
        return time.perf_counter() - started

    def ask(self, sql: str) -> float:
        """Milliseconds, until the answer is read to its end."""
        started = time.perf_counter()
        list(self.connection.query(sql))
        return (time.perf_counter() - started) * 1000


def bulk(sides: list[Side], first: int, rows: int) -> Iterator[list[float]]:
    """Fills both with as many rows, from `first` (epoch ms) on: rows/s of each write."""
    for number in range(rows // (METERS * ROWS_A_METER)):
        start = first + number * ROWS_A_METER * STEP_MS
        times = list(range(start, start + ROWS_A_METER * STEP_MS, STEP_MS))
        yield [METERS * ROWS_A_METER / side.write(times, METERS) for side in sides]


def questions(end: int) -> dict[str, str]:
    """Name: SQL, with `end` (epoch ms) as the time of the newest row."""
    hour = f"ts > {end - 3_600_000}"
    return {
        "poll of 300 rows": meters.select_rows(end - 300 * STEP_MS // METERS, end, 10_000),
        "newest 10 000 rows": meters.select_rows(end - 10_000 * STEP_MS // METERS, end, 10_000),
        "`LAST_ROW` of each subtable": "SELECT LAST_ROW(*) FROM meters PARTITION BY tbname",
        "statistics by minute, last hour": f"SELECT _wstart, {AGGREGATES} FROM meters WHERE {hour} INTERVAL(1m)",
        "statistics by location, all rows": f"SELECT location, {AGGREGATES} FROM meters GROUP BY location",
    }


def start_s(checkout: Path, folder: Path) -> float:
    started = time.perf_counter()
    program = Embedded(folder / "log", checkout=checkout)
    took = time.perf_counter() - started
    program.end()
    return took


def figures(before: Path, rows: int) -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        checkouts, folders = (ROOT, before), [Path(name) / part for part in ("ours", "before")]
        sides = [Side(checkout, folder) for checkout, folder in zip(checkouts, folders)]
        now = time.time_ns() // 10**6
        end = now - (TICKS + 1) * TICK_MS
        first = end - rows // (METERS * ROWS_A_METER) * ROWS_A_METER * STEP_MS

        def beside(what: str, unit: str, pairs: list) -> Figure:
            ours, theirs = map(list, zip(*pairs))
            return Figure(f"embedded database: {what}", unit, ours, "before", theirs)

        found = [beside("start", "s", [[start_s(*place) for place in zip(checkouts, folders)] for _ in range(STARTS)]),
                 beside("memory, idle", "MB", [[side.idle_mb for side in sides]]),
                 beside(f"rows written in bulk, of {METERS} meters", "rows/s", list(bulk(sides, first, rows)))]
        ticks = [producer.spread(30, at - TICK_MS, at) for at in range(now - TICKS * TICK_MS, now, TICK_MS)]
        found.append(beside("a tick of 300 rows", "ms",
                            [[side.write(times, 10) * 1000 for side in sides] for times in ticks]))
        for what, sql in questions(end).items():
            found.append(beside(what, "ms", [[side.ask(sql) for side in sides] for _ in range(QUESTIONS)]))
        found += [beside("memory, after that", "MB", [[memory_mb(side.program.process.pid) for side in sides]]),
                  beside("disk for each row", "bytes", [[(disk_mb(side.folder) << 20) / side.rows for side in sides]])]
        for side in sides:
            side.program.end()
        return found


if __name__ == "__main__":
    if not sys.argv[1:] or not Path(sys.argv[1], "embedded").is_dir():
        sys.exit("name the folder of another checkout of this project")
    show(figures(Path(sys.argv[1]).resolve(), int(float((sys.argv[2:] or ["10"])[0]) * 1_000_000)))
