"""How long the embedded database takes for the demo's questions with 100 million rows stored, beside 10 000.

Both are filled without a client: 10 subtables of 100 rows/s each. Then they are asked by turns through taosws.
"""

import os
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa

import meters
import producer
from benchmarks.measure import Figure, left_out, memory_mb, show
from embedded.engine.session import Session
from embedded.storage.rows import Batch
from embedded.storage.store import Store
from tests.helpers.databases import Embedded

MANY, FEW, TIMES = int(os.environ.get("ROWS", 100_000_000)), 10_000, 7
SUBTABLES, STEP_MS, AT_ONCE = 10, 10, 100_000  # AT_ONCE: rows of each subtable in one write
MEMORY_MB = 512  # the default of `--memory`
AGGREGATES = ("AVG(`current`)", "STDDEV(`current`)", "MIN(voltage)", "MAX(voltage)", "COUNT(*)",
              "APERCENTILE(phase, 50, 't-digest')")


def questions(end: int) -> dict[str, tuple[str, int | None]]:
    """Name: SQL, and the goal in milliseconds; `end` (epoch ms) is the present."""
    hour, found = f"WHERE ts > {end - 3_600_000}", {
        "poll of 300 rows": (meters.select_rows(end - 300 // SUBTABLES * STEP_MS - 1, end, 10_000), 10),
        "rows of the last ten minutes, counted": (meters.count_rows(end - 600_000, end), None),
        "`LAST_ROW` of each subtable": ("SELECT LAST_ROW(*) FROM meters PARTITION BY tbname", 200),
    }
    for aggregate in AGGREGATES:
        for when, goal, where in (("everything", 3000, ""), ("the last hour", 200, hour)):
            sql = f"SELECT _wstart, location, {aggregate} FROM meters {where} PARTITION BY location INTERVAL(1m)"
            found[f"{aggregate.partition('(')[0]} by minute and location, {when}"] = sql, goal
    return found


def fill(folder: Path, rows: int, end: int, step: int = STEP_MS) -> None:
    """Stores `rows` rows until `end` (epoch ms); those of a subtable are `step` ms apart."""
    store, random = Store(str(folder), retention_s=0, memory_mb=MEMORY_MB), np.random.default_rng(1)
    session = Session(store)
    for sql in (meters.create_database("power"), "USE power", meters.create_super_table()):
        session.execute(sql)
    database = store.database("power")
    names, tags = [f"d_bind_{n}" for n in range(SUBTABLES)], [producer.tags(n) for n in range(SUBTABLES)]
    each = min(AT_ONCE, rows // SUBTABLES)
    values = [pa.array(random.uniform(5, 15, each * SUBTABLES), pa.float32()),
              pa.array(random.integers(215, 226, each * SUBTABLES), pa.int32()),
              pa.array(random.random(each * SUBTABLES), pa.float32())]
    for first in range(end - rows // SUBTABLES * step, end, each * step):
        times = pa.array(np.tile(np.arange(first, first + each * step, step), SUBTABLES), pa.int64())
        store.insert([Batch(database, database.tables["meters"], names, [each] * SUBTABLES,
                            [pa.array([tag["groupid"] for tag in tags], pa.int32()),
                             pa.array([tag["location"] for tag in tags])], (0, 1, 2, 3), [times, *values])])
    session.close()
    store.close()


@contextmanager
def asked(folder: Path):
    """An embedded database over the rows of a folder, and a connection to it."""
    embedded = Embedded(folder.parent / f"{folder.name}.log", f"--folder={folder}", "--retention=0",
                        f"--memory={MEMORY_MB}")
    try:
        yield embedded, embedded.connect("power")
    finally:
        embedded.end()


def timed(connection, sql: str) -> float:
    """Milliseconds, until the answer is read to its end."""
    started = time.perf_counter()
    list(connection.query(sql))
    return (time.perf_counter() - started) * 1000


def figures() -> list[Figure]:
    if left_out("embedded_queries"):
        return []
    end, found = time.time_ns() // 10**6, []
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / part for part in ("many", "few")]
        started = time.perf_counter()
        for folder, rows in zip(folders, (MANY, FEW)):
            fill(folder, rows, end)
        rate = MANY / (time.perf_counter() - started)
        found.append(Figure("embedded database: rows written without a client", "rows/s", [rate]))
        with asked(folders[0]) as (process, many), asked(folders[1]) as (_, few):
            for what, (sql, goal) in questions(end).items():
                ours, theirs = map(list, zip(*[(timed(many, sql), timed(few, sql)) for _ in range(TIMES)]))
                figure = Figure(f"embedded database, {MANY // 10**6} M rows: {what}", "ms", ours,
                                "with 10 000 rows", theirs)
                if goal:
                    figure.goal, figure.met = f"≤ {goal}", figure.summary()["ours"]["p50"] <= goal
                found.append(figure)
            memory = memory_mb(process.process.pid)
            found.append(Figure("embedded database: memory after that", "MB", [memory],
                                goal=f"≤ {MEMORY_MB + 200}", met=memory <= MEMORY_MB + 200))
    return found


if __name__ == "__main__":
    show(figures())
