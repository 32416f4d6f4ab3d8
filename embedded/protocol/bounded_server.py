"""An HTTP server that silent connections do not use up."""

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPConnection, HTTPMessageDelegate
from tornado.web import Application

MAX_PLAIN = 256  # connections that are no WebSocket; with those of all clients they are fewer than 1024 files


class BoundedServer(HTTPServer):
    """One connection too many ends the one that has asked for nothing for the longest time."""

    def initialize(self, app: Application, **bounds: int) -> None:
        super().initialize(app, **bounds)
        self.plain: dict[object, HTTPConnection] = {}  # those that are no WebSocket; who asked last is at the end

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """Tornado calls this when it begins to wait for a request."""
        self.plain.pop(server_conn, None)
        if len(self.plain) >= MAX_PLAIN:
            self.plain.pop(next(iter(self.plain))).close()
        self.plain[server_conn] = request_conn
        return super().start_request(server_conn, request_conn)

    def on_close(self, server_conn: object) -> None:
        """Tornado calls this when a connection has ended, or has become a WebSocket."""
        self.plain.pop(server_conn, None)
        super().on_close(server_conn)
