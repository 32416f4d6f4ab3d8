"""Who may connect: how many clients there may be, how long one may stay silent, and by which names they come.

A connection that has not logged in takes no client's place. It has little memory and little time.
"""

import ipaddress

from tornado.web import HTTPError, RequestHandler

MAX_CLIENTS = 128  # each has a thread and several files; most systems give a process 1024 files
MAX_WAITING = 128  # connections that have not logged in; one more ends the oldest
LOGIN_SECONDS = 10
MAX_BYTES_BEFORE_LOGIN = 64 << 10
MAX_MESSAGE_BYTES = 64 << 20  # a bind of a million rows of meters


class Clients(set):
    """The handlers that use the store at present. Each has a method `disconnect`."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: dict = {}  # handlers of WebSockets that have not logged in, the oldest first

    def check_room(self) -> None:
        """Error: HTTP status 503 when no more clients may connect."""
        if len(self) >= MAX_CLIENTS:
            raise HTTPError(503, reason=f"{MAX_CLIENTS} clients are connected: no more may")

    def wait(self, handler: object) -> None:
        """A handler begins to wait for its login."""
        if len(self.waiting) >= MAX_WAITING:
            next(iter(self.waiting)).drop("too many connections wait for a login")
        self.waiting[handler] = True

    def log_in(self, handler: object) -> bool:
        """A waiting handler has logged in; False where no place is left for it."""
        self.waiting.pop(handler, None)
        if len(self) >= MAX_CLIENTS:
            return False
        self.add(handler)
        return True


def is_this_machine(name: str) -> bool:
    """Whether a host's name, without a port, is localhost or a loopback address."""
    try:
        return name.lower() == "localhost" or ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


class LocalHandler(RequestHandler):
    """Answers only who names this machine as the host, which a page of another site cannot do."""

    def prepare(self) -> None:
        """Error: HTTP status 403."""
        if not is_this_machine(self.request.host_name):
            raise HTTPError(403, reason="the Host header is not localhost: the embedded database serves this machine")

    def write_error(self, status_code: int, **kwargs: object) -> None:
        self.finish({"code": 0xFFFF, "desc": self._reason})
