"""The raw limits of what can be carried: `python benchmarks/limits.py fetch DSN rows` or `update rows` prints rows/s.

`fetch` reads rows by taosws, in slices as the poller does, and does nothing with them. `update` hands as many ready
Arrow rows to a Perspective table that is full, in streams as the poller's.
"""

import sys
import time

import measure  # noqa: F401: the path to the demo's modules
import perspective

import meters
from bridge import poller, tdengine
from bridge.settings import options, parse


def fetch(dsn: str, rows: int) -> float:
    parse(__doc__, "database", "pace", "poller", "producer", arguments=[f"--tdengine-dsn={dsn}", "--tdengine-timeout-s=60"])
    connection = tdengine.connect(tdengine.database())
    got, since, started = 0, poller.EVER, time.perf_counter()
    while got < rows:
        slice_ = list(connection.query(meters.select_after(since, poller.SLICE_ROWS)))
        got, since = got + len(slice_), slice_[-1][0]
    return got / (time.perf_counter() - started)


def update(rows: int) -> float:
    def arrow(number: int) -> bytes:
        return meters.to_arrow([(number * poller.STREAM_ROWS + i // 10, f"Location {i % 10}", i % 4, 10.5, 220, 0.5)
                                for i in range(poller.STREAM_ROWS)])
    streams = [arrow(number) for number in range(rows // poller.STREAM_ROWS)]
    table = perspective.Server().new_local_client().table(streams[0], limit=rows)
    for stream in streams:
        table.update(stream)
    assert table.size() == rows
    started = time.perf_counter()
    for stream in streams:
        table.update(stream)
    table.size()  # ends the updates
    return rows / (time.perf_counter() - started)


if __name__ == "__main__":
    print(round(fetch(sys.argv[2], int(sys.argv[3])) if sys.argv[1] == "fetch" else update(int(sys.argv[2]))))
