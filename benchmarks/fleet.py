"""Whether viewers get each row of a fleet once, how late, and what that costs.

Fleets report aligned: all meters write their row at the same millisecond. `.venv/bin/python -m benchmarks.fleet` has
10, 1000 and 10 000 meters that write one row each a second, and 100 000 that write one in ten seconds; numbers after it
choose other sizes. A viewer counts the rows that it gets, and how many of them differ: their values are random, so no
two rows are alike.

The age of a row starts with the time that it carries, when the producer begins to make the rows of a tick. It ends when
the viewer has all rows of that time.
"""

import sys
import time
from collections import Counter

import pyarrow as pa

from benchmarks.measure import CountingViewer, Figure, cpu_s, own_place, rows_of, rows_written, show
from tests.helpers.programs import Server, producer
from tests.helpers.waiting import wait_for

SIZES = (10, 1000, 10_000, 100_000)
SLOW = 100_000  # so many meters write every ten seconds
SECONDS = 25
POLL_MS = 300
TABLE_LIMIT = 150_000  # room for all that the producer writes at once when it was late: 100 000 rows
QUIET_S = 5  # longer than the poller takes to look for rows that it has not delivered


def measure(meters: int) -> list[Figure]:
    interval_ms = 10_000 if meters >= SLOW else 1000
    options = f"--meters={meters}", f"--rows-per-interval={meters}", "--tdengine-timeout-s=60"
    with own_place() as place, \
            Server(place.folder, place.dsn, f"--table-limit={max(TABLE_LIMIT, 3 * meters)}") as server, \
            CountingViewer(server.port) as viewer:
        first = producer(place.folder, place.dsn, *options, "--count=1", "--interval-ms=1000")  # it makes the subtables
        assert first.wait(120) == 0, first.text()
        wait_for(lambda: viewer.count >= meters, 120, "the first tick")
        poller, started = server.status()["poller"], time.monotonic()
        before = cpu_s(poller), cpu_s(server.process.pid)
        program = producer(place.folder, place.dsn, *options, f"--interval-ms={interval_ms}",
                           f"--count={max(3, SECONDS * 1000 // interval_ms)}")
        assert program.wait(600) == 0, program.text()
        polls = (time.monotonic() - started) * 1000 / POLL_MS
        poll_cost, loop_cost = (1000 * (cpu_s(pid) - was) / polls
                                for pid, was in zip((poller, server.process.pid), before))
        wait_until_quiet(viewer)
        written, got, different = meters + rows_written(program), viewer.count, count_different(viewer)
    name = f"{meters:_} meters, a row each {'second' if interval_ms == 1000 else 'ten seconds'}".replace("_", " ")
    repeats = f" ({got - different} came again)" if got > different else ""
    return [
        Figure(f"{name}: different rows at a viewer", "rows", [different], f"written{repeats}", [written],
               "all, each once", got == different == written),
        Figure(f"{name}: insert to viewer", "ms", ages(viewer, meters)[1:]),
        Figure(f"{name}: processor time of the poller, each poll", "ms", [poll_cost], "of the server", [loop_cost])]


def wait_until_quiet(viewer: CountingViewer) -> None:
    """Waits until no more rows come; not for ever, since a faulty poller may never end."""
    for _ in range(10):
        before = viewer.count
        time.sleep(QUIET_S)
        if viewer.count == before:
            return


def count_different(viewer: CountingViewer) -> int:
    rows = pa.concat_tables(rows_of(arrow) for _, arrow in viewer.arrivals)
    return rows.group_by(rows.column_names).aggregate([]).num_rows


def ages(viewer: CountingViewer, meters: int) -> list[float]:
    """How old the rows of each time were when the viewer had all of them, in the order of arrival."""
    counts, found = Counter(), {}
    for now, arrow in viewer.arrivals:
        for part in rows_of(arrow)["timestamp"].value_counts():
            time_ms = part["values"].value
            counts[time_ms] += part["counts"].as_py()
            if counts[time_ms] >= meters:
                found.setdefault(time_ms, now - time_ms)
    return list(found.values())


def figures(sizes: tuple[int, ...] = SIZES) -> list[Figure]:
    return [figure for meters in sizes for figure in measure(meters)]


if __name__ == "__main__":
    show(figures(tuple(map(int, sys.argv[1:])) or SIZES))
