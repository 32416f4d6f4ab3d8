"""The process that forecasts: `python -m bridge.trend.process`, started by the server.

It reads a line of JSON for each trend, with `length` and `until` (see `Trends.trend`). It answers with a line of JSON,
which has `bytes` of an Arrow IPC stream that follows, or `refusal`, a sentence.
"""

import gc
import json
import statistics
import sys

import pyarrow as pa
import taosws

import meters
from bridge import tdengine
from bridge.kept_connection import KeptConnection
from bridge.settings import options, parse
from bridge.trend import questions
from bridge.trend.measure import measure
from bridge.trend.refusal import Refusal
from bridge.trend.windows import choose

INSTALL = "sh install.sh bridge/trend/requirements.txt"


def connect() -> taosws.Connection:
    """Raises meters.Mismatch where the database has other columns, or counts time in another unit."""
    connection = tdengine.connect(tdengine.database(), answer_s=options.trend_timeout_s)
    tdengine.check_table(connection)
    return connection


class Asker:
    """Asks the database, and computes."""

    def __init__(self) -> None:
        self.connection = KeptConnection(connect)

    def ask(self, sql: str) -> list[tuple]:
        """The rows. Raises Refusal, mostly in the database's words."""
        try:
            return self.connection.query(sql)
        except meters.Mismatch as mismatch:
            raise Refusal(str(mismatch)) from mismatch
        except taosws.Error as error:
            raise Refusal(tdengine.NOT_YET.get(tdengine.error_code(error)) or tdengine.one_line(error)) from error

    def trend(self, length: int, until: int | None) -> pa.Table:
        """The trend of a range of `length` ms, which ends at `until` (epoch ms) or now. Raises Refusal."""
        from bridge.trend.trend import trend  # which needs numpy
        from bridge.trend.ways import way
        what = measure()
        forecaster, origins = way(self.ask, what)
        spans = [span for span in self.ask(questions.spans(what, length, until)) if span[2]]
        if not spans:
            raise Refusal(f"No values of {what.column} were measured in this range.")
        firsts, lasts, _ = zip(*spans)
        spacing = statistics.median((last - first) // max(1, count - 1) for first, last, count in spans)
        cycle = options.cycle_s * 1000  # of the producer's rows: the variable CYCLE_S says it to both programs
        windows = choose(min(firsts), max(lasts), round(spacing), cycle)
        return trend(self.ask(questions.averages(what, windows)), windows, forecaster, origins)


def answer(asker: Asker, length: int, until: int | None) -> tuple[bytes, str]:
    """The trend as an Arrow IPC stream, or else why there is none."""
    try:
        table = asker.trend(length, until)
    except Refusal as refusal:
        return b"", str(refusal)
    except ModuleNotFoundError as missing:
        return b"", f"The package {missing.name} is missing: run {INSTALL}"
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes(), ""


def main() -> None:
    parse(__doc__, "database", "producer", "trend")
    gc.disable()  # it would look through all rows again and again; nothing here makes cycles
    source, sink, asker = sys.stdin.buffer, sys.stdout.buffer, Asker()
    while line := source.readline():  # an empty one: the server is gone
        stream, refusal = answer(asker, **json.loads(line))
        sink.write(json.dumps({"bytes": len(stream), "refusal": refusal}).encode() + b"\n" + stream)
        sink.flush()


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, BrokenPipeError):
        pass  # Ctrl-C reaches all processes
