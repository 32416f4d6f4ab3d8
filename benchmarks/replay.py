"""Writes a day of rows as fast as it can, while the server polls, and prints what each process uses meanwhile.

`.venv/bin/python benchmarks/replay.py [hours]` replays 24 hours at the usual rate, 1000 rows/s: 86.4 million rows, some 4 GB on disk.
"""

import json
import sys
import time

from measure import descriptors, disk_mb, embedded, memory_mb

import meters
import producer
from bridge import tdengine
from bridge.settings import options, parse
from tests.helpers.programs import Server

MINUTE_MS = 60_000
ROWS_A_MINUTE = 6000  # of each of the ten meters
SAMPLES = 12


def main(hours: float = 24) -> None:
    with embedded("--retention=0") as (database, folder):
        dsn = f"{database.dsn}/power"
        parse(__doc__, "database", "pace", "poller", "producer", arguments=[f"--tdengine-dsn={dsn}", "--tdengine-timeout-s=60"])
        writer = producer.Writer()
        with Server(folder, dsn) as server:
            processes = {"embedded": database.process.pid, "server": server.process.pid, "poller": server.status()["poller"]}
            print("    hour" + "".join(f"{f'{name} MB, fds':>20}" for name in processes) + "  disk MB   rows written      rows/s")
            minutes, start, samples = int(hours * 60), time.monotonic(), []
            end = time.time_ns() // 10**6
            for minute in range(1, minutes + 1):
                until = end - (minutes - minute) * MINUTE_MS
                times = producer.spread(ROWS_A_MINUTE, until - MINUTE_MS, until)
                while error := writer.write([producer.bind(meter, producer.random_rows(times)) for meter in range(10)]):
                    print(error, file=sys.stderr)
                if minute * SAMPLES // minutes > len(samples):
                    samples.append({name: (memory_mb(pid), descriptors(pid)) for name, pid in processes.items()}
                                   | {"disk_mb": disk_mb(folder / "data")})
                    print(f"{minute / 60:8.1f}" + "".join(f"{'%d, %d' % samples[-1][name]:>20}" for name in processes)
                          + f"{samples[-1]['disk_mb']:9}{writer.rows:15}{writer.rows / (time.monotonic() - start):12.0f}", flush=True)
            took = time.monotonic() - start
            status = server.status()
        connection = tdengine.connect("power")
        (stored,), = connection.query(f"SELECT COUNT(*) FROM {meters.SUPER_TABLE}")
    middle, last = samples[len(samples) // 2 - 1], samples[-1]
    print(json.dumps({"hours": hours, "written": writer.rows, "stored": stored, "errors": writer.errors, "rows_per_s": round(writer.rows / took),
                      "table_rows": status["table_rows"], "bytes_per_row": round(last["disk_mb"] * 2**20 / stored, 1),
                      "growth_mb_in_second_half": {name: last[name][0] - middle[name][0] for name in processes},
                      "growth_fds_in_second_half": {name: last[name][1] - middle[name][1] for name in processes}}))


if __name__ == "__main__":
    main(*map(float, sys.argv[1:2]))
