"""A writer of the embedded database's file that is killed at random moments, and what must be in the file then.

Step n of the writer is the same in every run: it appends rows, writes rows that are late, or deletes rows, while
another thread puts the write-ahead log into the file all the time. The writer prints n when the step is done.
"""

import random
import subprocess
import sys
import threading
import time

from embedded.common.datatypes import Bound
from embedded.engine.session import Session
from embedded.storage.store import Store
from tests.helpers.databases import ROOT
from tests.helpers.embedded_frames import INSERT, METERS

BASE, APART, COUNT = 1_700_000_000_000, 100, 30  # ms; rows of a step in each subtable
LEAST = 10  # steps before a kill, one of each kind among them
Rows = dict[tuple[str, int], int]


def names(n: int) -> list[str]:
    """The subtables of step n: three that others have too and, now and then, a new one."""
    return [f"d{(n + i) % 5}" for i in range(3)] + [f"new{n}"] * (n % 20 == 0)


def times(n: int) -> list[int]:
    return list(range(BASE + n * APART, BASE + n * APART + COUNT))


def write(session: Session, n: int) -> None:
    if n % 10 == 9:
        session.execute(f"DELETE FROM meters WHERE ts >= {times(n - 6)[0]} AND ts <= {times(n - 6)[-1]}")
        return
    at = times(n - 3)[::2] + times(n) if n % 10 == 7 else times(n)
    bound = [Bound(name, [1, "x"], [at, [1.0] * len(at), [n] * len(at), [None] * len(at)]) for name in names(n)]
    session.prepare(INSERT).execute(bound)


def expect(state: Rows, n: int) -> None:
    """What step n makes of the rows: subtable and time, with the voltage."""
    if n % 10 == 9:
        gone = set(times(n - 6))
        for key in [key for key in state if key[1] in gone]:
            del state[key]
        return
    at = times(n - 3)[::2] + times(n) if n % 10 == 7 else times(n)
    state.update({(name, time): n for name in names(n) for time in at})


def opened(folder: str) -> Session:
    session = Session(Store(folder, 0))
    session.execute("CREATE DATABASE IF NOT EXISTS power")
    session.execute("USE power")
    session.execute(METERS)
    return session


def stored(folder: str) -> Rows:
    session = opened(folder)
    try:
        result, found = session.execute("SELECT tbname, ts, voltage FROM meters"), {}
        while part := result.fetch(10_000):
            found.update({(name, time): voltage for name, time, voltage in part})
        return found
    finally:
        session.close()
        session.store.close()


def kill_again_and_again(folder: str, kills: int, seed: int = 0) -> int:
    """Kill the writer so often, and look into the file each time. Returns how many steps were acknowledged."""
    rng, state, n = random.Random(seed), {}, 0
    for kill in range(kills):
        with subprocess.Popen([sys.executable, "-m", __name__, folder, str(n)], stdout=subprocess.PIPE, text=True,
                              cwd=ROOT) as writer:
            for _ in range(LEAST):
                writer.stdout.readline()
            time.sleep(rng.uniform(0, 0.3))  # the moment is random: nothing is waited for
            writer.kill()
            done = n + LEAST + len([line for line in writer.stdout.read().split("\n")[:-1] if line.isdecimal()])
        for step in range(n, done):
            expect(state, step)
        found = stored(folder)
        n = done
        if found != state:  # the step under way may be there as a whole
            expect(state, done)
            n += 1
        assert found == state, f"kill {kill}: {len(found)} rows are stored, {n} steps left {len(state)}"
    return n


def main(folder: str, first: str) -> None:
    session = opened(folder)

    def checkpoint() -> None:
        while True:
            session.store.file.checkpoint(0)

    threading.Thread(target=checkpoint, daemon=True).start()
    for n in range(int(first), 10**9):
        write(session, n)
        print(n, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
