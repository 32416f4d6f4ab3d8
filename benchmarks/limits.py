"""The raw limits of what can be carried: `python benchmarks/limits.py fetch DSN rows` or `update rows` prints rows/s.

`fetch` reads rows by taosws, in slices as the poller does, and does nothing with them. `update` hands as many ready
Arrow rows to a Perspective table that has one flat view, whose new rows it gives away, as for one viewer.
"""

import sys
import time

import measure  # noqa: F401: the path to the demo's modules
import perspective

import meters
import poller
import tdengine
from settings import options, parser


def fetch(dsn: str, rows: int) -> float:
    parser.parse_args([f"--tdengine-dsn={dsn}", "--tdengine-timeout-s=60"], namespace=options)
    connection = tdengine.connect(tdengine.database())
    got, since, started = 0, poller.EVER, time.perf_counter()
    while got < rows:
        slice_ = list(connection.query(meters.select_after(since, poller.SLICE_ROWS)))
        got, since = got + len(slice_), slice_[-1][0]
    return got / (time.perf_counter() - started)


def update(rows: int) -> float:
    def arrow(number: int) -> bytes:
        return meters.to_arrow([(number * poller.SLICE_ROWS + i // 10, f"Location {i % 10}", i % 4, 10.5, 220, 0.5)
                                for i in range(poller.SLICE_ROWS)])
    slices = [arrow(number) for number in range(rows // poller.SLICE_ROWS + 1)]
    table = perspective.Server().new_local_client().table(slices[0], limit=measure.TABLE_LIMIT)
    view = table.view()
    view.on_update(lambda port, delta: None, mode="row")
    started = time.perf_counter()
    for slice_ in slices[1:]:
        table.update(slice_)
    return rows / (time.perf_counter() - started)


if __name__ == "__main__":
    print(round(fetch(sys.argv[2], int(sys.argv[3])) if sys.argv[1] == "fetch" else update(int(sys.argv[2]))))
