"""The raw limits of what can be carried, in rows/s: it is a process of its own for `benchmarks.carry`.

`python -m benchmarks.limits fetch DSN rows` reads rows by taosws, in slices as the poller does, and does nothing with
them. `python -m benchmarks.limits update rows` hands ready Arrow rows to a full Perspective table, in streams as the
poller makes them.
"""

import sys
import time

import perspective

import meters
from benchmarks.measure import set_options
from bridge import tdengine
from bridge.known_rows import AFTER_ALL, BEFORE_ALL
from bridge.poller_process import STREAM_ROWS
from bridge.slices import SLICE_ROWS


def fetch(dsn: str, rows: int) -> float:
    set_options(dsn, "--tdengine-timeout-s=60")
    connection = tdengine.connect(tdengine.database())
    got, after, started = 0, BEFORE_ALL, time.perf_counter()
    while got < rows:
        part = list(connection.query(meters.select_rows(after, AFTER_ALL, SLICE_ROWS)))
        got, after = got + len(part), part[-1][0]
    return got / (time.perf_counter() - started)


def update(rows: int) -> float:
    def stream(number: int) -> bytes:
        return meters.to_arrow([(number * STREAM_ROWS + i // 10, f"Location {i % 10}", i % 4, 10.5, 220, 0.5)
                                for i in range(STREAM_ROWS)])
    streams = [stream(number) for number in range(rows // STREAM_ROWS)]
    table = perspective.Server().new_local_client().table(streams[0], limit=rows)
    for arrow in streams:
        table.update(arrow)
    assert table.size() == rows
    started = time.perf_counter()
    for arrow in streams:
        table.update(arrow)
    table.size()  # it answers after the updates
    return rows / (time.perf_counter() - started)


if __name__ == "__main__":
    rate = fetch(sys.argv[2], int(sys.argv[3])) if sys.argv[1] == "fetch" else update(int(sys.argv[2]))
    print(round(rate))
