"""Runs the whole demo for long, and prints what each process uses: it should be flat.

`.venv/bin/python benchmarks/soak.py [minutes] [times]` runs it for 10 minutes at 20 times the usual rate (20 000 rows/s) with
four viewers; the embedded database keeps one minute of rows, so that its disk can be flat too.
"""

import json
import sys
import time

from measure import CountingViewer, descriptors, disk_mb, embedded, memory_mb

from tests.helpers.programs import Server, producer

VIEWERS = 4
TABLE_LIMIT = 50_000  # more than two ticks bring
SAMPLES = 20


def main(minutes: float = 10, times: int = 20) -> None:
    with embedded("--retention=1m") as (database, folder):
        dsn = f"{database.dsn}/power"
        rows = 300 * times
        program = producer(folder, dsn, f"--rows-per-interval={rows}", f"--meters={10 * times}")
        with program, Server(folder, dsn, f"--table-limit={TABLE_LIMIT}") as server:
            viewers = [CountingViewer(server.port).__enter__() for _ in range(VIEWERS)]
            poller = server.status()["poller"]
            processes = {"embedded": database.process.pid, "producer": program.process.pid,
                         "server": server.process.pid, "poller": poller}
            print("  minute" + "".join(f"{f'{name} MB, fds':>20}" for name in processes) + "  disk MB     rows seen   rows viewed")
            samples = []
            start = time.monotonic()
            for number in range(1, SAMPLES + 1):
                time.sleep(max(0, start + number * minutes * 60 / SAMPLES - time.monotonic()))
                status = server.status()
                samples.append({name: (memory_mb(pid), descriptors(pid)) for name, pid in processes.items()}
                               | {"disk_mb": disk_mb(folder / "data"), "rows_seen": status["rows_seen"]})
                print(f"{number * minutes / SAMPLES:8.1f}" + "".join(f"{'%d, %d' % samples[-1][name]:>20}" for name in processes)
                      + f"{samples[-1]['disk_mb']:9}{status['rows_seen']:14}{sum(v.rows for v in viewers):14}", flush=True)
                assert status["poller"] == poller and status["viewers"] == VIEWERS and not status["last_error"], status
            for viewer in viewers:
                viewer.__exit__()
        sent = int(program.text().split(" rows written")[0].split()[-1])
    middle, end = samples[len(samples) // 2 - 1], samples[-1]
    print(json.dumps({"minutes": minutes, "rows_sent": sent, "rows_per_s": round(sent / minutes / 60), "rows_seen": end["rows_seen"],
                      "growth_mb_in_second_half": {name: end[name][0] - middle[name][0] for name in processes},
                      "growth_fds_in_second_half": {name: end[name][1] - middle[name][1] for name in processes},
                      "disk_mb": [middle["disk_mb"], end["disk_mb"]]}))


if __name__ == "__main__":
    main(*map(float, sys.argv[1:2]), *map(int, sys.argv[2:3]))
