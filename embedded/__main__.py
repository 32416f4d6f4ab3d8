"""The embedded database, on the loopback interface: `python -m embedded`; `--help` lists the options."""

import asyncio
import errno
import gc
import logging
import re
import signal
import socket
import sys
from argparse import ArgumentTypeError
from contextlib import ExitStack, suppress
from tempfile import TemporaryDirectory

from settings import Parser
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from . import VERSION
from .common.errors import TDengineError
from .protocol.handlers import MAX_MESSAGE_BYTES, close_app, make_app
from .storage.store import Store

log = logging.getLogger(__name__)

_SWEEP_EVERY_S = 1
_GARBAGE = 50_000  # objects: Python looks for cycles after every 700, and rows by the thousand hold none
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(text: str) -> int:
    """A duration such as 30m, 1h or 7d in seconds; 0 is 0."""
    match = re.fullmatch(r"(\d+)([smhd])|0", text)
    if not match:
        raise ArgumentTypeError(f"give a number and s, m, h or d (30m, 1h, 7d), or 0, not {text!r}")
    return int(match[1]) * _SECONDS[match[2]] if match[1] else 0


def port_number(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise ArgumentTypeError(f"give a number from 0 to 65535, not {text!r}")
    return int(text)


parser = Parser(prog="python -m embedded", allow_abbrev=False,
                description=__doc__.partition(":")[0] + "; for trying and testing, not a TDengine")
parser.add_argument("--port", type=port_number, default=6041, help="port on 127.0.0.1; 0: any free one (default 6041)")
parser.add_argument("--folder", help="where the data is; a new temporary folder, removed at exit, if not given")
parser.add_argument("--retention", type=seconds, default="1h",
                    help="age at which rows are deleted: a number and s, m, h or d; 0 keeps them all (default 1h)")


def listen(port: int) -> list[socket.socket]:
    """Sockets on 127.0.0.1 and, because `localhost` may be that first, on ::1 where there is one."""
    sockets = bind_sockets(port, "127.0.0.1")
    try:
        sockets += bind_sockets(sockets[0].getsockname()[1], "::1")
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise
    return sockets


async def sweep(store, stop: asyncio.Event) -> None:
    """Delete what is too old, in slices that hold writers up for a moment only, until `stop`."""
    while not stop.is_set():
        more = False
        try:
            more = await asyncio.to_thread(store.sweep)
        except Exception:
            log.exception("sweeping failed; it is tried again")
        if not more:
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _SWEEP_EVERY_S)


async def main() -> str | None:
    """Serve until SIGTERM or Ctrl-C. Returns what went wrong, in one line, or None."""
    options = parser.parse_args()
    gc.freeze()
    gc.set_threshold(_GARBAGE)
    try:
        sockets = listen(options.port)
    except OSError as error:
        return f"port {options.port}: {error.strerror}; choose another one with --port (for run.sh: EMBEDDED_PORT)"
    with ExitStack() as stack:
        folder = options.folder or stack.enter_context(TemporaryDirectory(prefix="embedded-", ignore_cleanup_errors=True))
        try:
            store = Store(folder, options.retention)
        except (OSError, TDengineError) as error:
            return f"--folder={folder} cannot be used: {error}"
        stack.callback(store.close)
        await serve(store, sockets, whereabouts(options, folder))
    return None


def whereabouts(options, folder: str) -> str:
    """Where the data is and how long it stays, in a line."""
    kept = f"rows are kept for {options.retention} s (--retention)" if options.retention else "all rows are kept"
    return f"Data in {folder}{'' if options.folder else ', removed at exit (--folder keeps it)'}; {kept}."


async def serve(store, sockets: list[socket.socket], where: str) -> None:
    stop = asyncio.Event()
    with suppress(NotImplementedError):  # Windows has no such handlers: there Ctrl-C cancels `main`
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    app = make_app(store)
    server = HTTPServer(app, max_buffer_size=MAX_MESSAGE_BYTES + 2**20)  # the frame's own bytes
    server.add_sockets(sockets)
    sweeping = asyncio.create_task(sweep(store, stop))
    port = sockets[0].getsockname()[1]
    print(f"Embedded database {VERSION} on localhost:{port}: for trying and testing, not a TDengine.\n{where}", flush=True)
    await stop.wait()
    server.stop()
    await close_app(app)
    await server.close_all_connections()
    await sweeping


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main()))
    except KeyboardInterrupt:
        sys.exit(130)
