"""What a program says of itself while it runs: one line, and a bar for work that has an end."""

import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

EVERY_S = 1
BAR = 20  # characters


def out(text: str) -> None:
    """Writes to standard output. Where that fails, as on a full disk, the text is lost, and no more."""
    with suppress(OSError):
        os.write(sys.stdout.fileno(), text.encode())


class StatusLine:
    """One line, rewritten every second on a terminal; elsewhere a line every ten seconds."""

    def __init__(self) -> None:
        self.terminal = sys.stdout.isatty()
        self.every = EVERY_S if self.terminal else 10 * EVERY_S
        self.then, self.rows, self.troubles = time.monotonic(), 0, []

    def say(self, text: str) -> None:
        """A line that stays."""
        out(f"\r\x1b[K{text}\n" if self.terminal else f"{text}\n")

    def show(self, rows: int, *notes: str, troubles: Sequence[str] = ()) -> None:
        """Says how many rows there are, at what rate they came, and all notes and troubles that are not "".

        A change of the troubles is said at once.
        """
        elapsed, troubles = time.monotonic() - self.then, [trouble for trouble in troubles if trouble]
        if elapsed < self.every and troubles == self.troubles:
            return
        rate = (rows - self.rows) / max(elapsed, 1e-3)
        text = "; ".join((f"{rows} rows, {rate:.0f} rows/s", *filter(None, notes), *troubles))
        out(f"\r\x1b[K{text}" if self.terminal else f"{text}\n")
        self.then, self.rows, self.troubles = time.monotonic(), rows, troubles


def progress(what: str, done: int, of: int, seconds: float) -> str:
    """A bar, the share that is done, and the time that the rest will take at the same pace; "" where all is done."""
    if done >= of:
        return ""
    left = f"{seconds * (of - done) / done:.0f} s" if done else "?"
    return f"{what} [{'#' * (BAR * done // of):.<{BAR}}] {100 * done // of} %, {left} left"
