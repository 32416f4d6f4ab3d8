"""JSON requests: `{"action": ..., "args": {...}}`, checked before anything is done with them."""

import json

from ..common.errors import TDengineError
from .wire import malformed

USER, PASSWORD = "root", "taosdata"  # TDengine's own first user; there is no other here
TOKEN = "/KfeAzX/f9na8qdtNZmtONryp201ma04bEl8LcvLUd7a8qdtNZmtONryp201ma04"  # taosAdapter's token for that login


def log_in(user: str | None, password: str | None) -> None:
    """Errors: 0x0351 for another user than the one there is, 0x0357 for another password."""
    if user != USER:
        raise TDengineError(0x0351, "Invalid user")
    if password != PASSWORD:
        raise TDengineError(0x0357, "Authentication failure")


def refused(message: str) -> TDengineError:
    """An error that taosAdapter makes itself, not TDengine behind it."""
    return TDengineError(0xFFFF, message)


class Arguments(dict):
    """A request's arguments without those that are null.

    Errors: 0xFFFF for one of a wrong type (`check`), and for one that is needed and absent (when it is looked up).
    """

    TYPES = dict.fromkeys(("req_id", "stmt_id", "id", "result_id", "index", "info"), int) | dict.fromkeys(
        ("sql", "name", "user", "password", "db", "tz"), str) | dict.fromkeys(("options", "tags", "columns"), list)

    def check(self) -> None:
        for name, value in self.items():
            if type(value) is not self.TYPES.get(name, type(value)):  # isinstance would take True for an int
                raise malformed(f"{name} is of the wrong type")

    def __missing__(self, name: str) -> None:
        raise refused(f"the request has no {name}")


def parse_request(message: str) -> tuple[str, Arguments]:
    """The action and the arguments of a JSON request. Error: 0xFFFF."""
    try:
        request = json.loads(message)
        if "\\ud" in message.lower():  # half a surrogate pair is JSON, but no text: it cannot be encoded
            json.dumps(request, ensure_ascii=False).encode()
        action, args = request.get("action") or "", request.get("args") or {}
        args = Arguments((name, value) for name, value in args.items() if value is not None)
        if not isinstance(action, str) or type(args.get("req_id", 0)) is not int:
            raise TypeError(request)
        return action, args
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise malformed("not a JSON request") from error
