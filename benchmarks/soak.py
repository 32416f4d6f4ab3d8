"""Runs the whole demo for long, and prints what each process uses: it should be flat.

`.venv/bin/python -m benchmarks.soak [minutes] [times]` runs it with four viewers for 10 minutes at 20 times the usual
rate, which is 20 000 rows/s. The embedded database keeps one minute of rows, so that its disk can be flat too.
"""

import json
import sys
import time

from benchmarks.measure import CountingViewer, own_place, rows_written
from benchmarks.usage import Usage
from tests.helpers.programs import Server, producer

VIEWERS = 4
TABLE_LIMIT = 50_000  # more rows than two ticks bring
SAMPLES = 20


def main(minutes: float = 10, times: int = 20) -> None:
    with own_place("--retention=1m") as place:
        program = producer(place.folder, place.dsn, f"--rows-per-interval={300 * times}", f"--meters={10 * times}")
        with program, Server(place.folder, place.dsn, f"--table-limit={TABLE_LIMIT}") as server:
            viewers = [CountingViewer(server.port).__enter__() for _ in range(VIEWERS)]
            poller = server.status()["poller"]
            usage = Usage(place, producer=program.process.pid, server=server.process.pid, poller=poller)
            usage.print_head("minute", "rows seen", "rows viewed")
            started = time.monotonic()
            for number in range(1, SAMPLES + 1):
                time.sleep(max(0, started + number * minutes * 60 / SAMPLES - time.monotonic()))
                status = server.status()
                usage.sample(number * minutes / SAMPLES, status["rows_seen"], sum(viewer.count for viewer in viewers))
                assert status["poller"] == poller and status["viewers"] == VIEWERS and not status["last_error"], status
            for viewer in viewers:
                viewer.__exit__()
        sent = rows_written(program)
    print(json.dumps({"minutes": minutes, "rows_sent": sent, "rows_per_s": round(sent / minutes / 60),
                      "rows_seen": status["rows_seen"]} | usage.growth()))


if __name__ == "__main__":
    main(*map(float, sys.argv[1:2]), *map(int, sys.argv[2:3]))
