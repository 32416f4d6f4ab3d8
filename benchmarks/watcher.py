"""Somebody who watches the newest rows, in a process of its own: `python -m benchmarks.watcher PORT SECONDS`.

It prints, as JSON, how long rows took to it, and how long /status took meanwhile, both in milliseconds.
"""

import json
import sys
import time
import urllib.request

from benchmarks.measure import CountingViewer, rows_of

EVERY_S = 0.01  # how often /status is asked


def main(port: int, seconds: float) -> None:
    status, started = [], time.time()
    with CountingViewer(port) as viewer:
        while time.time() < started + seconds:
            asked = time.perf_counter()
            urllib.request.urlopen(f"http://127.0.0.1:{port}/status").read()
            status.append((time.perf_counter() - asked) * 1000)
            time.sleep(EVERY_S)
    delays = [at - rows_of(arrow)["timestamp"][-1].value for at, arrow in viewer.arrivals if at > (started + 1) * 1000]
    print(json.dumps({"delays": delays, "status": status}))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
