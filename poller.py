"""Reads the newest rows from TDengine, in a process of its own, for `perspective_server.py`.

taosws holds Python's global lock during every call, so a thread would not do: a database
that stalls would stall the server and every viewer with it.

The server writes a line to this program's standard input for each poll; the answer on standard
output is a line of JSON, then `arrow` bytes of Arrow IPC (the new rows, ascending), then `keys`
bytes (a line of JSON: which rows those were). The first line on standard input is what an
earlier poller has delivered, for a new one to go on from: {"watermark": ms, "keys": bytes}.
"""

import json
import sys

import pyarrow as pa
import taosws

import meters
import tdengine
from settings import options, parse, setting

setting("table_limit", 10_000, "rows kept in the Perspective table: the newest", least=1)
setting("overlap_ms", 2000, "how late a row may be written and still be seen, in milliseconds")
setting("poll_timeout_s", 4, "seconds that a poll may take before it counts as failed", least=1)

NOT_YET = {  # what TDengine answers while the producer has not made them yet
    0x0388: "the database does not exist yet: start producer.py",
    0x2603: "the super table does not exist yet: start producer.py",
}


def to_arrow(rows: list[tuple]) -> bytes:
    """Rows in SHOWN's order to one Arrow IPC stream, every batch in the one schema."""
    columns = zip(*rows) if rows else [[] for _ in meters.SHOWN]
    arrays = [pa.array(values, field.type) for values, field in zip(columns, meters.ARROW_SCHEMA)]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, meters.ARROW_SCHEMA) as writer:
        writer.write_batch(pa.record_batch(arrays, schema=meters.ARROW_SCHEMA))
    return sink.getvalue().to_pybytes()


class Poller:
    """Delivers each row, by its key (subtable, ts), once.

    Every poll reads again what is up to `overlap_ms` older than the newest row delivered (the
    watermark), since rows may be written late, and passes over what it has delivered before.
    It reads the newest `table_limit` rows at most: older ones have no place in the table.
    """

    def __init__(self, watermark: int | None = None, delivered: set[tuple[str, int]] = frozenset()):
        self.connection = None
        self.version = ""
        self.watermark = watermark
        self.delivered = delivered

    def poll(self) -> tuple[dict, list[tuple]]:
        """The state, as the server's /status shows it, and the new rows, ascending. Never raises for the database."""
        try:
            rows = self.query()
        except taosws.Error as error:
            self.connection = None  # taosws' own reconnecting gives up for good after a while; a new one does not
            waiting = NOT_YET.get(tdengine.error_code(error))
            return ({"waiting": waiting} if waiting else {"error": tdengine.one_line(error)}), []
        keys = {row[:2] for row in rows}
        new = [row for row in reversed(rows) if row[:2] not in self.delivered]
        gap = bool(self.watermark is not None and len(rows) == options.table_limit and rows[-1][1] > self.watermark)
        self.delivered = keys
        if rows:
            self.watermark = max(rows[0][1], self.watermark or 0)
        return {"version": self.version, "watermark": self.watermark, "gap": gap}, new

    def query(self) -> list[tuple]:
        """The rows from the overlap on, newest first: (subtable, ts, ...)."""
        if self.connection is None:
            connection = tdengine.connect(tdengine.database(), options.poll_timeout_s)
            self.version = tdengine.server_version(connection)
            self.connection = connection
        since = None if self.watermark is None else self.watermark - options.overlap_ms - 1
        return list(self.connection.query(meters.select_newest(options.table_limit, since)))


def main() -> None:
    parse(__doc__)
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    resume = json.loads(source.readline() or "{}")
    lines = source.read(resume.get("keys", 0)).splitlines()
    poller = Poller(resume.get("watermark"), {tuple(key) for line in lines for key in json.loads(line)})
    while source.readline():  # an empty read: the server is gone
        state, rows = poller.poll()
        arrow = to_arrow([row[1:] for row in rows]) if rows else b""
        keys = json.dumps([row[:2] for row in rows]).encode() + b"\n" if rows else b""
        state |= {"rows": len(rows), "arrow": len(arrow), "keys": len(keys)}
        sink.write(json.dumps(state).encode() + b"\n" + arrow + keys)
        sink.flush()


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, BrokenPipeError):
        pass  # the server ends this program by closing its input; Ctrl-C reaches both
