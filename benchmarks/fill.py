"""Writes rows into the database as fast as it can, and prints rows/s: it is a process of its own for other benchmarks.

`python -m benchmarks.fill DSN rows seconds_ago [meters]`: the last row's time lies so many seconds in the past.
"""

import sys
import time

import producer
from benchmarks.measure import set_options

ROWS_A_BIND = 30_000  # shared by the meters; the rows of one meter are a millisecond apart


def main(dsn: str, rows: int, seconds_ago: float, meters: int) -> None:
    set_options(dsn, "--tdengine-timeout-s=60")
    writer, binds, each = producer.Writer(), rows // ROWS_A_BIND, ROWS_A_BIND // meters
    first = round((time.time() - seconds_ago) * 1000) - binds * each
    started = time.monotonic()
    for bind in range(binds):
        times = producer.spread(each, first + bind * each, first + (bind + 1) * each)
        if error := writer.write(producer.bind_random(dict.fromkeys(range(meters), times))):
            raise SystemExit(error)
    print(round(writer.rows / (time.monotonic() - started)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 10)
