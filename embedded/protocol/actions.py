"""The actions of a connection, but for those of statements.

Each takes the connection and the request's arguments, and returns the fields of its reply. One that returns bytes
has made the whole reply, and one that returns None has no reply.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from .. import VERSION
from ..common import clock
from ..common.errors import TDengineError
from ..engine.session import Session
from . import wire
from .connection import Connection
from .requests import USER, Arguments, log_in, refused

log = logging.getLogger(__name__)

Reply = dict[str, Any]


def version(connection: Connection, args: Arguments) -> Reply:
    return {"version": VERSION}


def conn(connection: Connection, args: Arguments) -> Reply:
    """Log in, into the database `db` if one is named."""
    if connection.session:
        raise refused("duplicate connections")
    log_in(args.get("user"), args.get("password"))
    connection.session = Session(connection.store, args.get("db") or None, args.get("tz") or None, USER)
    return {"version": VERSION} | ({"list_instances": []} if args.get("list_instances") else {})


def query(connection: Connection, args: Arguments) -> Reply:
    return connection.query(args["sql"])


def fetch(connection: Connection, args: Arguments) -> Reply:
    """Announce the next block, for clients that saw a server older than 3.3.2.0; `fetch_block` gives it to them."""
    id_ = args["id"]
    block, rows = connection.next_block(id_)
    if block is None:
        return {"id": id_, "completed": True, "lengths": None, "rows": 0}
    connection.blocks[id_] = block
    lengths = [column.shown_length for column in connection.results[id_].columns]
    return {"id": id_, "completed": False, "lengths": lengths, "rows": rows}


def fetch_block(connection: Connection, args: Arguments) -> bytes:
    if args["id"] not in connection.blocks:
        raise refused("result is nil")
    return wire.block_reply(args["id"], 0, connection.blocks.pop(args["id"]))


def fetch_binary(connection: Connection, req_id: int, result_id: int) -> bytes:
    """The next block in one step. The reply has a form of its own, for errors too."""
    started, error, block = time.perf_counter_ns(), None, None
    try:
        block, _ = connection.next_block(result_id)
    except TDengineError as refusal:
        error = refusal
    except Exception as failure:
        log.exception("a fetch failed")
        error = refused(f"internal error of the embedded database: {failure!r}")
    return wire.fetch_reply(req_id, result_id, time.perf_counter_ns() - started, block, error)


def free_result(connection: Connection, args: Arguments) -> None:
    connection.free(args["id"])


def num_fields(connection: Connection, args: Arguments) -> Reply:
    if args["result_id"] not in connection.results:
        raise refused("result is nil")
    return {"num_fields": len(connection.results[args["result_id"]].columns)}


def options_connection(connection: Connection, args: Arguments) -> Reply:
    """Set options of the connection; the value null resets one.

    Options: -1 clears all, 0 character set, 1 time zone, 2 the user's address, 3 application, 4 connector.
    """
    for option in args["options"]:
        number, value = (option.get("option"), option.get("value")) if isinstance(option, dict) else (None, None)
        if value is not None and not isinstance(value, str):
            raise refused(f"the value of option {number} is no text")
        if number in (-1, 1):
            zone = value or None if number == 1 else None
            clock.zone(zone)  # so that an unknown zone is refused now
            connection.session.timezone = zone
        elif number == 0 and value and value.upper() not in ("UTF-8", "UTF8"):
            raise refused("the embedded database supports the charset UTF-8 only")
        elif number not in (0, 2, 3, 4):
            raise refused(f"unknown option {number}")
    return {}


def get_connection_info(connection: Connection, args: Arguments) -> Reply:
    if args["info"] != 0:
        raise refused(f"unknown connection info {args['info']}")
    return {"info": USER}


WITHOUT_SESSION = {"version", "conn", "check_server_status"}  # these need no login
ACTIONS: dict[str, Callable[[Connection, Arguments], Reply | bytes | None]] = {
    "version": version,
    "conn": conn,
    "query": query,
    "fetch": fetch,
    "fetch_block": fetch_block,
    "free_result": free_result,
    "num_fields": num_fields,
    "options_connection": options_connection,
    "get_connection_info": get_connection_info,
    "get_current_db": lambda connection, args: {"db": connection.session.database or ""},
    "get_server_info": lambda connection, args: {"info": VERSION},
    "check_server_status": lambda connection, args: {"status": 2, "details": ""},  # 2: the service is ok
}
