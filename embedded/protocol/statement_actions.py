"""The actions of prepared statements: stmt2, and the old stmt of older examples. See actions.py for their form."""

import json
from collections.abc import Callable
from typing import Any

from ..common.datatypes import BIND_COLUMN, BIND_TAG, Field
from ..common.decimals import digits_and_scale
from ..common.errors import TDengineError
from . import raw_blocks, wire
from .binding import check_name, decode_columns, from_json, marks
from .connection import Connection
from .prepared import Prepared, usage_error
from .requests import Arguments

Reply = dict[str, Any]


def _find(connection: Connection, id_: int) -> Prepared:
    if id_ not in connection.statements:
        raise TDengineError(0xFFFF, "stmt is nil")
    return connection.statements[id_]


def _statement(connection: Connection, args: Arguments) -> Prepared:
    return _find(connection, args["stmt_id"])


def _described(field: Field) -> Reply:
    """A `?` as clients read it; `bytes` has room for the length prefix of a variable type."""
    column = field.column
    if column is None:
        return {"name": "", "field_type": 0, "precision": 0, "scale": 0, "bytes": 0}
    digits, scale = digits_and_scale(column)
    return {"name": column.name, "field_type": column.type.code, "precision": digits, "scale": scale,
            "bytes": column.shown_length if digits else raw_blocks.schema_bytes(column)}


# ---- stmt2 and the old stmt

def init(connection: Connection, args: Arguments) -> Reply:
    if len(connection.statements) >= connection.MAX_OPEN:
        raise TDengineError(0xFFFF, f"{connection.MAX_OPEN} statements are open on this connection: close some")
    id_ = connection.new_id()
    connection.statements[id_] = Prepared()
    return {"stmt_id": id_}


def execute(connection: Connection, args: Arguments) -> Reply:
    return {"affected": _statement(connection, args).execute()}


def close(connection: Connection, args: Arguments) -> Reply:
    _statement(connection, args).close()
    del connection.statements[args["stmt_id"]]
    return {}


# ---- stmt2

def prepare2(connection: Connection, args: Arguments) -> Reply:
    prepared = _statement(connection, args)
    prepared.prepare(connection.session, args["sql"])
    statement, fields = prepared.statement, None
    if statement.is_insert:
        fields = [_described(field) | {"bind_type": field.bind} for field in statement.fields]
    return {"is_insert": statement.is_insert, "fields": fields, "fields_count": statement.params}


def bind2(connection: Connection, id_: int, body: memoryview) -> Reply:
    _find(connection, id_).bind(body)
    return {}


def result2(connection: Connection, args: Arguments) -> Reply:
    return connection.announce(_statement(connection, args).take_result())


# ---- the old stmt

def prepare(connection: Connection, args: Arguments) -> Reply:
    prepared = _statement(connection, args)
    prepared.prepare(connection.session, args["sql"])
    return {"is_insert": prepared.statement.is_insert}


def set_table_name(connection: Connection, args: Arguments) -> Reply:
    prepared = _statement(connection, args)
    check_name(True, prepared.fields)
    prepared.name = args["name"]
    return {}


def set_tags(connection: Connection, args: Arguments) -> Reply:
    prepared = _statement(connection, args)
    prepared.tags = from_json(args["tags"], BIND_TAG, prepared.fields)
    return {}


def set_tags_block(connection: Connection, id_: int, body: memoryview) -> Reply:
    prepared = _find(connection, id_)
    values = [value for _, values in raw_blocks.decode_block(body) for value in values.to_pylist()]
    marks(prepared.fields, BIND_TAG, len(values))
    prepared.tags = values
    return {}


def bind(connection: Connection, args: Arguments) -> Reply:
    prepared, columns = _statement(connection, args), args["columns"]
    try:
        rows = [from_json(list(row), BIND_COLUMN, prepared.fields) for row in zip(*columns, strict=True)]
    except (TypeError, ValueError) as error:
        raise wire.malformed("columns are lists of equal length") from error
    prepared.bind_columns([list(column) for column in zip(*rows, strict=True)], len(json.dumps(columns)))
    return {}


def bind_block(connection: Connection, id_: int, body: memoryview) -> Reply:
    prepared = _find(connection, id_)
    prepared.bind_columns(decode_columns(body, prepared.fields), len(body))
    return {}


def add_batch(connection: Connection, args: Arguments) -> Reply:
    _statement(connection, args).add_batch()
    return {}


def use_result(connection: Connection, args: Arguments) -> Reply:
    reply = connection.announce(_statement(connection, args).take_result())
    return reply | {"result_id": reply.pop("id")}


def close_without_reply(connection: Connection, args: Arguments) -> None:
    if args["stmt_id"] in connection.statements:
        close(connection, args)


def get_tag_fields(connection: Connection, args: Arguments) -> Reply:
    return _fields(connection, args, BIND_TAG)


def get_col_fields(connection: Connection, args: Arguments) -> Reply:
    return _fields(connection, args, BIND_COLUMN)


def _fields(connection: Connection, args: Arguments, bind_type: int) -> Reply:
    fields = _statement(connection, args).fields or []
    return {"fields": [_described(field) for field in fields if field.bind == bind_type]}


def stmt_num_params(connection: Connection, args: Arguments) -> Reply:
    prepared = _statement(connection, args)
    return {"num_params": prepared.statement.params if prepared.statement else 0}


def stmt_get_param(connection: Connection, args: Arguments) -> Reply:
    prepared, index = _statement(connection, args), args["index"]
    columns = [field.column for field in prepared.fields or () if field.bind == BIND_COLUMN]
    if not 0 <= index < len(columns) or columns[index] is None:
        raise usage_error(f"no parameter {index}")
    return {"index": index, "data_type": columns[index].type.code, "length": raw_blocks.schema_bytes(columns[index])}


ACTIONS: dict[str, Callable[[Connection, Arguments], Reply | None]] = {
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
    "close": close_without_reply,
    "use_result": use_result,
    "get_tag_fields": get_tag_fields,
    "get_col_fields": get_col_fields,
    "stmt_num_params": stmt_num_params,
    "stmt_get_param": stmt_get_param,
}
# By the action of a binary frame: the action that the reply names, and the function of (connection, id, body)
BINARY: dict[int, tuple[str, Callable[[Connection, int, memoryview], Reply]]] = {
    wire.SET_TAGS: ("set_tags", set_tags_block),
    wire.BIND: ("bind", bind_block),
    wire.STMT2_BIND: ("stmt2_bind", bind2),
}
