"""Runs the benchmarks, prints their figures beside their rivals', and writes them to benchmarks/results.json.

`.venv/bin/python benchmarks/run.py` takes about ten minutes; names, as in `benchmarks/run.py carry delay`, choose some of them, and then
nothing is written. It needs what the tests need (`sh install.sh tests/requirements.txt`, Chromium) and no TDengine: the embedded
database is measured. All processes share one machine, so figures mean something beside each other only.
"""

import importlib
import json
import os
import platform
import sys
import time

from measure import ROOT, table

BENCHMARKS = ("loop_time", "carry", "delay", "stages", "clients", "producer_rate", "embedded_queries", "start")
RESULTS = ROOT / "benchmarks" / "results.json"


def main(names: list[str]) -> None:
    if unknown := set(names) - set(BENCHMARKS):
        sys.exit(f"no benchmark {', '.join(unknown)}: there are {', '.join(BENCHMARKS)}")
    figures = []
    for name in names or BENCHMARKS:
        started = time.monotonic()
        figures += [figure.summary() for figure in importlib.import_module(name).figures()]
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    print(table(figures))
    if not names:
        machine = {"cores": os.cpu_count(), "system": platform.system(), "python": platform.python_version()}
        RESULTS.write_text(json.dumps({"date": time.strftime("%Y-%m-%d"), "machine": machine, "figures": figures}, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
