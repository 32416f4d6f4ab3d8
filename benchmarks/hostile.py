"""Hostile guests of every kind, one after another and again, beside four honest viewers of a whole demo.

`.venv/bin/python -m benchmarks.hostile [minutes]` goes on for 5 minutes. It prints, for each kind of guest, the longest
time that an honest viewer had no new rows, how long /status took, and what the guests got; then the same of all, the
memory of all processes together, and the size of the logs.
"""

import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from statistics import median

from benchmarks.hostile_guests import GUESTS, TOKEN
from benchmarks.measure import memory_mb, summary
from tests.helpers.databases import ROOT
from tests.helpers.whole_demo import WholeDemo

KINDS = "copies", "queries"  # of honest viewers
QUIET_S = 5  # before the first guest, and after the last one
SAMPLE_S = 0.25


class Memory(threading.Thread):
    """The resident memory of all processes of a demo, in MB, every SAMPLE_S. What they share counts for each."""

    def __init__(self, demo: WholeDemo):
        super().__init__(daemon=True)
        self.demo, self.samples, self.stop = demo, [], threading.Event()

    def run(self) -> None:
        while not self.stop.wait(SAMPLE_S):
            with suppress(OSError):  # one has ended meanwhile
                self.samples.append(sum(map(memory_mb, self.demo.processes())))


class Honest:
    """The four viewers of `benchmarks.honest`; `found` is what they saw."""

    def __init__(self, demo: WholeDemo):
        self.process = subprocess.Popen([sys.executable, "-m", "benchmarks.honest", str(demo.port), TOKEN], cwd=ROOT,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def end(self) -> None:
        self.found = json.loads(self.process.communicate(timeout=20)[0])

    def longest_gap(self, kind: str, since: float, until: float) -> float:
        """The longest time without rows for a viewer of this kind that began or ended in this time, in seconds."""
        return max(after - before for came in self.found[kind] for before, after in zip(came, [*came[1:], until])
                   if after > since and before < until)

    def status(self, since: float, until: float) -> list[float]:
        return [took for came, took in self.found["status"] if since <= came <= until]


def round_of(demo: WholeDemo, until: float, visits: list[tuple[str, float, float, str]]) -> None:
    """A guest of each kind, one after the other: (kind, when it came and left, what it got) for each."""
    for kind, guest in GUESTS.items():
        if time.monotonic() < until:
            came = time.monotonic()
            got = guest(demo)
            visits.append((kind, came, time.monotonic(), got))


def report(honest: Honest, visits: list[tuple[str, float, float, str]]) -> None:
    """Prints a line for each kind of guest: the worst that others saw while one was there, and what they got."""
    print(f"{'guests':>32} {'number':>6} {'copies, s':>9} {'queries, s':>10} {'status, ms':>10}  what they got")
    for kind in GUESTS:
        those = [visit for visit in visits if visit[0] == kind]
        if those:
            gaps = [max(honest.longest_gap(which, *visit[1:3]) for visit in those) for which in KINDS]
            status = max((took for visit in those for took in honest.status(*visit[1:3])), default=0)
            got = Counter(visit[3] for visit in those).most_common(2)
            print(f"{kind:>32} {len(those):6} {gaps[0]:9.2f} {gaps[1]:10.2f} {status * 1000:10.0f}  "
                  + "; ".join(words for words, _ in got))


def main(minutes: float = 5) -> None:
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))  # more than a thousand connections
    visits = []
    with tempfile.TemporaryDirectory() as folder, WholeDemo(Path(folder), PERSPECTIVE_TOKEN="sesame") as demo:
        demo.runs()
        honest, memory = Honest(demo), Memory(demo)
        memory.start()
        time.sleep(QUIET_S)
        started = time.monotonic()
        while time.monotonic() < started + minutes * 60:
            round_of(demo, started + minutes * 60, visits)
        ended = time.monotonic()
        time.sleep(QUIET_S)
        honest.end()
        memory.stop.set()
        logs = [path.read_text() for path in (demo.tree / "logs").glob("*.log*")]
    report(honest, visits)
    middle = len(memory.samples) // 2
    first_half, second_half = median(memory.samples[:middle]), median(memory.samples[middle:])
    print(json.dumps({
        "minutes": minutes, "guests": len(visits),
        "longest_gap_s": {kind: round(honest.longest_gap(kind, started, ended), 2) for kind in KINDS},
        "status_ms": summary([took * 1000 for took in honest.status(started, ended)]),
        "memory_mb": {"most": max(memory.samples), "growth_in_second_half": round(second_half - first_half)},
        "log_bytes": sum(map(len, logs)), "token_logged": any("sesame" in log for log in logs)}))


if __name__ == "__main__":
    main(*map(float, sys.argv[1:2]))
