"""Reads the database's rows in slices: each answer comes in the time that a question has."""

import time
from bisect import bisect_left

from bridge.known_rows import Row, time_of
from bridge.questions import Questions

SLICE_ROWS, LEAST_SLICE_ROWS = 10_000, 100  # one answer; more at once take the engine longer for each row
SLOW_S, QUICK_S = 2, 0.5  # slower slices become smaller, quicker ones larger; a database far away takes 1.5 s for one


class Slices:
    """`size` is how many rows a slice may have. Only a single millisecond may have more."""

    def __init__(self, questions: Questions) -> None:
        self.questions = questions
        self.size = SLICE_ROWS

    def shrink(self, times: int) -> None:
        self.size = max(LEAST_SLICE_ROWS, self.size // times)

    def read(self, after: int, until: int) -> tuple[list[Row], int, bool]:
        """Whole milliseconds from (after, until]: the rows, the time up to which they are all, whether more follow.

        One millisecond is never divided, however many rows it has: what follows could not be told by time.
        """
        started = time.monotonic()
        rows, end = self.questions.rows(after, until, self.size + 1), until
        if more := len(rows) > self.size:
            last = rows[-1][0]
            rows, end = rows[:bisect_left(rows, last, key=time_of)], last - 1
            if not rows:
                rows, end = self.questions.rows(last - 1, last), last
        seconds = time.monotonic() - started
        if seconds > SLOW_S:
            self.shrink(2)
        elif more and seconds < QUICK_S:
            self.size = min(SLICE_ROWS, self.size * 2)
        return rows, end, more
