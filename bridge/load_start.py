"""Where loading starts: the newest rows that have a place in the table are found by counting, not by reading all."""

from bridge.known_rows import BEFORE_ALL, KnownRows
from bridge.questions import Questions

FIRST_STRETCH_MS = 10_000  # where it starts to count; most fleets have enough rows in this time
LONGEST_STRETCH_MS = 10**12  # 30 years: beyond that, loading takes all there is


def find_start(questions: Questions, known: KnownRows, now: int) -> int:
    """A time after which the database has `known.limit` rows, and not many more; BEFORE_ALL where there are fewer."""
    limit, count, factor = known.limit, 0, 2
    newest = questions.newest(BEFORE_ALL) if known.cursor == BEFORE_ALL else known.cursor
    start, stop = min(newest or now, now) - FIRST_STRETCH_MS, now
    while (more := questions.count(start, now)) < limit:  # too late a start: fewer rows than that
        if start == BEFORE_ALL:
            return BEFORE_ALL
        factor = factor**2 if more == count else max(2 * limit // (more + 1), 2)
        stop, count, factor = start, more, min(factor, 1000)
        start = now - (now - start) * factor
        if now - start > LONGEST_STRETCH_MS:
            start = BEFORE_ALL
    return narrow(questions, limit, start, stop, now, more)


def narrow(questions: Questions, limit: int, start: int, stop: int, now: int, count: int) -> int:
    """A later time than `start`, after which `count` rows come, and before `stop`: `limit` rows come after it, too."""
    while count > 2 * limit and stop - start > 1:
        guess = now - (now - start) * 3 * limit // (2 * count)
        middle = guess if start < guess < stop else (start + stop) // 2
        if (fewer := questions.count(middle, now)) >= limit:
            start, count = middle, fewer
        else:
            stop = middle
    return start
