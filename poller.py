"""Reads the newest rows from TDengine, in a process of its own, for `perspective_server.py`.

taosws holds Python's global lock during every call, so a thread would not do: a database
that stalls would stall the server and every viewer with it.

The server writes a line to this program's standard input for each poll; the answer on standard
output is a line of JSON, then `bytes` bytes of Arrow IPC: the new rows, ascending. The first line
on standard input says what earlier pollers have delivered: how long each Arrow IPC stream is that follows.
"""

import json
import sys
import time
from collections import Counter, deque
from operator import itemgetter

import pyarrow as pa
import taosws

import meters
import tdengine
from settings import options, parse, setting

setting("table_limit", 10_000, "rows kept in the Perspective table: the newest", least=1)
setting("overlap_ms", 2000, "how late a row may be written and still be seen at once, in milliseconds")

NOT_YET = {  # what TDengine answers while the producer has not made them yet
    0x0388: "the database does not exist yet: start producer.py",
    0x2603: "the super table does not exist yet: start producer.py",
}
COMPARE_ROWS = 10_000  # how many of the newest rows are compared with the database now and then
COMPARE_EVERY_S = 3
COMPARE_RARELY_S = 60  # where each comparison finds changes, in a table that is not full
TIME = itemgetter(0)
LATE_MS, LATE_ROWS = 600_000, 500_000  # late rows are looked for in the last ten minutes, or so many rows


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


class Late:
    """Counts rows that came later than the overlap: by counting the same stretch of time a second time."""

    def __init__(self):
        self.counted = None  # (after, until, rows) of the last time
        self.span = LATE_MS // 10

    def count(self, connection: taosws.Connection, until: int) -> int:
        """How many rows of the stretch that was counted last time have come since; then counts the one that ends at `until`."""
        def rows(after: int, until: int) -> int:
            (count,), = connection.query(meters.count_rows(after, until))
            return count

        late = 0
        if self.counted:
            *stretch, before = self.counted
            late = max(rows(*stretch) - before, 0)
        stretch = until - self.span, until
        count = rows(*stretch)
        self.counted = *stretch, count
        self.span = min(LATE_MS, self.span * LATE_ROWS // max(count, 1) + 1)
        return late


class Poller:
    """Delivers each row once, and finds out where rows that it delivered have changed since.

    Every poll reads again what is up to `overlap_ms` older than the newest row delivered, since rows may be written
    late. Now and then it compares the newest rows with those delivered: where some were overwritten or deleted,
    or came later than the overlap, it delivers the newest `table_limit` rows anew, as a `whole`.
    """

    def __init__(self, delivered: list[tuple] = ()):
        self.connection = None
        self.version = ""
        self.late = Late()
        self.pause, self.compare_at = COMPARE_EVERY_S / 4, 0.0
        self.forget()
        self.remember(delivered)

    def forget(self) -> None:
        self.delivered = deque(maxlen=options.table_limit)  # what the table holds, in its order
        self.recent = []  # of these, the rows of the overlap
        self.newest = self.since = None  # times in epoch ms; the overlap begins after `since`

    def remember(self, rows: list[tuple]) -> None:
        if not rows:
            return
        self.delivered.extend(rows)
        recent = sorted((*self.recent, *rows), key=TIME)[-COMPARE_ROWS:]
        self.newest = recent[-1][0]
        self.since = self.newest - options.overlap_ms - 1
        if len(recent) == COMPARE_ROWS:  # so many rows that a shorter overlap has to do
            self.since = max(self.since, recent[0][0])
        self.recent = [row for row in recent if row[0] > self.since]

    def poll(self) -> tuple[dict, bytes]:
        """The state, as the server's /status shows it, and the new rows as Arrow. Never raises for the database."""
        try:
            self.connect()
            state, rows = self.compare() if time.monotonic() >= self.compare_at else self.read_on()
            arrow = meters.to_arrow(rows) if rows else b""
        except (taosws.Error, meters.Mismatch, pa.ArrowException) as error:
            self.connection = None  # taosws' own reconnecting gives up for good after a while; a new one does not
            self.compare_at = 0.0
            waiting = NOT_YET.get(tdengine.error_code(error))
            return ({"waiting": waiting} if waiting else {"error": tdengine.one_line(error)}), b""
        if state.get("whole"):
            self.forget()
        self.remember(rows)
        return {"version": self.version, "newest": self.newest, "rows": len(rows)} | state, arrow

    def connect(self) -> None:
        if self.connection is None:
            connection = tdengine.connect(tdengine.database())
            self.version = tdengine.server_version(connection)
            tdengine.check_super_table(connection)
            self.connection = connection

    def query(self, limit: int, since: int | None = None) -> list[tuple]:
        """The newest rows, ascending."""
        return list(self.connection.query(meters.select_newest(limit, since)))[::-1]

    def read_on(self) -> tuple[dict, list[tuple]]:
        """The rows that are new since the last poll, and whether there were more than have a place in the table."""
        rows = self.query(options.table_limit, self.since)
        gap = bool(self.recent) and len(rows) == options.table_limit and rows[0][0] > self.newest
        return {"gap": gap}, difference(rows, self.recent)

    def compare(self) -> tuple[dict, list[tuple]]:
        """As `read_on`, or the whole; and how many rows were later than the overlap."""
        started = time.monotonic()
        state, rows = self.changes()
        if self.since is not None:
            state["late"] = self.late.count(self.connection, self.newest - options.overlap_ms - 1)
        new_table = state.get("whole") and len(rows) < options.table_limit  # which makes viewers connect again
        self.pause = min(2 * self.pause, COMPARE_RARELY_S) if new_table else COMPARE_EVERY_S / 4
        ended = time.monotonic()
        self.compare_at = ended + max(COMPARE_EVERY_S, self.pause, 20 * (ended - started))
        return state, rows

    def changes(self) -> tuple[dict, list[tuple]]:
        if not self.delivered:
            return {}, self.query(options.table_limit)
        limit = min(options.table_limit, COMPARE_ROWS)
        rows = self.query(limit)
        cut = rows[0][0] if len(rows) == limit else -1  # of this millisecond some rows may have found no place
        rows, delivered = ([row for row in some if row[0] > cut] for some in (rows, self.delivered))
        new, gone = difference(rows, delivered), difference(delivered, rows)
        if len(gone) < len(delivered):  # the oldest may go: TDengine keeps rows for a time only
            gone = [row for row in gone if row[0] >= rows[0][0]]
        if gone or any(row[0] <= self.newest - options.overlap_ms - 1 for row in new):
            return {"whole": True}, self.query(options.table_limit)
        return {"gap": cut > self.newest}, new


def main() -> None:
    parse(__doc__)
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    streams = [source.read(length) for length in json.loads(source.readline() or "[]")]
    poller = Poller([row for stream in streams for row in meters.from_arrow(stream)])
    while source.readline():  # an empty read: the server is gone
        state, arrow = poller.poll()
        sink.write(json.dumps({"rows": 0, "bytes": len(arrow)} | state).encode() + b"\n" + arrow)
        sink.flush()


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, BrokenPipeError):
        pass  # the server ends this program by closing its input; Ctrl-C reaches both
