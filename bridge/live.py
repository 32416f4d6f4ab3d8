"""The live rows: what happens at each tick, and what /status says of them."""

import logging
import time
from collections import deque

from bridge import tdengine
from bridge.delivery import Delivery
from bridge.newest_rows import NewestRows
from bridge.poller_process import PollerProcess
from bridge.settings import options
from bridge.websockets import Viewers

RATE_WINDOW_S = 5  # the rate of the rows is an average of so many seconds
LONGEST_TICK_S = 5  # the server listens after its first tick, also where rows come quicker than they can be read
OVER_LIMIT_SAID_S = 10  # so that a person has time to read it


class LiveRows:
    """Carries the rows from the poller to the viewers' tables, tick by tick."""

    def __init__(self, poller: PollerProcess, rows: NewestRows, viewers: Viewers) -> None:
        self.poller, self.rows, self.viewers = poller, rows, viewers
        self.last = Delivery()  # the last one without trouble
        self.waiting = self.error = ""
        self.rows_seen = self.late_rows = 0
        self.seen_then = deque([(time.monotonic(), 0)])  # (when, rows seen by then) in the last seconds
        self.moved = None  # when new rows came last
        self.over_limit = -OVER_LIMIT_SAID_S  # when more rows than TABLE_LIMIT came last

    async def tick(self) -> None:
        """One poll, and those that follow at once. PeriodicCallback starts no tick while one is under way."""
        until, more = time.monotonic() + LONGEST_TICK_S, True
        while more and time.monotonic() < until:
            delivery, streams = await self.poller.poll()
            start_over = delivery.start_over and bool(self.rows.streams)
            if delivery.anew and self.rows.streams:
                logging.warning("%s: viewers get all rows anew", delivery.anew)
            await self.rows.add(streams, bool(delivery.anew), start_over)
            self.note(delivery)
            more = delivery.more

    def note(self, delivery: Delivery) -> None:
        """Keeps what /status says, and logs a line where it changes."""
        now = time.monotonic()
        trouble, self.waiting, self.error = self.waiting or self.error, delivery.waiting, delivery.error
        if not (self.waiting or self.error):
            self.last = delivery
        self.rows_seen += delivery.new_rows
        self.moved = now if delivery.new_rows else self.moved
        self.seen_then.append((now, self.rows_seen))
        while now - self.seen_then[0][0] > RATE_WINDOW_S and len(self.seen_then) > 2:
            self.seen_then.popleft()
        if delivery.late_rows:
            self.late_rows += delivery.late_rows
            logging.warning("%d rows came later than OVERLAP_MS (%d ms)", delivery.late_rows, options.overlap_ms)
        if delivery.over_limit:
            if now - self.over_limit > OVER_LIMIT_SAID_S:
                logging.warning("more rows than TABLE_LIMIT (%d) came between two polls: the older ones are not shown; "
                                "raise --table-limit", options.table_limit)
            self.over_limit = now
        if trouble != (self.waiting or self.error):
            trouble = self.waiting or self.error
            logging.warning("%s", trouble) if trouble else logging.info("rows are flowing")

    def status(self) -> dict:
        """For /status: JSON values, None where there is nothing to say."""
        (then, seen_then), (now, seen_now) = self.seen_then[0], self.seen_then[-1]
        last, process = self.last, self.poller.process
        return {
            "database": tdengine.masked_dsn(), "tdengine_version": last.version or None,
            "embedded": "embedded" in last.version,
            "rows_seen": self.rows_seen, "rows_per_s": round((seen_now - seen_then) / max(now - then, 1e-3)),
            "moved_ms_ago": self.moved and round((time.monotonic() - self.moved) * 1000),
            "newest_row_age_ms": last.newest and round(time.time() * 1000 - last.newest),
            "table_rows": min(self.rows.count, options.table_limit) or None, "table_limit": options.table_limit,
            "over_limit": time.monotonic() - self.over_limit < OVER_LIMIT_SAID_S,
            "late_rows": self.late_rows, "future_rows": last.future_rows, "future_ms": last.future_ms,
            "waiting": self.waiting or None, "last_error": self.error or None,
            "viewers": len(self.viewers), "refused_requests": self.viewers.refused,
            "poller": process and process.pid,
        }

    async def close(self) -> None:
        await self.poller.close()
