"""Writes random meter rows into TDengine by parameter binding, at a steady pace.

Every tick of INTERVAL_MS brings ROWS_PER_INTERVAL rows, shared among the meters. A row's key is
(subtable, ts), so the rows of one meter get milliseconds of their own: what is sent is what is stored.
The pace counts from the start, so it never drifts: ticks that are late, because the database was
slow or away, are written with the next ones, oldest first. Those of the last KEEP_S seconds are kept
(as numbers: their rows are random, so they are made when they are written), older ones are dropped and counted.
"""

import asyncio
import signal
import sys
import time
from random import choices, random

import taosws

import meters
from bridge import tdengine
from bridge.settings import options, parse

LOCATIONS = ("San Francisco", "San Jose", "Oakland", "Palo Alto", "Mountain View",
             "Sunnyvale", "Santa Clara", "Cupertino", "Campbell", "Berkeley")
TICKS_PER_WRITE, ROWS_PER_WRITE = 10, 100_000  # late ticks go together: more would take longer than the time limit
SUBTABLES_PER_EXECUTE = 20_000  # to make more of them at once takes longer than the time limit, too
STATUS_EVERY_S = 1


def tags(meter: int) -> dict:
    """The tags of a meter, by their name in COLUMNS."""
    return {"groupid": meter % 4 + 1, "location": LOCATIONS[meter % len(LOCATIONS)]}


def random_rows(timestamps: list[int]) -> dict[str, list]:
    """One meter's rows as columns by their name in COLUMNS; `ts` in epoch milliseconds."""
    return {
        "ts": timestamps,
        "current": [5 + 10 * random() for _ in timestamps],  # ampere
        "voltage": choices(range(215, 226), k=len(timestamps)),  # volt
        "phase": [random() for _ in timestamps],  # radian
    }


def spread(count: int, after: int, until: int) -> list[int]:
    """`count` ascending whole milliseconds in (after, until]; beyond it where there is too little room."""
    span = max(until - after, count)
    return [after + span * (i + 1) // count for i in range(count)]


def bind(meter: int, rows: dict[str, list]) -> taosws.PyStmt2BindParam:
    """One meter's part of a tick: its subtable's name, its tags and its rows, as columns by their name."""
    def view(kind: str, column: meters.Column, value: object) -> object:
        return getattr(taosws, f"{getattr(column.type, f'bind_{kind}')}_to_{kind}")(value)

    values = tags(meter)
    return taosws.stmt2_bind_param_view(
        f"d_bind_{meter}" if meters.TAGS else meters.SUPER_TABLE,
        [view("tag", column, values[column.name]) for column in meters.TAGS],
        [view("column", column, rows[column.name]) for column in meters.DATA])


class Writer:
    """Writes ticks; after a failure it connects anew at the next write."""

    def __init__(self) -> None:
        self.statement: taosws.TaosStmt2 | None = None
        self.rows = self.dropped = self.errors = 0
        self.cut_off = False  # whether the last write failed: TDengine may have stored it, or a part of it
        self.at_least = ""  # "at least" where rows that were given up may be stored

    def connect(self) -> None:
        """Makes database and super table where they are absent, and prepares the one statement.

        Raises taosws.Error, and meters.Mismatch where there is a table of other columns.
        """
        tdengine.connect().execute(meters.create_database(tdengine.database()))
        connection = tdengine.connect(tdengine.database())
        connection.execute(meters.create_super_table())
        tdengine.check_table(connection, exactly=True)
        self.statement = connection.stmt2_statement()
        self.statement.prepare(meters.insert_rows())

    def give_up(self) -> None:
        """The batch in hand is not tried again."""
        if self.cut_off:
            self.at_least, self.cut_off = "at least ", False

    def write(self, batch: list[taosws.PyStmt2BindParam]) -> str:
        """Writes the rows of all subtables. It is safe to repeat, since the keys are the same.

        Returns the error in one line, "" where there is none.
        """
        try:
            if self.statement is None:
                self.connect()
            rows = 0
            for at in range(0, len(batch), SUBTABLES_PER_EXECUTE):
                self.statement.bind(batch[at:at + SUBTABLES_PER_EXECUTE])
                rows += self.statement.execute()
            self.rows += rows
            self.cut_off = False
            return ""
        except (taosws.Error, meters.Mismatch) as error:
            if tdengine.error_code(error) == tdengine.AUTHENTICATION_FAILURE:
                sys.exit(f"{tdengine.masked_dsn()}: {tdengine.one_line(error)}; "
                         "give user and password in --tdengine-dsn")
            self.cut_off = self.cut_off or self.statement is not None
            self.statement = None  # after a failure it is of no use any more
            self.errors += 1
            return tdengine.one_line(error)


class StatusLine:
    """One line, rewritten every second on a terminal; elsewhere a line every ten seconds."""

    def __init__(self) -> None:
        self.terminal = sys.stdout.isatty()
        self.every = STATUS_EVERY_S if self.terminal else 10 * STATUS_EVERY_S
        self.then, self.rows, self.error = time.monotonic(), 0, ""

    def show(self, writer: Writer, error: str) -> None:
        elapsed = time.monotonic() - self.then
        if elapsed < self.every and error == self.error:
            return
        rate = (writer.rows - self.rows) / max(elapsed, 1e-3)
        text = f"{writer.rows} rows, {rate:.0f} rows/s, {writer.errors} errors" + "".join(
            f"; {more}" for more in (dropped(writer), error) if more)
        print(f"\r\x1b[K{text}" if self.terminal else text, end="" if self.terminal else "\n", flush=True)
        self.then, self.rows, self.error = time.monotonic(), writer.rows, error


async def sleep(stop: asyncio.Event, seconds: float) -> None:
    """Sleeps, or until told to stop."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass


def dropped(writer: Writer) -> str:
    most = "up to " if writer.at_least else ""
    return f"dropped {most}{writer.dropped} rows older than {options.keep_s} s (KEEP_S)" if writer.dropped else ""


async def produce(writer: Writer, stop: asyncio.Event) -> None:
    interval, status = options.interval_ms, StatusLine()
    shares = [len(range(m, options.rows_per_interval, options.meters)) for m in range(options.meters)]
    start, last, last_tick = time.monotonic(), time.time_ns() // 10**6, options.count or sys.maxsize
    done = 0  # ticks that are written, or dropped
    ticks = 0  # that the batch in hand has; after a failure the same batch is tried again
    error = ""
    while not stop.is_set() and done < last_tick:
        elapsed = int((time.monotonic() - start) * 1000 / interval)
        if (too_old := min(elapsed - options.keep_s * 1000 // interval, last_tick) - done) > 0:
            writer.give_up()
            writer.dropped += too_old * options.rows_per_interval
            done, ticks = done + too_old, 0
            continue
        due = min(elapsed, last_tick) - done
        if due < 1:
            await sleep(stop, start + (done + 1) * interval / 1000 - time.monotonic())
            continue
        if not ticks:
            ticks = min(due, TICKS_PER_WRITE, max(1, ROWS_PER_WRITE // options.rows_per_interval))
            until = time.time_ns() // 10**6 - (due - ticks) * interval
            last = max(last, until - ticks * interval)
            batch = {m: spread(share * ticks, last, until) for m, share in enumerate(shares) if share}
            bound = [bind(m, random_rows(timestamps)) for m, timestamps in batch.items()]
        error = writer.write(bound)
        status.show(writer, error)
        await sleep(stop, 0.5 if error else 0)  # also where the next tick is late already: signals come in here
        if not error:
            done, ticks, last = done + ticks, 0, max(timestamps[-1] for timestamps in batch.values())
    if error:
        owed = min(int((time.monotonic() - start) * 1000 / interval), last_tick) - done
        writer.give_up()
        most = "up to " if writer.at_least else ""
        raise SystemExit(f"stopped with {most}{owed * options.rows_per_interval} rows not written: {error}")


async def main() -> None:
    parse(__doc__, "database", "pace", "producer")
    if options.rows_per_interval > options.meters * options.interval_ms:
        sys.exit(f"{options.meters} meters have {options.meters * options.interval_ms} distinct milliseconds in "
                 f"{options.interval_ms} ms, too few for {options.rows_per_interval} rows: raise --meters")
    if options.meters > 1 and not meters.TAGS:
        sys.exit(f"{meters.SUPER_TABLE} has no tags, so it is one table, with one row for a time: set --meters=1")
    if warning := tdengine.warning():
        print(warning, file=sys.stderr)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    writer = Writer()
    try:
        await produce(writer, stop)
    finally:
        written = f"{writer.at_least}{writer.rows} rows written"
        print("\n" + "; ".join(filter(None, (written, dropped(writer)))), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
