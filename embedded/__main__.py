"""The embedded database, on the loopback interface: `python -m embedded`; `--help` lists the options."""

import argparse
import asyncio
import errno
import gc
import logging
import os
import re
import signal
import socket
import sys
from contextlib import ExitStack, suppress
from typing import NoReturn

from tornado.netutil import bind_sockets

from . import VERSION
from .common.errors import TDengineError
from .common.without_pandas import leave_pandas_out
from .protocol.handlers import close_app, make_app, make_server
from .storage.store import Store
from .storage.temporary import temporary_folder

log = logging.getLogger(__name__)

_SWEEP_EVERY_S = 1
# Python would look for cycles after every 700 new objects. Rows by the thousand hold none: it looks less often.
_OBJECTS_BEFORE_GARBAGE = 50_000
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """End the program with one line that says what to do."""
        self.exit(2, f"{self.prog}: {message}; see --help\n")


def _duration(text: str) -> int:
    """The seconds of a duration such as 30m, 1h or 7d; 0 is 0."""
    match = re.fullmatch(r"(\d+)([smhd])|0", text)
    if not match:
        raise argparse.ArgumentTypeError(f"give a number and s, m, h or d (30m, 1h, 7d), or 0, not {text!r}")
    return int(match[1]) * _SECONDS[match[2]] if match[1] else 0


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"give a number from 0 to 65535, not {text!r}")
    return int(text)


def _megabytes(text: str) -> int:
    if not text.isdecimal() or int(text) < 64:
        raise argparse.ArgumentTypeError(f"give a number from 64 on, not {text!r}")
    return int(text)


_parser = _Parser(prog="python -m embedded", allow_abbrev=False,
                  description=__doc__.partition(":")[0] + "; for trying and testing, not a TDengine")
_parser.add_argument("--port", type=_port, default=6041,
                     help="port on 127.0.0.1; 0 takes any free one (default 6041)")
_parser.add_argument("--folder", help="where the data is; without it, a temporary folder that is removed at exit")
_parser.add_argument("--retention", type=_duration, default="1h",
                     help="age at which rows are deleted, in sixty steps: a number and s, m, h or d; "
                          "0 keeps them all (default 1h)")
_parser.add_argument("--memory", type=_megabytes, default=512,
                     help="megabytes that rows and questions may take in memory, at least 64 (default 512)")
_parser.add_argument("--question", type=_duration, default="60s",
                     help="time after which a question is given up; 0 sets no limit (default 60s)")


def _listen(port: int) -> list[socket.socket]:
    """Sockets on 127.0.0.1 and, where there is one, on ::1, which `localhost` may mean. Error: OSError."""
    sockets = bind_sockets(port, "127.0.0.1")
    try:
        sockets += bind_sockets(sockets[0].getsockname()[1], "::1")
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise
    return sockets


async def _sweep(store: Store, stop: asyncio.Event) -> None:
    """Keep house until `stop`: in slices, so that writers wait for a moment only."""
    while not stop.is_set():
        more = False
        try:
            more = await asyncio.to_thread(store.sweep)
        except Exception:
            log.exception("sweeping failed; it is tried again")
        if not more:
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _SWEEP_EVERY_S)


def _allow_many_files() -> None:
    """Silent connections take a file each: have as many as the system allows, not the 1024 that it begins with."""
    with suppress(ImportError, ValueError, OSError):  # Windows has no such limit
        import resource
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _say(text: str) -> None:
    """Print a text. Where that fails, as on a full disk, this output and all that follows is lost, and no more."""
    try:
        print(text, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


async def _serve(store: Store, sockets: list[socket.socket], data_notice: str) -> None:
    stop = asyncio.Event()
    with suppress(NotImplementedError):  # Windows has no such handlers: there Ctrl-C cancels `main`
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    app = make_app(store)
    server = make_server(app)
    server.add_sockets(sockets)
    sweeping = asyncio.create_task(_sweep(store, stop))
    port = sockets[0].getsockname()[1]
    _say(f"Embedded database {VERSION} on localhost:{port}: for trying and testing, not a TDengine.\n{data_notice}")
    await stop.wait()
    server.stop()
    await close_app(app)
    await server.close_all_connections()
    await sweeping


def _data_notice(options: argparse.Namespace, folder: str) -> str:
    """Where the data is and how long it stays, in one line."""
    kept = f"rows are kept for {options.retention} s (--retention)" if options.retention else "all rows are kept"
    return f"Data in {folder}{'' if options.folder else ', removed at exit (--folder keeps it)'}; {kept}."


async def main() -> str | None:
    """Serve until SIGTERM or Ctrl-C. Returns what went wrong, in one line, or None."""
    options = _parser.parse_args()
    _allow_many_files()
    leave_pandas_out()
    gc.freeze()
    gc.set_threshold(_OBJECTS_BEFORE_GARBAGE)
    try:
        sockets = _listen(options.port)
    except OSError as error:
        return f"port {options.port}: {error.strerror}; choose another one with --port (for run.sh: EMBEDDED_PORT)"
    with ExitStack() as stack:
        folder = options.folder or stack.enter_context(temporary_folder())
        try:
            store = Store(folder, options.retention, options.memory, options.question)
        except (OSError, TDengineError) as error:
            return f"--folder={folder} cannot be used: {error}"
        stack.callback(store.close)
        await _serve(store, sockets, _data_notice(options, folder))
    return None


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main()))
    except KeyboardInterrupt:
        sys.exit(130)
