"""Prints how long the embedded database takes for the demo's questions, with many rows stored and with few.

`.venv/bin/python benchmarks/embedded_queries.py [rows]` (10 000 000 if not given) fills a store by stmt2 with
10 subtables of 100 rows/s each, lets it seal its blocks, and asks in this process: no socket, no client.
Times are medians in ms of answers read to their end; those with few rows stored (10 000) are taken in turn with
the others, since machines are shared.
"""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import meters
from embedded.datatypes import Bound
from embedded.session import Session
from embedded.store import IDLE_WRITER_SECONDS, Store

SUBTABLES, STEP_MS, FEW = 10, 10, 10_000


def questions(end: int) -> dict[str, str]:
    """Name: SQL, with `end` (epoch ms) as the present."""
    averages, hour = "AVG(`current`), AVG(voltage), AVG(phase)", f"ts > {end - 3_600_000}"
    return {
        "poll of 1000 rows": meters.select_after(end - 1000 // SUBTABLES * STEP_MS - 1, FEW),
        "time of the 10 000th row": meters.select_time(FEW - 1),
        "LAST_ROW of each subtable": "SELECT LAST_ROW(*) FROM meters PARTITION BY tbname",
        "averages of each minute of an hour": f"SELECT _wstart, {averages} FROM meters WHERE {hour} INTERVAL(1m)",
        "the same of each subtable":
            f"SELECT _wstart, tbname, {averages} FROM meters WHERE {hour} PARTITION BY tbname INTERVAL(1m)",
        "other aggregates of each minute":
            f"SELECT _wstart, COUNT(*), MAX(`current`), MIN(voltage), SUM(phase) FROM meters WHERE {hour} INTERVAL(1m)",
        "COUNT of ten minutes": meters.count_rows(end - 701_000, end - 101_000),
    }


def filled(folder: str, rows: int, end: int) -> Session:
    """A session with a store of its own: `rows` rows until `end` (epoch ms)."""
    store = Store(folder, retention_s=0)
    session = Session(store)
    for sql in (meters.create_database("power"), "USE power", meters.create_super_table()):
        session.execute(sql)
    statement, a_bind = session.prepare(meters.insert_rows()), 10_000 // SUBTABLES
    for first in range(end - rows // SUBTABLES * STEP_MS, end, a_bind * STEP_MS):
        times = list(range(first, min(first + a_bind * STEP_MS, end), STEP_MS))
        columns = [times, [10 + t % 7 for t in times], [200 + t % 31 for t in times], [t % 100 / 100 for t in times]]
        statement.execute([Bound(f"d_bind_{meter}", [meter, "Campbell"], columns) for meter in range(SUBTABLES)])
    time.sleep(IDLE_WRITER_SECONDS)
    while store.sweep():
        pass
    return session


def timed(session: Session, sql: str) -> tuple[float, int]:
    """Milliseconds and rows."""
    started, count = time.perf_counter(), 0
    result = session.execute(sql)
    while part := result.fetch(10_000):
        count += len(part)
    return (time.perf_counter() - started) * 1000, count


def main(rows: int) -> None:
    end = time.time_ns() // 10**6
    with tempfile.TemporaryDirectory() as few_folder, tempfile.TemporaryDirectory() as many_folder:
        few = filled(few_folder, FEW, end)
        started = time.perf_counter()
        many = filled(many_folder, rows, end)
        print(json.dumps({"rows": rows, "fill_s": round(time.perf_counter() - started)}))
        for name, sql in questions(end).items():
            pairs = [(timed(few, sql), timed(many, sql)) for _ in range(9)]
            medians = [round(statistics.median(ms for ms, _ in times), 2) for times in zip(*pairs)]
            answer = {"question": name, "few_ms": medians[0], "many_ms": medians[1], "answer_rows": pairs[0][1][1]}
            print(json.dumps(answer), flush=True)
        for session in (few, many):
            session.close()
            session._store.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000)
