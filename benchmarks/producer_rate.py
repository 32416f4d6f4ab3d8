"""What a tick of 300 rows costs the producer, beside the known way's; and the highest rate that the producer holds."""

import re
import time

import numpy as np

import producer
from benchmarks.known_way import insert_tick
from benchmarks.measure import Figure, module, own_place, set_options, show
from bridge import tdengine
from tests.helpers.programs import producer as start_producer
from tests.helpers.waiting import wait_for

TICKS, FILLS = 200, 7
METERS, INTERVAL_MS = 1000, 100  # of each meter a row for each millisecond: as many as can be written


def ticks(dsn: str) -> dict[str, list[float]]:
    """Milliseconds of each tick, in our way and the known way by turns. The rows are generated beforehand."""
    set_options(dsn)
    writer, connection, found = producer.Writer(), None, {"ours": [], "known": []}
    now = time.time_ns() // 10**6 - TICKS * 300
    for tick in range(TICKS):
        times = producer.spread(30, now + tick * 300, now + (tick + 1) * 300)
        rows = {meter: producer.random_rows(np.full(len(times), meter), times) for meter in range(10)}
        rows = {meter: {name: values.tolist() for name, values in columns.items()} for meter, columns in rows.items()}
        started = time.perf_counter()
        bound = [producer.bind(f"d_bind_{meter}", producer.tags(meter), columns) for meter, columns in rows.items()]
        if error := writer.write(bound):
            raise SystemExit(error)
        found["ours"].append((time.perf_counter() - started) * 1000)
        connection = connection or tdengine.connect(tdengine.database())
        started = time.perf_counter()
        insert_tick(connection, {meter: (producer.tags(meter), columns) for meter, columns in rows.items()})
        found["known"].append((time.perf_counter() - started) * 1000)
    return {name: values[5:] for name, values in found.items()}


def highest_rate() -> list[int]:
    """Rows/s of producer.py when it is asked for more than it can write, as its output says them."""
    options = f"--meters={METERS}", f"--interval-ms={INTERVAL_MS}", f"--rows-per-interval={METERS * INTERVAL_MS}"
    with own_place("--retention=0") as place:
        program = start_producer(place.folder, place.dsn, *options)
        wait_for(lambda: program.text().count(" rows/s") >= 2 or program.process.poll() is not None, 60)
        program.end()
        return [int(rate) for rate in re.findall(r"(\d+) rows/s", program.text())]


def figures() -> list[Figure]:
    with own_place("--retention=0") as place:
        found = ticks(place.dsn)
    with own_place("--retention=0") as place:
        writes = [float(module("fill", place.dsn, 300_000, 300 - 40 * number)) for number in range(FILLS)]
    rates = [Figure("highest rate of the producer's writes, of 10 meters, 30 000 rows each", "rows/s", writes),
             Figure(f"highest rate of `producer.py`, of {METERS} meters", "rows/s", highest_rate())]
    for figure in rates:
        figure.goal, figure.met = "≥ 200 000", figure.summary()["ours"]["p50"] >= 200_000
    return [Figure("a tick of 300 rows, written", "ms", found["ours"], "the known way", found["known"]), *rates]


if __name__ == "__main__":
    show(figures())
