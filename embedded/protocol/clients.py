"""The clients that are connected: how many there may be, and who is told when the database stops."""

from tornado.web import HTTPError

MAX_CLIENTS = 128  # each has a thread and several files; most systems give a process 1024 files


class Clients(set):
    """The handlers that use the store at present. Each has a method `disconnect`."""

    def check_room(self) -> None:
        """Error: HTTP status 503 when no more clients may connect."""
        if len(self) >= MAX_CLIENTS:
            raise HTTPError(503, reason=f"{MAX_CLIENTS} clients are connected: no more may")
