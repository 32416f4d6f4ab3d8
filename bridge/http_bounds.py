"""What holds for every connection before anybody has shown a token: strangers get little memory, time and few files."""

import asyncio
import logging
import resource
import socket
from collections.abc import Iterable
from contextlib import suppress

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPConnection, HTTPMessageDelegate
from tornado.iostream import IOStream
from tornado.web import Application

from bridge.settings import options

HEADERS_S = 10  # for the headers of a request, and for the next request
MAX_HEADER_BYTES = 2**14
MAX_PLAIN = 256  # connections that are no viewer's WebSocket
OWN_FILES = 96  # that the server needs for itself: pipes, processes, libraries
BACKLOG = 1024  # connections that wait to be accepted; with fewer, strangers at once made others wait a second
AT_ONCE = 32  # connections accepted in one turn: with more, many strangers would end an honest one before it is read
PAUSE_S = 0.5  # before the next connection is accepted, when no files are left


class BoundedServer(HTTPServer):
    """Reads no bodies, and keeps a bounded number of connections that are no WebSocket.

    One more ends the one that has asked for nothing for the longest time, so who stays silent locks nobody out.
    """

    def initialize(self, app: Application) -> None:
        super().initialize(app, max_body_size=0, max_header_size=MAX_HEADER_BYTES, idle_connection_timeout=HEADERS_S)
        self.plain = {}  # the connections that are no WebSocket; the one that began its request last is at the end
        self.most_plain = share_files()

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        for listener in sockets:
            asyncio.get_running_loop().add_reader(listener, self.accept, listener)

    def accept(self, listener: socket.socket) -> None:
        """Accepts connections that wait; where no files are left, in the place of others, or later."""
        for _ in range(AT_ONCE):
            try:
                connection, address = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:
                if self.plain:
                    self.end_oldest()  # the loop asks again at once
                    return
                logging.warning("no connection can be accepted: %s", error.strerror)
                loop = asyncio.get_running_loop()
                loop.remove_reader(listener)
                loop.call_later(PAUSE_S, loop.add_reader, listener, self.accept, listener)
                return
            self.handle_stream(IOStream(connection), address)

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Tornado calls this when it begins to wait for a request."""
        self.plain.pop(server_conn, None)
        if len(self.plain) >= self.most_plain:
            self.end_oldest()
        self.plain[server_conn] = request_conn
        return super().start_request(server_conn, request_conn)

    def on_close(self, server_conn: object) -> None:
        """Tornado calls this when a connection has ended, or has become a WebSocket."""
        self.plain.pop(server_conn, None)
        super().on_close(server_conn)

    def end_oldest(self) -> None:
        oldest = next(iter(self.plain))
        self.plain.pop(oldest).close()


def share_files() -> int:
    """Raises the limit of open files as far as it is needed and allowed, and lowers MAX_VIEWERS where it must.

    Returns how many connections may be open that are no WebSocket.
    """
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = OWN_FILES + MAX_PLAIN + options.max_viewers
    if files < needed:
        with suppress(ValueError, OSError):  # macOS says that there is no limit, and has one
            files = needed if most == resource.RLIM_INFINITY else min(needed, most)
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    plain = min(MAX_PLAIN, files // 4)
    if (viewers := max(files - OWN_FILES - plain, 1)) < options.max_viewers:
        logging.warning("at most %d viewers may connect, as only %d files may be open (ulimit -n)", viewers, files)
        options.max_viewers = viewers
    return plain
