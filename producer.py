"""Writes random meter rows into TDengine by parameter binding, at a steady pace.

Every tick of INTERVAL_MS brings ROWS_PER_INTERVAL rows, shared among the meters. A row's key is
(subtable, ts), so the rows of one meter get milliseconds of their own: what is sent is what is stored.
The pace counts from the start, so it never drifts: ticks that are late, because the database was
slow or away, are written with the next ones, oldest first. Those of the last KEEP_S seconds are kept,
older ones are dropped and counted. `--backfill=7d` writes rows of the past, too, whenever no tick is due.
"""

import asyncio
import signal
import sys
import time
from collections.abc import Sequence

import numpy as np
import taosws

import meters
from bridge import tdengine
from bridge.settings import milliseconds, options, parse
from bridge.status_line import StatusLine, out, progress
from bridge.writer import Writer, bind
from simulation import random_rows, tags

TICKS_PER_WRITE, ROWS_PER_WRITE = 10, 100_000  # late ticks go together: more would take longer than the time limit
ROWS_PER_BACKFILL = 30_000  # the next tick has to wait for them
SET_BACK_MS = 1000  # a clock that is set back by less than that is not worth a word


def spread(count: int, after: int, until: int) -> np.ndarray:
    """`count` ascending whole milliseconds in (after, until]; beyond it where there is too little room."""
    return after + max(until - after, count) * np.arange(1, count + 1) // count


def bind_random(times: dict[int, Sequence[int]]) -> list[taosws.PyStmt2BindParam]:
    """Random rows of several meters: `times` has each meter's ascending times, in epoch ms."""
    counts = [len(some) for some in times.values()]
    columns = random_rows(np.repeat(list(times), counts), np.concatenate(list(times.values())))
    # taosws takes arrays, too, but lists are faster, the conversion included.
    columns = {name: values.tolist() if isinstance(values, np.ndarray) else values for name, values in columns.items()}
    ends = np.cumsum(counts).tolist()
    return [bind(f"d_bind_{meter}" if meters.TAGS else meters.SUPER_TABLE, tags(meter),
                 {name: values[end - count:end] for name, values in columns.items()})
            for meter, count, end in zip(times, counts, ends)]


class Past:
    """The rows of `--backfill`: one of each meter at each whole BACKFILL_EVERY_S before `until`, newest first.

    So the newest rows, which viewers keep, are complete at once, and older ones do not come late for them.
    """

    def __init__(self, until: int) -> None:
        """`until`, in epoch ms, is where the live rows begin."""
        every, first = 1000 * options.backfill_every_s, until - milliseconds(options.backfill)
        self.times = range(-(-first // every) * every, until, every)
        self.done, self.started = 0, time.monotonic()  # of `times`

    @property
    def rows(self) -> int:
        return len(self.times) * options.meters

    @property
    def left(self) -> int:
        """How many of the rows are not written yet."""
        return self.rows - self.done * options.meters

    def progress(self) -> str:
        return progress("backfill", self.done, len(self.times), time.monotonic() - self.started)

    def write(self, writer: Writer) -> str:
        """Writes the next rows. Returns the error in one line, "" where there is none."""
        end = len(self.times) - self.done
        part = self.times[max(0, end - max(1, ROWS_PER_BACKFILL // options.meters)):end]
        times = np.arange(part.start, part.stop, part.step)
        error = writer.write(bind_random(dict.fromkeys(range(options.meters), times)))
        if tdengine.error_code(error) == tdengine.TIME_OUT_OF_RANGE:
            raise SystemExit(f"--backfill={options.backfill} goes back too far: {error}")
        if not error:
            self.done += len(part)
        return error


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
    past = Past(last)
    done = 0  # ticks that are written, or dropped
    ticks = 0  # that the batch in hand has; after a failure the same batch is tried again
    set_back = 0  # by how much the clock was, in milliseconds
    error = ""
    while not stop.is_set() and (done < last_tick or past.left):
        elapsed = int((time.monotonic() - start) * 1000 / interval)
        if (too_old := min(elapsed - options.keep_s * 1000 // interval, last_tick) - done) > 0:
            writer.give_up()
            writer.dropped += too_old * options.rows_per_interval
            done, ticks = done + too_old, 0
            continue
        due = min(elapsed, last_tick) - done
        if due < 1 and not past.left:
            await sleep(stop, start + (done + 1) * interval / 1000 - time.monotonic())
            continue
        if due < 1:
            if not (error := past.write(writer)) and not past.left:
                status.say(f"backfill: {past.rows} rows in {time.monotonic() - start:.0f} s")
        else:
            if not ticks:
                ticks = min(due, TICKS_PER_WRITE, max(1, ROWS_PER_WRITE // options.rows_per_interval))
                now = time.time_ns() // 10**6
                set_back = max(set_back, last - now) if last - now > SET_BACK_MS else 0
                until = now - (due - ticks) * interval
                last = max(last, until - ticks * interval)
                times = {share: spread(share * ticks, last, until) for share in set(shares) if share}
                bound = bind_random({m: times[share] for m, share in enumerate(shares) if share})
            if not (error := writer.write(bound)):
                done, ticks, last = done + ticks, 0, max(int(some[-1]) for some in times.values())
        clock = f"the clock was set back by {set_back / 1000:.0f} s: rows are ahead of it" if set_back else ""
        status.show(writer.rows, f"{writer.errors} errors", past.progress(), dropped(writer), troubles=(clock, error))
        await sleep(stop, 0.5 if error else 0)  # also where the next tick is late already: signals come in here
    if past.left:
        status.say(f"backfill: {past.left} of {past.rows} rows are not written; start it again to write all")
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
        out("\n" + "; ".join(filter(None, (written, dropped(writer)))) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
