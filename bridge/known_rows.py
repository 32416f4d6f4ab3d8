"""The rows that the poller has delivered, as the viewers' table has them: a ring of the last `limit` rows."""

from collections import Counter, deque
from itertools import groupby
from operator import itemgetter

BEFORE_ALL, AFTER_ALL = -2**62, 2**62  # times before and after all rows, in epoch ms
time_of = itemgetter(0)
Row = tuple  # in the order of `meters.SHOWN`; the first value is the time in epoch ms


class KnownRows:
    """Rows in the order of delivery, grouped by millisecond.

    Of the times in (`floor`, `cursor`] these are all the rows that the database had when it was last read. What the
    ring pushes out raises the floor. A millisecond leaves as a whole: its rows stay known while viewers have one of
    them.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.groups: deque[tuple[int, list[Row]]] = deque()  # (time, rows)
        self.count = 0  # the rows of all groups
        self.floor = self.cursor = BEFORE_ALL

    def add(self, rows: list[Row]) -> None:
        """Takes rows as they are delivered."""
        for time, group in groupby(rows, time_of):
            self.groups.append((time, group := list(group)))
            self.count += len(group)
            self.cursor = max(self.cursor, time)
        while self.groups and self.count - len(self.groups[0][1]) >= self.limit:
            time, group = self.groups.popleft()
            self.count -= len(group)
            self.floor = max(self.floor, time)

    def restore(self, rows: list[Row], floor: int, cursor: int) -> None:
        """Takes what an earlier poller has delivered and viewers still have."""
        self.add(rows)
        self.floor, self.cursor = floor, cursor
        if self.count >= self.limit:  # of the oldest millisecond some rows may be missing: none is known for sure
            self.floor = cursor

    def clear(self) -> None:
        """Viewers begin with an empty table."""
        self.groups.clear()
        self.count = 0

    def start_after(self, time: int) -> None:
        """From here on only what comes after `time` counts. Viewers keep older rows until new ones push them out."""
        self.groups = deque((BEFORE_ALL, group) for _, group in self.groups)
        self.floor = self.cursor = time

    def leave_out(self, time: int) -> None:
        """Rows up to `time` that were not delivered yet are not: so many come after them that they have no place."""
        if time > self.cursor:
            self.floor = self.cursor = time

    def between(self, after: int, until: int) -> list[Row]:
        """The rows of (after, until]."""
        return [row for time, group in self.groups if after < time <= until for row in group]

    def counts(self, after: int, until: int, width: int) -> dict[int, int]:
        """How many rows (after, until] has in each window of `width` ms that has any, by the start of the window."""
        counts = Counter()
        for time, group in self.groups:
            if after < time <= until:
                counts[time - time % width] += len(group)
        return counts

    @property
    def out_of_order(self) -> bool:
        """Whether viewers may have an old row in place of a newer one: late rows leave the ring after newer ones."""
        edge = self.groups[0][0] if self.count > self.limit else BEFORE_ALL  # the time of a row that was pushed out
        return any(time <= self.floor or time < edge for time, _ in self.groups)
