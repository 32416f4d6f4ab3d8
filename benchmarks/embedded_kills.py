"""Kills a writer of the embedded database's file at random moments, and looks each time whether anything is lost.

`.venv/bin/python -m benchmarks.embedded_kills [kills] [seed]`; 100 kills take some two minutes.
"""

import shutil
import sys
import tempfile
import time

from tests.helpers.embedded_kills import kill_again_and_again


def main(kills: str = "100", seed: str = "0") -> None:
    started = time.monotonic()
    folder = tempfile.mkdtemp(prefix="kills-")  # it stays where something is lost
    steps = kill_again_and_again(folder, int(kills), int(seed))
    shutil.rmtree(folder)
    print(f"{kills} kills in {time.monotonic() - started:.0f} s: all of {steps} acknowledged steps are in the file")


if __name__ == "__main__":
    main(*sys.argv[1:])
