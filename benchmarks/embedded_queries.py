"""How long the embedded database takes for the demo's questions with 10 million rows stored, beside 10 000.

Two stores are filled by stmt2 with 10 subtables of 100 rows/s each, and asked by turns in this process: there is no
socket and no client.
"""

import tempfile
import time

import meters
from benchmarks.measure import Figure, left_out, show
from embedded.common.datatypes import Bound
from embedded.engine.session import Session
from embedded.storage.store import IDLE_WRITER_SECONDS, Store

MANY, FEW, TIMES = 10_000_000, 10_000, 25
SUBTABLES, STEP_MS = 10, 10


def questions(end: int) -> dict[str, str]:
    """Name: SQL, with `end` (epoch ms) as the present."""
    averages, hour = "AVG(`current`), AVG(voltage), AVG(phase)", f"ts > {end - 3_600_000}"
    return {
        "poll of 1000 rows": meters.select_rows(end - 1000 // SUBTABLES * STEP_MS - 1, end, 10_000),
        "`LAST_ROW` of each subtable": "SELECT LAST_ROW(*) FROM meters PARTITION BY tbname",
        "averages of each minute of an hour": f"SELECT _wstart, {averages} FROM meters WHERE {hour} INTERVAL(1m)",
        "the same of each subtable":
            f"SELECT _wstart, tbname, {averages} FROM meters WHERE {hour} PARTITION BY tbname INTERVAL(1m)",
        "rows of the last ten minutes, counted": meters.count_rows(end - 600_000, end),
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


def timed(session: Session, sql: str) -> float:
    """Milliseconds, until the answer is read to its end."""
    started = time.perf_counter()
    result = session.execute(sql)
    while result.fetch(10_000):
        pass
    return (time.perf_counter() - started) * 1000


def figures() -> list[Figure]:
    if left_out("embedded_queries"):
        return []
    end, found = time.time_ns() // 10**6, []
    with tempfile.TemporaryDirectory() as few_folder, tempfile.TemporaryDirectory() as many_folder:
        few, many = filled(few_folder, FEW, end), filled(many_folder, MANY, end)
        for name, sql in questions(end).items():
            pairs = [(timed(many, sql), timed(few, sql)) for _ in range(TIMES)]
            ours, theirs = map(list, zip(*pairs, strict=True))
            found.append(Figure(f"embedded database: {name}", "ms", ours, "with 10 000 rows", theirs))
        for session in (few, many):
            session.close()
            session.store.close()
    for figure in found:
        median, few_median = figure.summary()["ours"]["p50"], figure.summary()["theirs"]["p50"]
        if "poll" in figure.what:
            figure.goal, figure.met = "≤ 1.5 times the rival's", median <= 1.5 * few_median
        elif "counted" not in figure.what:
            figure.goal, figure.met = "≤ 200", median <= 200
    return found


if __name__ == "__main__":
    show(figures())
