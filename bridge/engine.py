"""Perspective's engine in a process of its own: `python -m bridge.engine`, started by the server, its input a socket.

It takes one frame after another, the rows of the table and what viewers ask, and says DONE after each. So it is the
server that sees how long a question takes, and ends this process. Memory beyond ENGINE_MEMORY_MB ends it, too.
"""

import resource
import socket
from contextlib import suppress

import perspective

import meters
from bridge import frames
from bridge.settings import options, parse


class Engine:
    """The table, and a session for each viewer. `connection` is the socket to the server."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.server = perspective.Server()
        self.table: perspective.Table | None = None
        self.sessions: dict[int, object] = {}

    def take(self, viewer: int, kind: int, message: bytes) -> None:
        """Works through one frame."""
        if kind == frames.ROWS:
            self.put(message)
        elif kind == frames.OPEN:
            self.sessions[viewer] = self.server.new_session(lambda answer: self.send(viewer, frames.ANSWER, answer))
        elif kind == frames.CLOSE:
            self.sessions.pop(viewer).close()
        else:
            self.sessions[viewer].handle_request(message)
        self.send(viewer, frames.DONE)

    def put(self, arrow: bytes) -> None:
        """Makes the table with its first rows: grouped views on an *empty* one can hang Perspective for good."""
        if self.table is None:
            client = self.server.new_local_client()
            self.table = client.table(arrow, limit=options.table_limit, name=meters.PERSPECTIVE_TABLE)
        else:
            self.table.update(arrow)

    def send(self, viewer: int, kind: int, message: bytes = b"") -> None:
        self.connection.sendall(frames.frame(viewer, kind, message))


def main() -> None:
    parse(__doc__, "poller", "engine")
    limit = options.engine_memory_mb * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    with socket.socket(fileno=0) as connection, connection.makefile("rb") as source:
        engine = Engine(connection)
        while header := source.read(frames.HEADER.size):
            viewer, kind, length = frames.HEADER.unpack(header)
            engine.take(viewer, kind, source.read(length))


if __name__ == "__main__":
    with suppress(KeyboardInterrupt, ConnectionError):  # the server ends this process; Ctrl-C reaches both
        main()
