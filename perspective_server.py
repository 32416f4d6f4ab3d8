"""Serves TDengine's meter rows to Perspective viewers: a Tornado server that polls and streams.

Every tick it asks the poller process for new rows, which arrive as Arrow IPC streams. They go as they are to the pages
that keep a copy of the table (`/rows`), and into the Perspective table for those that query it here (`/websocket`).
Perspective's engine has a process of its own, since what viewers ask may keep it busy or end it.

Viewers only read: a request that would change a table is refused. At other than a loopback address they need a token;
it crosses the network in the clear, so put a reverse proxy that speaks TLS in front.
"""

import asyncio
import logging
import signal
from pathlib import Path

import perspective
from tornado.ioloop import PeriodicCallback
from tornado.web import Application, RedirectHandler, RequestHandler

from bridge import tdengine
from bridge.guard import AssetHandler, GuardedApplication, PageHandler
from bridge.history.viewers import History, HistoryHandler
from bridge.hosted_table import HostedTable, PerspectiveHandler, PerspectiveServer
from bridge.http_bounds import BACKLOG, BoundedServer
from bridge.live import LiveRows
from bridge.logs import log_to_stderr
from bridge.newest_rows import NewestRows
from bridge.poller_process import PollerProcess
from bridge.settings import options, parse
from bridge.trend.handler import TrendHandler
from bridge.trend.trends import Trends
from bridge.websockets import MAX_REQUEST_BYTES, CopyHandler, Viewers, allowed_origin, check_token

PAGE = "prsp-viewer.html"
SCRIPTS = r"/(prsp-(?:colours|connection|copy|history|layouts|panel|range|sheets|status|trend)\.js)"  # the page's own
ROOT = Path(__file__).parent
ASSETS = Path(perspective.__file__).parent / "widget" / "static"  # of the wheel itself: the versions never differ


class StatusHandler(RequestHandler):
    """GET /status, also for a page that another allowed origin serves."""

    def initialize(self, live: LiveRows) -> None:
        self.live = live

    def prepare(self) -> None:
        self.allow_origin()
        check_token(self)

    def write_error(self, status_code: int, **details: object) -> None:
        self.allow_origin()  # Tornado has cleared the headers
        super().write_error(status_code, **details)

    def allow_origin(self) -> None:
        """Lets a page of another allowed origin read the answer, also that the token is missing."""
        origin = self.request.headers.get("Origin")
        if origin and allowed_origin(origin, self.request.host):
            self.set_header("Access-Control-Allow-Origin", origin)

    def get(self) -> None:
        self.set_header("Cache-Control", "no-store")
        self.write(self.live.status())


def make_app(live: LiveRows, server: PerspectiveServer, history: History, trends: Trends) -> Application:
    """The routes. A WebSocket for each kind of viewer, the state as JSON, and the page with its assets."""
    return GuardedApplication([
        (r"/rows", CopyHandler, {"viewers": live.viewers, "rows": live.rows}),
        (r"/websocket", PerspectiveHandler, {"viewers": live.viewers, "process": server}),
        (r"/history", HistoryHandler, {"viewers": live.viewers, "process": history}),
        (r"/trend", TrendHandler, {"trends": trends}),
        (r"/status", StatusHandler, {"live": live}),
        (r"/", RedirectHandler, {"url": PAGE, "permanent": False}),
        (rf"/{PAGE}", PageHandler, {"page": ROOT / PAGE}),
        (SCRIPTS, AssetHandler, {"path": str(ROOT)}),
        (r"/assets/perspective/(.*)", AssetHandler, {"path": str(ASSETS)}),
    ], websocket_max_message_size=MAX_REQUEST_BYTES, websocket_ping_interval=options.idle_s,
        log_function=lambda handler: None)  # a line for each request would bury the others


def check_options() -> None:
    """Ends the program where an option is unsafe."""
    if options.perspective_host not in tdengine.LOOPBACK and not options.perspective_token:
        raise SystemExit(f"{options.perspective_host} may be reached from other machines: set PERSPECTIVE_TOKEN, "
                         "which viewers must then give, or listen at 127.0.0.1")
    if warning := tdengine.warning():
        logging.warning("%s", warning)


async def main() -> None:
    """Serves until SIGTERM or Ctrl-C."""
    parse(__doc__, "database", "pace", "poller", "history", "engine", "trend", "server")
    log_to_stderr(options.perspective_token)
    check_options()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    rows = NewestRows()
    server = PerspectiveServer()  # 1. a Perspective server, in a process of its own
    connection = PollerProcess(rows)  # 2. a connection to TDengine, in another
    HostedTable(server, rows)  # 3. a table
    live, history, trends = LiveRows(connection, rows, Viewers()), History(), Trends()
    try:
        first, ended = asyncio.create_task(live.tick()), asyncio.create_task(stop.wait())
        await asyncio.wait({first, ended}, return_when=asyncio.FIRST_COMPLETED)  # viewers find the newest rows at once
        if ended.done():
            return
        callback = PeriodicCallback(live.tick, options.interval_ms)  # 4. a callback that polls
        callback.start()
        app = make_app(live, server, history, trends)
        host, port = options.perspective_host, options.perspective_port
        BoundedServer(app).listen(port, host, backlog=BACKLOG)  # 5. a WebSocket for each kind of viewer
        logging.info("serving http://%s:%d/", f"[{host}]" if ":" in host else host, port)
        await ended
        callback.stop()
    except OSError as error:
        raise SystemExit(f"cannot listen at port {options.perspective_port} ({error.strerror}): "
                         "choose another with --perspective-port or PERSPECTIVE_PORT") from error
    finally:
        await asyncio.gather(server.close(), history.close(), trends.close(), live.close())


if __name__ == "__main__":
    asyncio.run(main())
