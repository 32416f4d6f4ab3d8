"""`python -m embedded`: the embedded database on the loopback interface. `--help` lists the options."""

import asyncio
import errno
import logging
import re
import signal
import socket
import sys
from contextlib import ExitStack, suppress
from tempfile import TemporaryDirectory

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.options import Error, define, options, parse_command_line

from . import VERSION
from .errors import TDengineError
from .handlers import MAX_MESSAGE_BYTES, close_app, make_app
from .store import Store

log = logging.getLogger(__name__)

_SWEEP_EVERY_S = 1
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

define("port", "6041", type=str, help="port on 127.0.0.1 (0: any free one)")
define("folder", None, type=str, help="where the data is; a new temporary folder, removed at exit, if not given")
define("retention", "1h", type=str, help="age at which rows are deleted: a number and s, m, h or d; 0 keeps them all")


def seconds(text: str) -> float:
    """A duration such as 30m, 1h or 7d in seconds; 0 is 0. ValueError for anything else."""
    match = re.fullmatch(r"(\d+)([smhd])|0", text.strip())
    if not match:
        raise ValueError(f"--retention={text}: give a number and s, m, h or d (30m, 1h, 7d), or 0")
    return int(match[1]) * _SECONDS[match[2]] if match[1] else 0


def port_number(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise ValueError(f"--port={text}: give a number from 0 to 65535")
    return int(text)


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
    try:
        if extra := parse_command_line():
            return f"{extra[0]!r} is not an option (they are written --name=value); see --help"
        port, retention = port_number(options.port), seconds(options.retention)
    except (Error, ValueError) as error:
        return f"{error}; see --help"
    try:
        sockets = listen(port)
    except OSError as error:
        return f"port {port}: {error.strerror}; choose another one with --port"
    with ExitStack() as stack:
        folder = options.folder or stack.enter_context(TemporaryDirectory(prefix="embedded-", ignore_cleanup_errors=True))
        try:
            store = Store(folder, retention)
        except (OSError, TDengineError) as error:
            return f"--folder={folder} cannot be used: {error}"
        stack.callback(store.close)
        await serve(store, sockets, folder)
    return None


async def serve(store, sockets: list[socket.socket], folder: str) -> None:
    stop = asyncio.Event()
    with suppress(NotImplementedError):  # Windows has no such handlers: there Ctrl-C cancels `main`
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    app = make_app(store)
    server = HTTPServer(app, max_buffer_size=MAX_MESSAGE_BYTES)
    server.add_sockets(sockets)
    sweeping = asyncio.create_task(sweep(store, stop))
    kept = "all rows are kept" if not seconds(options.retention) else f"rows are kept for {options.retention} (--retention)"
    print(f"Embedded database {VERSION} on localhost:{sockets[0].getsockname()[1]}: for trying and testing, not a TDengine.\n"
          f"Data in {folder}{'' if options.folder else ', removed at exit (--folder keeps it)'}; {kept}.", flush=True)
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
