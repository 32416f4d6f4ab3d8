"""Writes a day of rows as fast as it can, while the server polls, and prints what each process uses meanwhile.

`.venv/bin/python -m benchmarks.replay [hours]` replays 24 hours at the usual rate of 1000 rows/s: 86.4 million rows,
some 4 GB on disk.
"""

import json
import sys
import time

import meters
import producer
from benchmarks.measure import own_place, set_options
from benchmarks.usage import Usage
from bridge import tdengine
from tests.helpers.programs import Server

MINUTE_MS = 60_000
METERS, ROWS_A_MINUTE = 10, 6000  # of each meter
SAMPLES = 12


def main(hours: float = 24) -> None:
    minutes, end = int(hours * 60), time.time_ns() // 10**6
    with own_place("--retention=0") as place:
        set_options(place.dsn, "--tdengine-timeout-s=60")
        writer = producer.Writer()
        with Server(place.folder, place.dsn) as server:
            usage = Usage(place, server=server.process.pid, poller=server.status()["poller"])
            usage.print_head("hour", "rows written", "rows/s")
            started = time.monotonic()
            for minute in range(1, minutes + 1):
                until = end - (minutes - minute) * MINUTE_MS
                times = producer.spread(ROWS_A_MINUTE, until - MINUTE_MS, until)
                rows = producer.bind_random(dict.fromkeys(range(METERS), times))
                while error := writer.write(rows):
                    print(error, file=sys.stderr)
                took = time.monotonic() - started
                if minute * SAMPLES // minutes > len(usage.samples):
                    usage.sample(minute / 60, writer.rows, round(writer.rows / took))
            status = server.status()
        connection = tdengine.connect(tdengine.database())
        (stored,), = connection.query(f"SELECT COUNT(*) FROM {meters.SUPER_TABLE}")
    growth = usage.growth()
    print(json.dumps({
        "hours": hours, "written": writer.rows, "stored": stored, "errors": writer.errors,
        "rows_per_s": round(writer.rows / took), "table_rows": status["table_rows"],
        "bytes_per_row": round(growth["disk_mb"][1] * 2**20 / stored, 1)} | growth))


if __name__ == "__main__":
    main(*map(float, sys.argv[1:2]))
