"""Writes rows into the database at once: `python benchmarks/fill.py DSN rows seconds_ago [meters]` (the last of them so long ago).

taosws holds Python's global lock, so it is a process of its own. Prints rows/s.
"""

import sys
import time

import measure  # noqa: F401: the path to the demo's modules

import producer
from bridge.settings import options, parse

ROWS_A_BIND = 30_000  # of each meter as many, a millisecond apart


def main(dsn: str, rows: int, seconds_ago: float, meters: int) -> None:
    parse(__doc__, "database", "pace", "poller", "producer", arguments=[f"--tdengine-dsn={dsn}", "--tdengine-timeout-s=60"])
    writer, binds, each = producer.Writer(), rows // ROWS_A_BIND, ROWS_A_BIND // meters
    first = round((time.time() - seconds_ago) * 1000) - binds * each
    started = time.monotonic()
    for bind in range(binds):
        times = producer.spread(each, first + bind * each, first + (bind + 1) * each)
        if error := writer.write([producer.bind(meter, producer.random_rows(times)) for meter in range(meters)]):
            raise SystemExit(error)
    print(round(writer.rows / (time.monotonic() - started)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 10)
