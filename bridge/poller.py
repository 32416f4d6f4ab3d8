"""Finds out which rows are new: the algorithm alone. `questions.py` asks the database, `poller_process.py` runs it.

The poller is *disconnected*, *loading* or *following*, and keeps one promise: of the times in (floor, cursor], viewers
have exactly the rows that the database had when it was last read. Loading chooses the floor by counting, so that about
TABLE_LIMIT rows come after it, and puts the cursor there. Following reads what comes after the cursor, in slices of
whole milliseconds, never beyond the database's clock, and moves the cursor to the newest row. Rows may be written late:
with each poll the rows of (cursor - OVERLAP_MS, cursor] are counted in windows, and a window with another count than
before is read again. Every few seconds (floor, cursor] is compared with the database, a slice between two polls: where
rows were overwritten or deleted, or came later than the overlap, the poller loads anew. Where more rows wait than
TABLE_LIMIT, the floor and the cursor jump ahead. What the viewers' ring pushes out raises the floor.
"""

import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator

from bridge.delivery import Delivery
from bridge.known_rows import AFTER_ALL, BEFORE_ALL, KnownRows, Row, time_of
from bridge.load_start import find_start, narrow
from bridge.questions import NoAnswer, Questions
from bridge.slices import Slices

WINDOW_MS = 100  # late rows are mostly a little late: then a window or two are read again, not the whole overlap
CHECK_EVERY_MS = 3000
MOMENT_S = 0.1  # what a check may take between two polls: a third of the usual tick


class Poller:
    """Call `poll` at each tick, and `check` in between."""

    def __init__(self, questions: Questions, known: KnownRows, overlap_ms: int) -> None:
        self.questions, self.known, self.overlap_ms = questions, known, overlap_ms
        self.connected = False
        self.load_reason = "" if known.cursor > known.floor else "the poller has started"
        self.slices = Slices(questions)
        self.more = False  # whether the last poll left rows for the next
        self.loading = False  # whether the slices of a load are still coming
        self.seen_until = known.cursor  # the time of the newest row ever delivered
        self.late_rows = 0  # that a check has found, and no delivery has said yet
        self.checks = self.run_checks()
        self.future_rows = self.future_ms = 0

    def poll(self) -> tuple[Delivery, list[Row]]:
        """The next delivery, and its rows. It never raises for the database: the delivery says what is wrong."""
        try:
            if not self.connected:
                self.connect()
            now = self.questions.now()
            if self.known.cursor > now + self.overlap_ms:
                self.load_reason = "the database's clock was set back"
            late = [] if self.load_reason or self.more else self.find_late_rows()
            if self.load_reason:
                return self.load(now)
            return self.follow(now, late)
        except NoAnswer as failure:
            self.disconnect()
            return Delivery(waiting=failure.waiting, error="" if failure.waiting else str(failure)), []

    # ---- disconnected

    def connect(self) -> None:
        self.questions.connect()
        self.connected, self.checks = True, self.run_checks()

    def disconnect(self) -> None:
        """After a failure. The next slice is smaller: it may have been too much for the time that a question has."""
        self.connected = self.more = False
        self.slices.shrink(4)

    # ---- loading

    def load(self, now: int) -> tuple[Delivery, list[Row]]:
        """Delivers the first slice of the newest rows; `follow` delivers the rest."""
        self.questions.check_columns()  # the table may be another one
        start = find_start(self.questions, self.known, now)
        rows, cursor, more = self.slices.read(start, now)
        delivery = Delivery(anew=self.load_reason, start_over=start == BEFORE_ALL)
        if BEFORE_ALL < self.seen_until < start:  # rows that came meanwhile and have no place in the table
            delivery.new_rows = self.questions.count(self.seen_until, start)
        if delivery.start_over:
            self.known.clear()
        self.known.start_after(start)
        self.load_reason, self.loading = "", True
        return self.deliver(delivery, [], rows, cursor, more)

    # ---- following

    def follow(self, now: int, late: list[Row]) -> tuple[Delivery, list[Row]]:
        """Delivers late rows and the slice after the cursor; of a long backlog only what has a place in the table."""
        delivery, known = Delivery(), self.known
        rows, cursor, more = self.slices.read(known.cursor, now)
        waiting = self.questions.count(known.cursor, now) if more else len(rows)
        if (extra := waiting - known.limit) > 0:  # so many rows, the oldest, have no place in the table
            delivery.over_limit = not self.loading  # while it loads, rows of before are left out on purpose
            if extra < len(rows):  # no more questions: with each of them a database far away would fall behind
                start = rows[extra][0] - 1
            elif (start := narrow(self.questions, known.limit, cursor, now, now, waiting - len(rows))) > cursor:
                delivery.new_rows = self.questions.count(max(cursor, self.seen_until), start)
            delivery.new_rows += sum(self.seen_until < time <= start for time, *_ in rows)
            if not (rows := [row for row in rows if time_of(row) > start]):
                rows, cursor, more = self.slices.read(start, now)
            known.leave_out(start)
        return self.deliver(delivery, late, rows, cursor, more)

    def find_late_rows(self) -> list[Row]:
        """The rows of the overlap that are not known yet. Where a known one is gone, the poller loads anew."""
        known, until = self.known, self.known.cursor
        after = max(known.floor, until - self.overlap_ms - 1)
        if after >= until:
            return []
        ours, theirs = (some.counts(after, until, WINDOW_MS) for some in (known, self.questions))
        windows = [start for start in ours.keys() | theirs.keys() if ours.get(start, 0) != theirs.get(start, 0)]
        if not windows:
            return []
        after, until = max(after, min(windows) - 1), min(until, max(windows) + WINDOW_MS - 1)
        rows, at, more = [], after, True
        while more:
            part, at, more = self.slices.read(at, until)
            rows += part
        return self.compare(rows, known.between(after, until))

    def deliver(self, delivery: Delivery, late: list[Row], rows: list[Row], cursor: int,
                more: bool) -> tuple[Delivery, list[Row]]:
        """Fills the delivery in, and keeps its rows as known."""
        known = self.known
        known.add(late + rows)
        if more:
            known.cursor = max(known.cursor, cursor)
        unseen = len(rows) - bisect_right(rows, self.seen_until, key=time_of)
        self.seen_until = max(self.seen_until, known.cursor)
        delivery.rows = len(late) + len(rows)
        delivery.new_rows += len(late) + unseen + self.late_rows
        delivery.late_rows, self.late_rows = self.late_rows, 0
        delivery.more = self.more = more
        self.loading = self.loading and more
        delivery.floor, delivery.cursor = known.floor, known.cursor
        delivery.newest = known.cursor if known.count else None
        delivery.future_rows, delivery.future_ms = self.future_rows, self.future_ms
        delivery.version = self.questions.version
        return delivery, late + rows

    # ---- between two polls

    def check(self) -> None:
        """Goes on with a check, where it is time to, by one question or for a moment: a poll should not wait for it."""
        until = time.monotonic() + MOMENT_S
        try:
            while self.connected and not self.load_reason and not self.more:
                if not next(self.checks) or time.monotonic() > until:
                    return
        except NoAnswer:
            self.disconnect()  # the next poll finds it again, and says so

    def run_checks(self) -> Iterator[bool]:
        """One check after the other, with a stop after each question: whether there is another at once."""
        known, cursor_then = self.known, None
        while True:
            started, clock = self.questions.now(), time.monotonic()
            self.questions.check_columns()
            yield True
            newest = self.questions.newest(started)
            self.future_rows = self.questions.count(started, AFTER_ALL) if newest else 0
            self.future_ms = newest - started if newest else 0
            yield True
            at = known.floor
            while (at := max(at, known.floor)) < known.cursor:
                rows, end, _ = self.slices.read(at, known.cursor)
                self.look_for_changes(rows, known.between(at, end))
                at = end
                yield True
            if known.cursor == cursor_then and known.out_of_order:
                self.load_reason = "late rows had pushed newer ones out"
            cursor_then = known.cursor
            took_ms = 1000 * (time.monotonic() - clock)
            pause = max(CHECK_EVERY_MS, 3 * took_ms)  # a database that is slow has other work, too
            while 0 <= self.questions.now() - started < pause:
                yield False

    def look_for_changes(self, rows: list[Row], known: list[Row]) -> None:
        """Compares a stretch of the database with what was delivered. The poller loads anew where they differ."""
        new = self.compare(rows, known)
        late = sum(row[0] < self.known.cursor - self.overlap_ms for row in new)
        if late and not self.load_reason:  # others are left for the next poll
            self.late_rows += late
            self.load_reason = "rows came later than OVERLAP_MS"

    def compare(self, rows: list[Row], known: list[Row]) -> list[Row]:
        """The rows that are not known. Where a known row is not among them, the poller loads anew."""
        spare = Counter(known)
        spare.subtract(rows)
        if any(count > 0 for count in spare.values()):
            self.load_reason = "rows were overwritten or deleted in the database"
        new = []
        for row in rows if len(known) != len(rows) or self.load_reason else ():
            if spare[row] < 0:
                spare[row] += 1
                new.append(row)
        return new
