"""Windows of time that are over: a view that is grouped by time is drawn anew from them, and asks for the last ones.

So a chart of a year costs what its newest windows cost. Rows may come late, so all windows are asked anew now and then.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bridge.history.view_sql import MOST_ROWS, Windows

KEEP_S, KEEP_TIMES = 60, 20  # all windows are asked anew after so long, or so many times what the question took
MOST_KEPT = 50  # charts; each has MOST_ROWS at most
ALL_TIME = 2**62  # ms
Answer = tuple[list[tuple], float]  # rows, and until when they are kept


@dataclass
class Kept:
    """The rows of the windows that start in [`since`, `over`), by their start; they are right `until` then."""

    rows: dict[int, list[tuple]]
    since: int
    over: int
    until: float


class KeptWindows:
    """`answer` answers a statement."""

    def __init__(self, answer: Callable[[str], Awaitable[Answer]]) -> None:
        self.answer_sql = answer
        self.kept: dict[tuple, Kept] = {}

    async def answer(self, asked: Windows) -> Answer:
        """The rows of all windows, and until when those that are not over are kept."""
        now = time.monotonic()
        self.kept = {key: kept for key, kept in self.kept.items() if kept.until > now}
        width, key = asked.width, (asked.head, asked.tail, asked.where.conditions)
        since = -ALL_TIME if asked.where.since is None else asked.where.since
        until = ALL_TIME if asked.where.until is None else asked.where.until
        first, last = -(-since // width) * width, until // width * width  # whole windows start in [first, last)
        kept = self.kept.get(key)
        if kept is None or kept.since > first or kept.over <= first or since > until:
            return await self.ask_all(asked, key, first, last)
        rows = [row for start, found in kept.rows.items() if first <= start < last for row in found]
        kept_until = kept.until
        for a, b in ((since, min(first, until)), (max(first, min(kept.over, last)), until)):
            if -ALL_TIME < a < b:
                part, part_until = await self.answer_sql(asked.sql(a, None if b == ALL_TIME else b))
                rows += part
                kept_until = min(kept_until, part_until)
                if a == kept.over:
                    self.extend(kept, asked, part, last)
        return rows, kept_until

    async def ask_all(self, asked: Windows, key: tuple, first: int, last: int) -> Answer:
        started = time.monotonic()
        rows, until = await self.answer_sql(asked.sql())
        now = time.monotonic()
        kept = Kept({}, first, first, now + max(KEEP_S, KEEP_TIMES * (now - started)))
        self.extend(kept, asked, rows, last)
        self.kept[key] = kept
        while len(self.kept) > MOST_KEPT:
            del self.kept[next(iter(self.kept))]  # the oldest
        return rows, until

    def extend(self, kept: Kept, asked: Windows, rows: list[tuple], last: int) -> None:
        """Keeps the windows that are over: all but the last two, and none that ends after now."""
        if len(rows) > MOST_ROWS:  # the answer was cut
            return
        newest = max((row[asked.place] for row in rows), default=kept.over)
        over = min(newest - asked.width, int(time.time() * 1000) - asked.width, last)
        over = max(kept.over, over // asked.width * asked.width)
        for row in rows:
            if kept.over <= row[asked.place] < over:
                kept.rows.setdefault(row[asked.place], []).append(row)
        kept.over = over
