"""Runs the benchmarks, and prints their figures beside their rivals'.

`.venv/bin/python -m benchmarks.run` takes about a quarter of an hour. It writes the figures to
benchmarks/results.json, and their table into docs/benchmarks.md. Names choose some benchmarks, as in
`-m benchmarks.run carry delay`: then nothing is written. Nothing is written either where TDENGINE_DSN names a TDengine,
which is then measured in place of the embedded database.

The benchmarks need what the tests need: `sh install.sh tests/requirements.txt`, and Chromium. All processes share one
machine, so figures mean something only beside each other.
"""

import importlib
import json
import os
import platform
import re
import sys
import time

from benchmarks.measure import table
from tests.helpers.databases import ROOT

BENCHMARKS = ("loop_time", "carry", "delay", "fleet", "stages", "clients", "producer_rate", "embedded_queries",
              "embedded_statistics", "trend", "sheets", "start")
RESULTS, PAGE = ROOT / "benchmarks" / "results.json", ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- the table, which benchmarks/run.py writes -->\n", "\n<!-- end of the table -->"


def main(names: list[str]) -> None:
    if unknown := set(names) - set(BENCHMARKS):
        sys.exit(f"no benchmark {', '.join(unknown)}: there are {', '.join(BENCHMARKS)}")
    figures = []
    try:
        for name in names or BENCHMARKS:
            started = time.monotonic()
            figures += [figure.summary() for figure in importlib.import_module(f"benchmarks.{name}").figures()]
            print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    finally:  # an error in one of them takes nothing from the others
        print(table(figures))
    if not names and "TDENGINE_DSN" not in os.environ:
        machine = {"cores": os.cpu_count(), "system": platform.system(), "python": platform.python_version()}
        results = {"date": time.strftime("%Y-%m-%d"), "machine": machine, "figures": figures}
        RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
        write_table(figures)


def write_table(figures: list[dict]) -> None:
    """Puts the table into docs/benchmarks.md, in place of the one that is there."""
    found = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.S)
    PAGE.write_text(found.sub(lambda _: BEGIN + table(figures) + END, PAGE.read_text(), count=1))


if __name__ == "__main__":
    main(sys.argv[1:])
