"""Writes rows into the database at once: `python benchmarks/fill.py DSN rows seconds_ago` (the last of them so long ago).

taosws holds Python's global lock, so it is a process of its own. Prints rows/s.
"""

import sys
import time

import measure  # noqa: F401: the path to the demo's modules

import producer
from settings import options, parser

ROWS_A_BIND = 3000  # of each of ten meters, a millisecond apart


def main(dsn: str, rows: int, seconds_ago: float) -> None:
    parser.parse_args([f"--tdengine-dsn={dsn}", "--tdengine-timeout-s=60"], namespace=options)
    writer, binds = producer.Writer(), rows // (10 * ROWS_A_BIND)
    first = round((time.time() - seconds_ago) * 1000) - binds * ROWS_A_BIND
    started = time.monotonic()
    for bind in range(binds):
        times = producer.spread(ROWS_A_BIND, first + bind * ROWS_A_BIND, first + (bind + 1) * ROWS_A_BIND)
        if error := writer.write([producer.bind(meter, producer.random_rows(times)) for meter in range(10)]):
            raise SystemExit(error)
    print(round(writer.rows / (time.monotonic() - started)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
