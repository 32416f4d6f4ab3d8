"""Reads the newest rows from TDengine, in a process of its own, for `perspective_server.py`.

taosws holds Python's global lock during every call, so a thread would not do: a database
that stalls would stall the server and every viewer with it.

The server writes a line to this program's standard input for each poll; the answer on standard
output is a line of JSON, then the new rows, ascending (`more` where there are still more), as Arrow IPC streams:
`streams` says the rows and the bytes of each. The first line on standard input says what earlier pollers have delivered: how long each
Arrow IPC stream is that follows.
"""

import gc
import json
import sys
import time
from bisect import bisect_right
from collections import Counter, deque
from operator import itemgetter

import pyarrow as pa
import taosws

import meters
from bridge import tdengine
from bridge.settings import options, parse

NOT_YET = {  # what TDengine answers while the producer has not made them yet
    0x0388: "the database does not exist yet: start producer.py",
    0x2603: "the super table does not exist yet: start producer.py",
}
SLICE_ROWS = 10_000  # how many rows one poll delivers at most: a backlog comes in slices
STREAM_ROWS = 2500  # of one Arrow stream: with more at once Perspective takes longer for each
COMPARE_ROWS = 10_000  # how many of the newest rows are compared with the database now and then
COMPARE_EVERY_S = 3
LATE_MS, LATE_ROWS = 600_000, 500_000  # late rows are looked for in the last ten minutes, or so many rows
EVER = -2**62  # before all times
time_of = itemgetter(0)


def difference(rows: list[tuple], others: list[tuple]) -> list[tuple]:
    """The rows that are not among the others, in their order; rows that are alike count one by one."""
    spare = Counter(others)
    left = []
    for row in rows:
        if spare[row] > 0:
            spare[row] -= 1
        else:
            left.append(row)
    return left


def count_rows(connection: taosws.Connection, after: int, until: int) -> int:
    """How many rows the database has of a stretch of time, its end included (epoch ms)."""
    (count,), = connection.query(meters.count_rows(after, until))
    return count


class Late:
    """Counts rows that came later than the overlap: by counting the same stretch of time a second time."""

    def __init__(self):
        self.counted = None  # (after, until, rows) of the last time
        self.span = LATE_MS // 10

    def count(self, connection: taosws.Connection, until: int) -> int:
        """How many rows of the stretch that was counted last time have come since; then counts the one that ends at `until`."""
        late = 0
        if self.counted:
            *stretch, before = self.counted
            late = max(count_rows(connection, *stretch) - before, 0)
        stretch = until - self.span, until
        count = count_rows(connection, *stretch)
        self.counted = *stretch, count
        self.span = min(LATE_MS, self.span * LATE_ROWS // max(count, 1) + 1)
        return late


class Poller:
    """Delivers each row once, and finds out where rows that it delivered have changed since.

    Rows may be written late: every poll counts those that are up to `overlap_ms` older than the newest row delivered,
    and where there are more than before it reads them again. Now and then it compares the newest rows with those delivered:
    where some were overwritten or deleted, or came later than the overlap, it delivers the newest `table_limit` rows anew, as a `whole`.
    """

    def __init__(self, delivered: list[tuple] = ()):
        self.start_again()
        self.version = ""
        self.late = Late()
        self.most_compared = min(options.table_limit, COMPARE_ROWS)
        self.forget()
        self.remember(delivered)

    def forget(self) -> None:
        self.delivered = deque(maxlen=options.table_limit)  # what the table holds, in its order
        self.recent = []  # of these, the rows of the overlap
        self.newest = self.since = EVER  # times in epoch ms; the overlap begins after `since`
        self.more = False  # whether the last poll left rows for the next

    def remember(self, rows: list[tuple]) -> None:
        if not rows:
            return
        self.delivered.extend(rows)
        most = self.most_compared
        recent = sorted((*self.recent, *rows[-most:]), key=time_of)[-most:]
        self.newest = recent[-1][0]
        self.since = self.newest - options.overlap_ms - 1
        if len(recent) == most:  # so many rows that a shorter overlap has to do
            self.since = max(self.since, recent[0][0])
        self.recent = [row for row in recent if row[0] > self.since]

    def poll(self) -> tuple[dict, list[tuple[int, bytes]]]:
        """The state, as the server's /status shows it, and the new rows as (rows, Arrow). Never raises for the database."""
        try:
            self.connect()
            if time.monotonic() > self.compare_at + 1 and not self.more:  # else it is done between polls
                self.found = self.compare()
            state, self.found = self.found, {}
            rows = self.read_whole(state) if state.get("whole") or not self.delivered else self.read_on(state)
            parts = [rows[at:at + STREAM_ROWS] for at in range(0, len(rows), STREAM_ROWS)]
            streams = [(len(part), meters.to_arrow(part)) for part in parts]
        except (taosws.Error, meters.Mismatch, pa.ArrowException) as error:
            self.start_again()
            waiting = NOT_YET.get(tdengine.error_code(error))
            return ({"waiting": waiting} if waiting else {"error": tdengine.one_line(error)}), []
        if state.get("whole"):
            self.forget()
        self.remember(rows)
        self.more = state["more"]
        return state | {"version": self.version, "newest": self.newest if self.recent else None, "rows": len(rows)}, streams

    def look_back(self) -> None:
        """Compares, where it is time to. An error is found again by the next poll, and told."""
        if time.monotonic() > self.compare_at and self.connection:
            try:
                self.found = self.compare()
            except (taosws.Error, meters.Mismatch):
                self.start_again()

    def start_again(self) -> None:
        self.connection = None  # taosws' own reconnecting gives up for good after a while; a new one does not
        self.compare_at = 0.0
        self.found = {}

    def connect(self) -> None:
        if self.connection is None:
            connection = tdengine.connect(tdengine.database())
            self.version = tdengine.server_version(connection)
            self.connection = connection

    def query(self, sql: str) -> list[tuple]:
        return list(self.connection.query(sql))

    def read_whole(self, state: dict) -> list[tuple]:
        """The first slice of the newest `table_limit` rows; without so many, viewers cannot do with the table that they have."""
        oldest = self.query(meters.select_time(options.table_limit - 1))
        state["start_over"] = not oldest
        return self.read_slice(oldest[0][0] - 1 if oldest else EVER, state)

    def read_slice(self, since: int, state: dict) -> list[tuple]:
        rows = self.query(meters.select_after(since, SLICE_ROWS))
        state["more"] = len(rows) == SLICE_ROWS
        return rows

    def read_on(self, state: dict) -> list[tuple]:
        """The rows that are new since the last poll; of a backlog only what has a place in the table."""
        late = not self.more and count_rows(self.connection, self.since, self.newest) != len(self.recent)
        since = self.since if late else self.newest - 1
        rows = self.read_slice(since, state)
        if state["more"] and not self.more:
            oldest = self.query(meters.select_time(options.table_limit - 1))
            if oldest and oldest[0][0] > self.newest:
                state["gap"] = True
                rows = self.read_slice(oldest[0][0] - 1, state)
        known = bisect_right(rows, self.newest, key=time_of)
        return difference(rows[:known], self.recent[bisect_right(self.recent, since, key=time_of):]) + rows[known:]

    def compare(self) -> dict:
        """Whether rows that have been delivered are to be delivered anew, and how many rows were later than the overlap."""
        tdengine.check_super_table(self.connection)
        state = {"whole": self.changed(), "late": self.late.count(self.connection, self.since) if self.recent else 0}
        self.compare_at = time.monotonic() + COMPARE_EVERY_S
        return state

    def changed(self) -> bool:
        """Whether the database's newest rows, the overlap apart, are others than those delivered."""
        rows = self.query(meters.select_newest(self.most_compared))[::-1]
        cut = rows[0][0] if len(rows) == self.most_compared else EVER  # of this millisecond some rows may have found no place
        rows, delivered = ([row for row in some if row[0] > cut] for some in (rows, self.delivered))
        gone = difference(delivered, rows)
        if len(gone) < len(delivered):  # the oldest may go: TDengine keeps rows for a time only
            gone = [row for row in gone if row[0] >= rows[0][0]]
        return bool(gone) or bool(difference([row for row in rows if row[0] <= self.since], delivered))


def main() -> None:
    parse(__doc__, "database", "poller")
    gc.disable()  # it would look through all rows again and again, a quarter of the time; nothing here makes cycles
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    streams = [source.read(length) for length in json.loads(source.readline() or "[]")]
    poller = Poller([row for stream in streams for row in meters.from_arrow(stream)])
    ahead = None
    while source.readline():  # an empty read: the server is gone
        state, streams = ahead or poller.poll()
        lengths = [(rows, len(arrow)) for rows, arrow in streams]
        sink.write(json.dumps({"rows": 0, "streams": lengths} | state).encode() + b"\n" + b"".join(arrow for _, arrow in streams))
        sink.flush()
        ahead = poller.poll() if poller.more else poller.look_back()  # while the server is at work


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, BrokenPipeError):
        pass  # the server ends this program by closing its input; Ctrl-C reaches both
