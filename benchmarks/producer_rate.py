"""What a tick of 300 rows costs the producer, beside the known way's; and the highest rate that the producer holds.

`.venv/bin/python benchmarks/producer_rate.py DSN` prints JSON. taosws holds Python's global lock, so it is a process of its own.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import measure
from known_way import insert_tick

import producer
import tdengine
from conftest import wait_for
from programs import producer as start_producer
from settings import options, parser

TICKS = 200
RATE_S = 10
DEMANDED = 600_000  # rows/s: more than any can write, so that what is written is the highest rate


def ticks(dsn: str) -> dict:
    """Milliseconds of each tick, ours and the known way's by turns, over rows that are generated beforehand."""
    parser.parse_args([f"--tdengine-dsn={dsn}"], namespace=options)
    writer = producer.Writer()
    found = {"prepared_once": [], "known_way": []}
    connection = None
    for tick in range(TICKS):
        times = producer.spread(30, tick * 300, (tick + 1) * 300)
        now = time.time_ns() // 10**6 - TICKS * 300
        rows = {meter: producer.random_rows([now + ts for ts in times]) for meter in range(10)}
        started = time.perf_counter()
        if error := writer.write([producer.bind(meter, columns) for meter, columns in rows.items()]):
            raise SystemExit(error)
        found["prepared_once"].append((time.perf_counter() - started) * 1000)
        connection = connection or tdengine.connect(tdengine.database())
        started = time.perf_counter()
        insert_tick(connection, {meter: (producer.tags(meter), columns) for meter, columns in rows.items()})
        found["known_way"].append((time.perf_counter() - started) * 1000)
    return {name: measure.summary(values[5:]) for name, values in found.items()}


def highest_rate(dsn: str) -> int:
    """Rows/s of producer.py where more are demanded of it than it can write."""
    with tempfile.TemporaryDirectory() as folder:
        program = start_producer(Path(folder), dsn, "--interval-ms=20", f"--rows-per-interval={DEMANDED // 50}", "--meters=1000")
        wait_for(lambda: "rows/s" in program.text() or program.process.poll() is not None, 30)
        time.sleep(RATE_S)
        program.end()
        return max(int(line.split(" rows/s")[0].split()[-1]) for line in program.text().splitlines() if " rows/s" in line)


if __name__ == "__main__":
    print(json.dumps({"tick_ms": ticks(sys.argv[1]), "highest_rate": highest_rate(sys.argv[1])}))
