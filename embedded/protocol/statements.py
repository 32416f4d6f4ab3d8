"""Prepared statements over the wire: stmt2, and the old stmt of older examples.

Both collect `Bound` tables until their exec, which stores them all in one go. The old one is fed in small
steps: table name, tags, columns, and `add_batch`, which closes what was bound so far.
"""

import json

from ..common.datatypes import BIND_COLUMN, BIND_TAG, Bound
from ..common.errors import TDengineError
from . import wire
from .binding import check_name, decode_bind, decode_columns, from_json, marks

MAX_BOUND_BYTES = 512 << 20  # waiting for one exec


class Prepared:
    """One statement of a connection, from its init to its close."""

    def __init__(self):
        self.statement = None  # the session's, once prepared
        self.result = None  # of a SELECT, from its exec until it is taken
        self.name: str | None = None  # old stmt: what was set last
        self.tags: list | None = None
        self.reset()

    def reset(self) -> None:
        """Drop what is bound and not executed."""
        self.pending: list[Bound] = []  # old stmt: bound, not yet added
        self.tables: list[Bound] = []
        self.bytes = 0

    def prepare(self, session, sql: str) -> None:
        self.close()
        self.statement = session.prepare(sql)

    @property
    def fields(self):
        """The statement's marks; None for a SELECT, whose marks have no type."""
        if self.statement is None:
            raise misuse("not prepared")
        return self.statement.fields if self.statement.is_insert else None

    def keep(self, into: list[Bound], tables: list[Bound], size: int) -> None:
        self.bytes += size
        if self.bytes > MAX_BOUND_BYTES:
            self.reset()
            raise TDengineError(0xFFFF, f"more than {MAX_BOUND_BYTES} bytes bound: execute more often")
        into += tables

    def bind_old(self, columns: list[list], size: int) -> None:
        """The columns of the table and tags that were set last."""
        check_name(self.name is not None, self.fields)
        marks(self.fields, BIND_TAG, len(self.tags or ()))
        self.keep(self.pending, [Bound(self.name, self.tags, columns)], size)

    def execute(self) -> int:
        if self.statement is None or self.pending:
            raise misuse("bound rows were not added" if self.pending else "not prepared")
        tables = self.tables
        self.close_result()
        self.reset()
        result = self.statement.execute(tables)
        if result.columns:
            self.result = result
        return result.affected

    def take_result(self):
        if self.result is None:
            raise misuse("no result")
        result, self.result = self.result, None
        return result

    def close_result(self) -> None:
        if self.result:
            self.result.close()
            self.result = None

    def close(self) -> None:
        self.close_result()
        self.reset()
        self.statement = self.name = self.tags = None


def misuse(what: str) -> TDengineError:
    return TDengineError(0x0217, f"Stmt API usage error: {what}")


def prepared(connection, args: dict) -> Prepared:
    return find(connection, args["stmt_id"])


def find(connection, id_: int) -> Prepared:
    if id_ not in connection.statements:
        raise TDengineError(0xFFFF, "stmt is nil")
    return connection.statements[id_]


# ---- both

def init(connection, args: dict) -> dict:
    if len(connection.statements) >= connection.MAX_OPEN:
        raise TDengineError(0xFFFF, f"{connection.MAX_OPEN} statements are open on this connection: close some")
    id_ = connection.new_id()
    connection.statements[id_] = Prepared()
    return {"stmt_id": id_}


def execute(connection, args: dict) -> dict:
    return {"affected": prepared(connection, args).execute()}


def close(connection, args: dict) -> dict:
    prepared(connection, args).close()
    del connection.statements[args["stmt_id"]]
    return {}


def close_silently(connection, args: dict) -> None:
    if args["stmt_id"] in connection.statements:
        close(connection, args)


def describe(field) -> dict:
    """A mark as clients read it; `bytes` has room for the length prefix of a variable type."""
    column = field.column
    return {"name": column.name if column else "", "field_type": column.type.code if column else 0,
            "precision": 0, "scale": 0, "bytes": wire.schema_bytes(column) if column else 0}


# ---- stmt2

def prepare2(connection, args: dict) -> dict:
    target = prepared(connection, args)
    target.prepare(connection.session, args["sql"])
    statement = target.statement
    fields = [describe(field) | {"bind_type": field.bind} for field in statement.fields] if statement.is_insert else None
    return {"is_insert": statement.is_insert, "fields": fields, "fields_count": statement.params}


def bind2(connection, id_: int, body) -> dict:
    target = find(connection, id_)
    target.keep(target.tables, decode_bind(body, target.fields), len(body))
    return {}


def result2(connection, args: dict) -> dict:
    return connection.announce(prepared(connection, args).take_result())


# ---- the old stmt

def prepare(connection, args: dict) -> dict:
    target = prepared(connection, args)
    target.prepare(connection.session, args["sql"])
    return {"is_insert": target.statement.is_insert}


def set_table_name(connection, args: dict) -> dict:
    target = prepared(connection, args)
    check_name(True, target.fields)
    target.name = args["name"]
    return {}


def set_tags(connection, args: dict) -> dict:
    target = prepared(connection, args)
    target.tags = from_json(args["tags"], BIND_TAG, target.fields)
    return {}


def set_tags_block(connection, id_: int, body) -> dict:
    target = find(connection, id_)
    values = [value for _, values in wire.decode_block(body) for value in values]
    marks(target.fields, BIND_TAG, len(values))
    target.tags = values
    return {}


def bind(connection, args: dict) -> dict:
    target, columns = prepared(connection, args), args["columns"]
    try:
        rows = [from_json(list(row), BIND_COLUMN, target.fields) for row in zip(*columns, strict=True)]
    except (TypeError, ValueError) as error:
        raise wire.malformed("columns are lists of equal length") from error
    target.bind_old([list(column) for column in zip(*rows)], len(json.dumps(columns)))
    return {}


def bind_block(connection, id_: int, body) -> dict:
    target = find(connection, id_)
    target.bind_old(decode_columns(body, target.fields), len(body))
    return {}


def add_batch(connection, args: dict) -> dict:
    target = prepared(connection, args)
    target.tables += target.pending
    target.pending = []
    return {}


def use_result(connection, args: dict) -> dict:
    reply = connection.announce(prepared(connection, args).take_result())
    return reply | {"result_id": reply.pop("id")}


def fields_of(kind: int):
    def reply(connection, args: dict) -> dict:
        fields = prepared(connection, args).fields or []
        return {"fields": [describe(field) for field in fields if field.bind == kind]}
    return reply


def stmt_num_params(connection, args: dict) -> dict:
    target = prepared(connection, args)
    return {"num_params": target.statement.params if target.statement else 0}


def stmt_get_param(connection, args: dict) -> dict:
    target, index = prepared(connection, args), args["index"]
    columns = [field.column for field in target.fields or () if field.bind == BIND_COLUMN]
    if not 0 <= index < len(columns) or columns[index] is None:
        raise misuse(f"no parameter {index}")
    return {"index": index, "data_type": columns[index].type.code, "length": wire.schema_bytes(columns[index])}


ACTIONS = {
    "stmt2_init": init,
    "stmt2_prepare": prepare2,
    "stmt2_exec": execute,
    "stmt2_result": result2,
    "stmt2_close": close,
    "init": init,
    "prepare": prepare,
    "set_table_name": set_table_name,
    "set_tags": set_tags,
    "bind": bind,
    "add_batch": add_batch,
    "exec": execute,
    "close": close_silently,
    "use_result": use_result,
    "get_tag_fields": fields_of(BIND_TAG),
    "get_col_fields": fields_of(BIND_COLUMN),
    "stmt_num_params": stmt_num_params,
    "stmt_get_param": stmt_get_param,
}
BINARY = {  # action of a binary frame: the action its reply names, and the handler (connection, statement id, body)
    wire.SET_TAGS: ("set_tags", set_tags_block),
    wire.BIND: ("bind", bind_block),
    wire.STMT2_BIND: ("stmt2_bind", bind2),
}
