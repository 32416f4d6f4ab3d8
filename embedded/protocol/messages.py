"""From a message of a client to the reply: JSON text (requests.py) or a binary frame (wire.py). It does no I/O.

A few actions have no reply (`free_result`, the old statement's `close`). Every other request gets exactly one.
"""

import json
import logging
import time
from typing import Any

from ..common.errors import TDengineError
from . import statement_actions, wire
from .actions import ACTIONS, WITHOUT_SESSION, Reply, fetch_binary
from .connection import Connection
from .requests import parse_request, refused

log = logging.getLogger(__name__)

_SHORT_MESSAGE = 256  # characters


def handle(connection: Connection, message: str | bytes) -> str | bytes | None:
    """The reply to one message, or None. Takes as long as the database needs; never raises."""
    started = time.perf_counter_ns()
    reply = {"code": 0, "message": "", "action": "", "req_id": 0, "timing": 0}
    try:
        run = _json_request if isinstance(message, str) else _binary_request
        fields = run(connection, message, reply)
    except TDengineError as error:
        fields = {"code": error.code & 0xFFFF, "message": error.message}
    except Exception as error:
        log.exception("a request failed")
        fields = {"code": 0xFFFF, "message": f"internal error of the embedded database: {error!r}"}
    if not isinstance(fields, dict):
        return fields
    return json.dumps(reply | {"timing": time.perf_counter_ns() - started} | fields)


def is_short(connection: Connection, message: str | bytes) -> bool:
    """Whether the reply is made so soon that waking a thread for it would take longer."""
    try:
        if isinstance(message, bytes):
            _, id_, action, _ = wire.parse_frame(message)
            return action == wire.FETCH and connection.is_small(id_)
        if len(message) > _SHORT_MESSAGE:
            return False
        action, args = parse_request(message)
        return action == "free_result" and connection.is_small(args.get("id"))
    except TDengineError:
        return False


# Both put into `reply`, as soon as it is known, what the answer has even when the request is refused later.

def _json_request(connection: Connection, message: str, reply: dict[str, Any]) -> Reply | bytes | None:
    action, args = parse_request(message)
    reply |= {"action": action, "req_id": args.get("req_id", 0)}
    if action == "prepare":
        reply["is_insert"] = False  # clients read it even from an error
    args.check()
    if "stmt_id" in args:
        reply["stmt_id"] = args["stmt_id"]
    if not action:
        raise refused("request no action")
    act = ACTIONS.get(action) or statement_actions.ACTIONS.get(action)
    if act is None:
        raise refused(f"unknown action {action}")
    if connection.session is None and action not in WITHOUT_SESSION:
        raise refused("server not connected")
    return act(connection, args)


def _binary_request(connection: Connection, message: bytes, reply: dict[str, Any]) -> Reply | bytes | None:
    reply["req_id"], id_, action, body = wire.parse_frame(message)
    if action == wire.FETCH:
        return fetch_binary(connection, reply["req_id"], id_)
    if connection.session is None:
        raise refused("server not connected")
    if action == wire.SQL:
        reply["action"] = "binary_query"
        return connection.query(wire.parse_sql(body))
    if action in statement_actions.BINARY:
        reply["action"], act = statement_actions.BINARY[action]
        reply["stmt_id"] = id_
        return act(connection, id_, body)
    reply["action"] = "unknown"
    raise refused(f"unknown action {action}")
