"""Where loading starts: the newest rows that have a place in the table are found by counting, not by reading all."""

from bridge.known_rows import BEFORE_ALL, KnownRows
from bridge.questions import Questions

FIRST_STRETCH_MS = 10_000  # where it starts to count; most fleets have enough rows in this time
LONGEST_STRETCH_MS = 10**12  # 30 years: beyond that, loading takes all there is


def find_start(questions: Questions, known: KnownRows, now: int) -> int:
    """A time after which the database has `known.limit` rows, and not many more; BEFORE_ALL where there are fewer."""
    limit, before, factor = known.limit, 0, 2
    newest = questions.newest(BEFORE_ALL) if known.cursor == BEFORE_ALL else known.cursor
    start, stop = min(newest or now, now) - FIRST_STRETCH_MS, now
    while (count := questions.count(start, now)) < limit:  # too late a start: fewer rows than that
        if start == BEFORE_ALL:
            return BEFORE_ALL
        factor = factor**2 if count == before else max(2 * limit // (count + 1), 2)  # a gap is crossed in few steps
        stop, before, factor = start, count, min(factor, 1000)
        start = now - (now - start) * factor
        if now - start > LONGEST_STRETCH_MS:
            start = BEFORE_ALL
    return narrow(questions, limit, start, stop, now, count)


def narrow(questions: Questions, limit: int, start: int, stop: int, now: int, count: int) -> int:
    """A time from `start` to `stop` after which `limit` rows come, and not many more; after `start` come `count`."""
    while count > 2 * limit and stop - start > 1:
        guess = now - (now - start) * 3 * limit // (2 * count)
        middle = guess if start < guess < stop else (start + stop) // 2
        if (fewer := questions.count(middle, now)) >= limit:
            start, count = middle, fewer
        else:
            stop = middle
    return start
