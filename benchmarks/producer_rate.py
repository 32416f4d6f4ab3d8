"""What a tick of 300 rows costs the producer, beside the known way's; and the highest rate that the producer holds."""

import tempfile
import time
from pathlib import Path

from known_way import insert_tick
from measure import Figure, embedded, script, table

import producer
from bridge import tdengine
from bridge.settings import options, parse
from tests.helpers.programs import producer as start_producer
from tests.helpers.waiting import wait_for

TICKS, FILLS = 200, 7
METERS, INTERVAL_MS = 220, 300
DEMANDED = METERS * 1000  # rows/s: each meter has a row for each millisecond, more than can be written


def ticks(dsn: str) -> dict[str, list[float]]:
    """Milliseconds of each tick, ours and the known way's by turns, over rows that are generated beforehand."""
    parse(__doc__, "database", "pace", "poller", "producer", arguments=[f"--tdengine-dsn={dsn}"])
    writer, connection, found = producer.Writer(), None, {"ours": [], "known": []}
    now = time.time_ns() // 10**6 - TICKS * 300
    for tick in range(TICKS):
        rows = {meter: producer.random_rows(producer.spread(30, now + tick * 300, now + (tick + 1) * 300)) for meter in range(10)}
        started = time.perf_counter()
        if error := writer.write([producer.bind(meter, columns) for meter, columns in rows.items()]):
            raise SystemExit(error)
        found["ours"].append((time.perf_counter() - started) * 1000)
        connection = connection or tdengine.connect(tdengine.database())
        started = time.perf_counter()
        insert_tick(connection, {meter: (producer.tags(meter), columns) for meter, columns in rows.items()})
        found["known"].append((time.perf_counter() - started) * 1000)
    return {name: values[5:] for name, values in found.items()}


def highest_rate(dsn: str) -> list[int]:
    """Rows/s of producer.py where more are demanded of it than it can write, as its output says them."""
    with tempfile.TemporaryDirectory() as folder:
        program = start_producer(Path(folder), dsn, f"--interval-ms={INTERVAL_MS}", f"--meters={METERS}",
                                 f"--rows-per-interval={DEMANDED * INTERVAL_MS // 1000}")
        wait_for(lambda: program.text().count(" rows/s") >= 2 or program.process.poll() is not None, 60)
        program.end()
        return [int(line.split(" rows/s")[0].split()[-1]) for line in program.text().splitlines() if " rows/s" in line]


def figures() -> list[Figure]:
    with embedded("--retention=0") as (database, _):
        found = ticks(f"{database.dsn}/ticks")
        writes = [script("fill.py", f"{database.dsn}/writes", 300_000, 300 - 40 * number) for number in range(FILLS)]
        rates = highest_rate(f"{database.dsn}/rate")
    figures = [Figure("highest rate of the producer's writes, of 10 meters, 30 000 rows each", "rows/s", writes),
               Figure(f"highest rate of `producer.py`, of {METERS} meters", "rows/s", rates)]
    for figure in figures:
        figure.goal, figure.met = "≥ 200 000", figure.summary()["ours"]["p50"] >= 200_000
    return [Figure("a tick of 300 rows, written", "ms", found["ours"], "the known way", found["known"]), *figures]


if __name__ == "__main__":
    print(table([figure.summary() for figure in figures()]))
