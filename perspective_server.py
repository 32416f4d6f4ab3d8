"""Serves TDengine's meter rows to Perspective viewers: a Tornado server that polls and streams.

Every tick it asks the poller process for new rows, which arrive as Arrow IPC bytes. They go as they are to the pages that
keep a copy of the table (`/rows`), and into the Perspective table for those that query it here (`/websocket`).

Where rows that viewers have seen were changed or deleted in the database, the table is filled anew: by as many rows
as it holds, which push the old ones out, or if there are fewer, by a new table, for which viewers begin again.

Viewers read: a request that would change a table is refused. At other than a loopback address they
need a token; it crosses the network in the clear, so put a reverse proxy that speaks TLS in front.
"""

import asyncio
import logging
import signal
import time
from collections import deque
from pathlib import Path

import perspective
from tornado.ioloop import PeriodicCallback
from tornado.web import Application, RedirectHandler, RequestHandler, StaticFileHandler

from bridge import tdengine
from bridge.hosted_table import HostedTable
from bridge.poller_process import Feed
from bridge.settings import options, parse
from bridge.websockets import MAX_REQUEST_BYTES, CopyHandler, PerspectiveHandler, Viewers, allowed_origin, check_token

PAGE = "prsp-viewer.html"
ROOT = Path(__file__).parent
ASSETS = Path(perspective.__file__).parent / "widget" / "static"  # the wheel's own: never another version
RATE_WINDOW_S = 5


class Meters:
    """The meter rows, fed tick by tick, and what there is to say of them."""

    def __init__(self):
        self.viewers = Viewers()
        self.feed = Feed()
        self.table = HostedTable(self.feed.rows)
        self.state = {}
        self.rows_seen = self.late_rows = 0
        self.recent = deque()  # (when, rows seen by then) of the last seconds
        self.trouble = None

    async def tick(self) -> None:
        """One poll. The next tick waits for it: PeriodicCallback starts none while one is under way."""
        more = True
        while more:
            state, streams = await self.feed.poll()
            more, start_over = state.get("more"), state.get("start_over")
            if streams or start_over:
                await self.table.update(streams, start_over)
            if start_over:
                logging.warning("rows were changed or deleted in the database: viewers get a new table")
                self.viewers.new_table()
            self.note(state)

    def note(self, state: dict) -> None:
        """Keeps the state for /status, and logs a line where it changes."""
        now = time.monotonic()
        self.state |= {"error": None, "waiting": None} | state
        self.rows_seen += 0 if state.get("whole") else state.get("rows", 0)
        if late := state.get("late"):
            self.late_rows += late
            logging.warning("%d rows came later than OVERLAP_MS (%d ms)", late, options.overlap_ms)
        self.recent.append((now, self.rows_seen))
        while now - self.recent[0][0] > RATE_WINDOW_S and len(self.recent) > 2:
            self.recent.popleft()
        if state.get("gap"):
            logging.warning("more than %d rows came between two polls: the older ones are not shown (--table-limit)",
                            options.table_limit)
        trouble = self.state["error"] or self.state["waiting"]
        if trouble != self.trouble:
            logging.warning("%s", trouble) if trouble else logging.info("rows are flowing")
        self.trouble = trouble

    def status(self) -> dict:
        (then, rows_then), (now, rows_now) = self.recent[0], self.recent[-1]
        newest, process = self.state.get("newest"), self.feed.process
        version = self.state.get("version") or None
        return {
            "database": tdengine.masked_dsn(), "tdengine_version": version,
            "embedded": bool(version and "embedded" in version),
            "rows_seen": self.rows_seen, "rows_per_s": round((rows_now - rows_then) / max(now - then, 1e-3)),
            "newest_row_age_ms": newest and round(time.time() * 1000 - newest),
            "table_rows": min(self.feed.rows.count, options.table_limit) or None, "late_rows": self.late_rows,
            "waiting": self.state.get("waiting"), "last_error": self.state.get("error"),
            "viewers": len(self.viewers), "refused_requests": self.viewers.refused,
            "poller": process and process.pid,
        }

    async def close(self) -> None:
        await self.feed.close()
        self.table.close()


class StatusHandler(RequestHandler):
    """GET /status, also for a page that another allowed origin serves."""

    def initialize(self, polled: Meters):
        self.polled = polled

    def prepare(self):
        check_token(self)

    def get(self):
        origin = self.request.headers.get("Origin")
        if origin and allowed_origin(origin, self.request.host):
            self.set_header("Access-Control-Allow-Origin", origin)
        self.set_header("Cache-Control", "no-store")
        self.write(self.polled.status())


def make_app(polled: Meters) -> Application:
    return Application([
        (r"/rows", CopyHandler, {"viewers": polled.viewers, "rows": polled.feed.rows}),
        (r"/websocket", PerspectiveHandler, {"viewers": polled.viewers, "table": polled.table}),
        (r"/status", StatusHandler, {"polled": polled}),
        (r"/", RedirectHandler, {"url": f"/{PAGE}", "permanent": False}),
        (rf"/({PAGE})", StaticFileHandler, {"path": str(ROOT)}),
        (r"/assets/perspective/(.*)", StaticFileHandler, {"path": str(ASSETS)}),
    ], websocket_max_message_size=MAX_REQUEST_BYTES, websocket_ping_interval=options.idle_s,
        log_function=lambda handler: None)  # no line a request


async def main() -> None:
    parse(__doc__, "database", "pace", "poller", "server")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    if options.perspective_host not in tdengine.LOOPBACK and not options.perspective_token:
        raise SystemExit(f"{options.perspective_host} may be reached from other machines: set PERSPECTIVE_TOKEN, "
                         "which viewers must then give, or listen at 127.0.0.1")
    if warning := tdengine.warning():
        logging.warning("%s", warning)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    polled = Meters()
    try:
        await polled.tick()  # viewers that come at once find the newest rows
        make_app(polled).listen(options.perspective_port, options.perspective_host)
        logging.info("serving http://%s:%d/", options.perspective_host, options.perspective_port)
        callback = PeriodicCallback(polled.tick, options.interval_ms)
        callback.start()
        await stop.wait()
        callback.stop()
    except OSError as error:
        raise SystemExit(f"cannot listen at port {options.perspective_port} ({error.strerror}): "
                         "choose another with --perspective-port or PERSPECTIVE_PORT")
    finally:
        await polled.close()


if __name__ == "__main__":
    asyncio.run(main())
