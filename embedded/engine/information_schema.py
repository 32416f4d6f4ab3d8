"""information_schema and performance_schema: TDengine's own tables, made from the catalog when they are asked for.

The columns are those of TDengine 3.3.6. What has no meaning here is NULL, such as the time when a table was created.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

import pyarrow as pa
import pyarrow.compute as pc

from .. import VERSION
from ..common import clock
from ..common import datatypes as t
from ..common.catalog import SYSTEM_DATABASES, Database, Table
from ..common.datatypes import Column, arrow_type
from ..common.errors import TDengineError
from .context import Context
from .system_schemas import SCHEMAS, columns_of, database_of

Rows = dict[str, Sequence]  # by the name of a column; those that are not named are NULL

_SYSTEM_TABLES = [(name, columns_of(database_of(name), name)) for name in SCHEMAS]


def system_table(context: Context, database: str, name: str) -> tuple[tuple[Column, ...], pa.Table]:
    """The columns and the rows of such a table, at this moment. Errors: 0x2603, 0x2600."""
    columns_of(database, name)  # which refuses the name of no table
    return extract(name, _MAKERS[name](context) if name in _MAKERS else {})


def extract(name: str, rows: Rows) -> tuple[tuple[Column, ...], pa.Table]:
    """The columns of that table, with these rows."""
    columns = columns_of(database_of(name), name)
    count = len(next(iter(rows.values()), ()))
    arrays = [pa.array(rows[column.name], arrow_type(column)) if column.name in rows
              else pa.nulls(count, arrow_type(column)) for column in columns]
    return columns, pa.table(arrays, [column.name for column in columns])


def _databases(context: Context) -> Rows:
    own, databases = [None] * len(SYSTEM_DATABASES), list(context.store.databases.values())
    every = len(databases)
    return {"name": [*SYSTEM_DATABASES, *(database.name for database in databases)],
            "vgroups": own + [1] * every, "replica": own + [1] * every, "strict": own + ["on"] * every,
            "ntables": [sum(database_of(name) == system for name, _ in _SYSTEM_TABLES) for system in SYSTEM_DATABASES]
            + [len(database.subtables) for database in databases],
            "keep": own + [keep_text(database) for database in databases],
            "precision": ["ms"] * len(own) + [t.PRECISIONS[database.precision] for database in databases],
            "status": ["ready"] * (len(own) + every)}


def keep_text(database: Database) -> str:
    days, rest = divmod(database.keep_minutes, 1440)
    return ",".join([f"{database.keep_minutes}m" if rest else f"{days}d"] * 3)


def _tables_of(context: Context) -> Iterable[tuple[Database, Table]]:
    return ((database, table) for database in list(context.store.databases.values())
            for table in list(database.tables.values()))


def _stables(context: Context) -> Rows:
    found = [(database, table) for database, table in _tables_of(context) if table.is_super]
    return {"stable_name": [table.name for _, table in found], "db_name": [database.name for database, _ in found],
            "columns": [len(table.columns) for _, table in found], "tags": [len(table.tags) for _, table in found],
            "uid": [table.id for _, table in found], "isvirtual": [False] * len(found)}


def _tables(context: Context) -> Rows:
    parts = [([name], database_of(name), len(columns), None, [None], "SYSTEM_TABLE")
             for name, columns in _SYSTEM_TABLES]
    for database, table in _tables_of(context):
        subtables = dict(table.subtables)
        parts.append((list(subtables), database.name, len(table.columns), table.name if table.is_super else None,
                      list(subtables.values()), "CHILD_TABLE" if table.is_super else "NORMAL_TABLE"))
    names, databases, columns, stables, numbers, types = zip(*parts, strict=True)
    counts = [len(part) for part in names]
    return {"table_name": _joined(names), "db_name": _repeated(databases, counts),
            "columns": _repeated(columns, counts), "stable_name": _repeated(stables, counts), "uid": _joined(numbers),
            "vgroup_id": [1] * sum(counts), "ttl": [0] * sum(counts), "type": _repeated(types, counts)}


def _columns(context: Context) -> Rows:
    """Each column of each table: for a super table's subtables, the same list again and again."""
    parts = [(database_of(name), [name], columns, "SYSTEM_TABLE") for name, columns in _SYSTEM_TABLES]
    for database, table in _tables_of(context):
        if table.is_super:
            parts.append((database.name, [table.name], table.columns, "SUPER_TABLE"))
        parts.append((database.name, list(table.subtables), table.columns,
                      "CHILD_TABLE" if table.is_super else "NORMAL_TABLE"))
    rows: Rows = {"table_name": [], "db_name": [], "table_type": [], "col_name": [], "col_type": [], "col_length": []}
    for database, names, columns, kind in parts:
        count, width = len(names), len(columns)
        rows["table_name"] += _repeated(names, [width] * count)
        rows["db_name"] += [database] * (count * width)
        rows["table_type"] += [kind] * (count * width)
        rows["col_name"] += [column.name for column in columns] * count
        rows["col_type"] += [_type_text(column) for column in columns] * count
        rows["col_length"] += [_bytes(column) for column in columns] * count
    return rows


def tag_columns(context: Context, table: Table, subtable: str | None = None) -> list[pa.Array]:
    """The names of a super table's subtables, and each of their tags; or those of one subtable.

    Error: 0x2603 where the table was dropped meanwhile.
    """
    try:
        with context.store.file.state:
            batch = context.store.tags(table).batch
    except KeyError:
        raise TDengineError(0x2603, "Table does not exist") from None
    if subtable is not None:
        batch = batch.filter(pc.equal(batch["name"], subtable))
    return batch.columns[1:]


def tags_of(context: Context, database: Database, table: Table, subtable: str | None = None) -> Rows:
    """The rows of ins_tags for one super table, or for one of its subtables."""
    names, *values = tag_columns(context, table, subtable)
    count, width = len(names), len(table.tags)
    return {"table_name": names.to_pylist() * width, "db_name": [database.name] * (count * width),
            "stable_name": [table.name] * (count * width),
            "tag_name": _repeated([tag.name for tag in table.tags], [count] * width),
            "tag_type": _repeated([type_text(tag) for tag in table.tags], [count] * width),
            "tag_value": _joined(tag_texts(tag, found) for tag, found in zip(table.tags, values, strict=True))}


def _tags(context: Context) -> Rows:
    parts = []
    for database, table in _tables_of(context):
        if table.is_super:
            with suppress(TDengineError):
                parts.append(tags_of(context, database, table))
    return {name: _joined(part[name] for part in parts) for name in parts[0]} if parts else {}


def tag_texts(tag: Column, values: pa.Array) -> list[str | None]:
    """The values of a tag as ins_tags shows them."""
    if tag.type in (t.FLOAT, t.DOUBLE):
        digits = 5 if tag.type is t.FLOAT else 9
        return [value if value is None else f"{value:.{digits}f}" for value in values.to_pylist()]
    if tag.type is t.VARBINARY:
        return [value if value is None else "\\x" + value.hex().upper() for value in values.to_pylist()]
    return pc.cast(values, pa.string()).to_pylist()


def type_text(column: Column) -> str:
    """The type as CREATE takes it: NCHAR(8), DECIMAL(10,2), INT."""
    if column.type.variable and column.type is not t.JSON:
        return f"{column.type.name}({column.length})"
    return column.shown_type.replace(", ", ",")


def _type_text(column: Column) -> str:
    return "VARBINARY" if column.type is t.VARBINARY else type_text(column)


def _bytes(column: Column) -> int:
    """The length of a column as ins_columns has it: a text has two bytes more, and four for a character of NCHAR."""
    return column.length * (4 if column.type is t.NCHAR else 1) + 2 if column.type.variable else column.shown_length


def _joined(parts: Iterable[Sequence]) -> list:
    return [value for part in parts for value in part]


def _repeated(values: Sequence, counts: Sequence[int]) -> list:
    return [value for value, count in zip(values, counts, strict=True) for value in [value] * count]


def _connections(context: Context) -> Rows:
    found = context.sessions()
    return {"conn_id": [session.number for session in found], "user": [session.user for session in found],
            "login_time": [session.since for session in found]}


def _variables(context: Context) -> Rows:
    values = {"charset": "UTF-8", "timezone": clock.zone_text(context.timezone), "version": VERSION}
    return {"dnode_id": [1] * len(values), "name": list(values), "value": list(values.values()),
            "scope": ["both"] * len(values), "category": ["global"] * len(values), "info": [""] * len(values)}


_MAKERS: dict[str, Callable[[Context], Rows]] = {
    "ins_dnodes": lambda _: {"id": [1], "endpoint": ["localhost"], "vnodes": [1], "support_vnodes": [1],
                             "status": ["ready"], "note": [""]},
    "ins_mnodes": lambda _: {"id": [1], "endpoint": ["localhost"], "role": ["leader"], "status": ["ready"]},
    "ins_cluster": lambda _: {"id": [1], "name": ["embedded"], "version": ["embedded"]},
    "ins_users": lambda _: {"name": ["root"], **{name: [1] for name in ("super", "enable", "sysinfo", "createdb")},
                            "allowed_host": ["127.0.0.1"]},
    "ins_databases": _databases, "ins_stables": _stables, "ins_tables": _tables, "ins_tags": _tags,
    "ins_columns": _columns, "ins_configs": _variables, "ins_dnode_variables": _variables,
    "perf_connections": _connections,
}
