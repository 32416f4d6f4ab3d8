"""One WebSocket connection's side of the protocol: a request comes in, its reply goes out. No I/O, no Tornado.

Requests are JSON text (`{"action", "args"}`) or binary frames (wire.py). An action that answers nothing
(`free_result`, the old statement's `close`) returns None, every other request gets exactly one reply.
"""

import json
import logging
import time

from .. import VERSION
from ..common import clock
from ..common.errors import TDengineError
from ..engine.session import Session
from . import statements, wire

log = logging.getLogger(__name__)

USER, PASSWORD = "root", "taosdata"


def log_in(user: str, password: str) -> None:
    if (user, password) != (USER, PASSWORD):
        raise TDengineError(0x0357, "Authentication failure")


def refuse(message: str) -> TDengineError:
    """An error that taosAdapter makes itself."""
    return TDengineError(0xFFFF, message)


def row_set(columns, precision: int) -> dict:
    """The fields of a reply that announces rows; of one that has none when `columns` is empty."""
    some = columns or None
    return {
        "fields_count": len(columns),
        "fields_names": some and [column.name for column in columns],
        "fields_types": some and [column.type.code for column in columns],
        "fields_lengths": some and [column.length for column in columns],
        "fields_precisions": some and [0] * len(columns),
        "fields_scales": some and [0] * len(columns),
        "precision": precision,
    }


class Arguments(dict):
    """A request's arguments, null ones left out; one that is of another type, or needed and absent, is refused by name."""

    TYPES = dict.fromkeys(("req_id", "stmt_id", "id", "result_id", "index", "info"), int) | dict.fromkeys(
        ("sql", "name", "user", "password", "db", "tz"), str) | dict.fromkeys(("options", "tags", "columns"), list)

    def check(self) -> None:
        for name, value in self.items():
            if type(value) is not self.TYPES.get(name, type(value)):  # bool is an int, elsewhere
                raise wire.malformed(f"{name} is of the wrong type")

    def __missing__(self, name: str):
        raise refuse(f"the request has no {name}")


def parse_request(message: str) -> tuple[str, Arguments]:
    """The action and the arguments of a JSON request."""
    try:
        request = json.loads(message)
        if "\\ud" in message.lower():  # half a surrogate pair is JSON, but no text
            json.dumps(request, ensure_ascii=False).encode()
        action, args = request.get("action") or "", request.get("args") or {}
        args = Arguments((name, value) for name, value in args.items() if value is not None)
        if not isinstance(action, str) or type(args.get("req_id", 0)) is not int:
            raise TypeError(request)
        return action, args
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise wire.malformed("not a JSON request") from error


class Connection:
    """The state between requests: the session, open results, prepared statements. Used by one thread at a time."""

    MAX_OPEN = 64  # results, and as many statements

    def __init__(self, store):
        self.store = store
        self.session: Session | None = None
        self.results: dict = {}  # id: Result
        self.blocks: dict = {}  # id: the block a JSON `fetch` has announced
        self.statements: dict = {}  # id: statements.Prepared
        self._last_id = 0

    def handle(self, message: str | bytes) -> str | bytes | None:
        """The reply to one message. Blocks as long as the database needs; never raises."""
        started = time.perf_counter_ns()
        reply = {"code": 0, "message": "", "action": "", "req_id": 0, "timing": 0}
        try:
            run = self._text if isinstance(message, str) else self._binary
            extra = run(message, reply)
        except TDengineError as error:
            extra = {"code": error.code & 0xFFFF, "message": error.message}
        except Exception as error:
            log.exception("a request failed")
            extra = {"code": 0xFFFF, "message": f"internal error of the embedded database: {error!r}"}
        if not isinstance(extra, dict):
            return extra
        return json.dumps(reply | {"timing": time.perf_counter_ns() - started} | extra)

    def interrupt(self) -> None:
        """End the request under way, from any thread."""
        if self.session:
            self.session.interrupt()

    def close(self) -> None:
        for open_ in (*self.results.values(), *self.statements.values()):
            open_.close()
        self.results, self.blocks, self.statements = {}, {}, {}
        if self.session:
            self.session.close()

    # ---- requests

    # `reply` is what the answer has in any case, also when the request is refused half-way

    def _text(self, message: str, reply: dict) -> dict | bytes | None:
        action, args = parse_request(message)
        reply |= {"action": action, "req_id": args.get("req_id", 0)}
        if action == "prepare":
            reply["is_insert"] = False  # clients read it even from an error
        args.check()
        if "stmt_id" in args:
            reply["stmt_id"] = args["stmt_id"]
        if not action:
            raise refuse("request no action")
        handler = ACTIONS.get(action) or statements.ACTIONS.get(action)
        if handler is None:
            raise refuse(f"unknown action {action}")
        if self.session is None and action not in WITHOUT_SESSION:
            raise refuse("server not connected")
        return handler(self, args)

    def _binary(self, message: bytes, reply: dict) -> dict | bytes | None:
        reply["req_id"], id_, action, body = wire.parse_frame(message)
        if action == wire.FETCH:
            return self._fetch(reply["req_id"], id_)
        if self.session is None:
            raise refuse("server not connected")
        if action == wire.SQL:
            reply["action"] = "binary_query"
            return self.query(wire.parse_sql(body))
        if action in statements.BINARY:
            reply["action"], handler = statements.BINARY[action]
            reply["stmt_id"] = id_
            return handler(self, id_, body)
        reply["action"] = "unknown"
        raise refuse(f"unknown action {action}")

    # ---- results

    def query(self, sql: str) -> dict:
        result = self.session.execute(sql)
        return {"is_update": not result.columns, "affected_rows": result.affected} | self.announce(result)

    def announce(self, result) -> dict:
        """Keep a row set for fetching, under a new id; a result without rows is over at once, with id 0."""
        reply = row_set(result.columns, result.precision)
        if not result.columns:
            result.close()
            return {"id": 0} | reply
        if len(self.results) >= self.MAX_OPEN:
            result.close()
            raise refuse(f"{self.MAX_OPEN} results are open on this connection: free some, or read them to their end")
        id_ = self.new_id()
        self.results[id_] = result
        return {"id": id_} | reply

    def new_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def next_block(self, id_: int) -> tuple[bytes | None, int]:
        """The next block of a result and its number of rows; None once it is over, and then forgotten."""
        result = self.results.get(id_)
        if result is None:
            raise refuse("result is nil")
        try:
            values = result.fetch_columns(wire.rows_per_block(result.columns))
            if values:
                return wire.encode_block(result.columns, values), len(values[0])
        except Exception:
            self.free(id_)
            raise
        self.free(id_)
        return None, 0

    def free(self, id_: int) -> None:
        result = self.results.pop(id_, None)
        self.blocks.pop(id_, None)
        if result:
            result.close()

    def _fetch(self, req_id: int, id_: int) -> bytes:
        started, error, block = time.perf_counter_ns(), None, None
        try:
            block, _ = self.next_block(id_)
        except TDengineError as refused:
            error = refused
        except Exception as failure:
            log.exception("a fetch failed")
            error = refuse(f"internal error of the embedded database: {failure!r}")
        return wire.fetch_reply(req_id, id_, time.perf_counter_ns() - started, block, error)


# ---- actions: (connection, args) -> the reply's own fields, or the whole reply as bytes, or None for no reply

def version(connection: Connection, args: dict) -> dict:
    return {"version": VERSION}


def conn(connection: Connection, args: dict) -> dict:
    if connection.session:
        raise refuse("duplicate connections")
    log_in(args.get("user"), args.get("password"))
    connection.session = Session(connection.store, args.get("db") or None, args.get("tz") or None, USER)
    return {"version": VERSION} | ({"list_instances": []} if args.get("list_instances") else {})


def query(connection: Connection, args: dict) -> dict:
    return connection.query(args["sql"])


def fetch(connection: Connection, args: dict) -> dict:
    id_ = args["id"]
    connection.blocks[id_], rows = block, rows = connection.next_block(id_)
    if block is None:
        connection.blocks.pop(id_)
        return {"id": id_, "completed": True, "lengths": None, "rows": 0}
    lengths = [column.length for column in connection.results[id_].columns]
    return {"id": id_, "completed": False, "lengths": lengths, "rows": rows}


def fetch_block(connection: Connection, args: dict) -> bytes:
    if args["id"] not in connection.blocks:
        raise refuse("result is nil")
    return wire.block_reply(args["id"], 0, connection.blocks.pop(args["id"]))


def free_result(connection: Connection, args: dict) -> None:
    connection.free(args["id"])


def num_fields(connection: Connection, args: dict) -> dict:
    if args["result_id"] not in connection.results:
        raise refuse("result is nil")
    return {"num_fields": len(connection.results[args["result_id"]].columns)}


def options_connection(connection: Connection, args: dict) -> dict:
    """Options: -1 clear all, 0 charset, 1 timezone, 2 user's address, 3 application, 4 connector; value null resets."""
    for option in args["options"]:
        number, value = (option.get("option"), option.get("value")) if isinstance(option, dict) else (None, None)
        if value is not None and not isinstance(value, str):
            raise refuse(f"the value of option {number} is no text")
        if number in (-1, 1):
            zone = value or None if number == 1 else None
            clock.zone(zone)  # refuse an unknown one now
            connection.session.timezone = zone
        elif number == 0 and value and value.upper() not in ("UTF-8", "UTF8"):
            raise refuse("the embedded database supports the charset UTF-8 only")
        elif number not in (0, 2, 3, 4):
            raise refuse(f"unknown option {number}")
    return {}


def get_connection_info(connection: Connection, args: dict) -> dict:
    if args["info"] != 0:
        raise refuse(f"unknown connection info {args['info']}")
    return {"info": USER}


WITHOUT_SESSION = {"version", "conn", "check_server_status"}
ACTIONS = {
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
    "check_server_status": lambda connection, args: {"status": 2, "details": ""},  # 2: service ok
}
