"""How many rows a second the demo carries from the database to a viewer, beside the raw limits: `carry(rounds)`.

In each round the server is stopped (SIGSTOP) while a backlog is written, then goes on: from there the time counts until the
viewer has the last row. The limits are measured in each round too, over the same number of rows.
"""

import signal
import subprocess
import sys
import time
from pathlib import Path

from measure import TABLE_LIMIT, CopyViewer, embedded

from conftest import wait_for
from programs import Server

BACKLOG = 90_000
HERE = Path(__file__).parent


def run(script: str, *args) -> int:
    """What a benchmark script prints."""
    return int(subprocess.run([sys.executable, str(HERE / script), *map(str, args)],
                              check=True, capture_output=True, text=True).stdout)


def carry(rounds: int = 5) -> dict[str, list[int]]:
    """Rows/s, by name, of each round."""
    found = {"carried": [], "raw_fetch": [], "raw_update": [], "written": []}
    with embedded("--retention=0") as (database, folder):
        dsn = f"{database.dsn}/power"
        run("fill.py", dsn, BACKLOG, 300)
        with Server(folder, dsn, f"--table-limit={TABLE_LIMIT}", "--interval-ms=20", "--tdengine-timeout-s=60") as server, \
                CopyViewer(server.port) as viewer:
            wait_for(lambda: viewer.rows >= BACKLOG, 60, "the first rows")
            for number in range(rounds):
                server.process.send_signal(signal.SIGSTOP)
                found["written"].append(run("fill.py", dsn, BACKLOG, 250 - 20 * number))
                before, started = viewer.rows, time.perf_counter()
                server.process.send_signal(signal.SIGCONT)
                wait_for(lambda: viewer.rows - before >= BACKLOG, 60, "the last row")
                found["carried"].append(round(BACKLOG / (time.perf_counter() - started)))
                assert viewer.rows - before == BACKLOG, "a row came twice"
                found["raw_fetch"].append(run("limits.py", "fetch", dsn, BACKLOG))
                found["raw_update"].append(run("limits.py", "update", BACKLOG))
    return found


if __name__ == "__main__":
    print(carry())
