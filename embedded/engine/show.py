"""SHOW in its other forms: most are an extract of information_schema."""

import re
from collections.abc import Iterable

import pyarrow as pa

from ..common import datatypes as t
from ..common.catalog import SYSTEM_DATABASES, Database, Subtable, Table
from ..common.datatypes import Column
from ..common.errors import TDengineError, not_supported
from ..sql import nodes
from .context import Context
from .describe import Answer, answer, show_create, show_create_database, text
from .information_schema import extract, system_table, tag_columns, tags_of
from .insert_parts import no_tag, positions_of

_WHOLE = {"DNODES": "ins_dnodes", "MNODES": "ins_mnodes", "ANODES": "ins_anodes", "CLUSTER": "ins_cluster",
          "USERS": "ins_users", "INDEXES": "ins_indexes", "CONNECTIONS": "perf_connections",
          "FUNCTIONS": "ins_functions", "VARIABLES": "ins_dnode_variables",
          "CLUSTER VARIABLES": "ins_dnode_variables", "LOCAL VARIABLES": "ins_dnode_variables"}


def show(context: Context, wanted: nodes.Show) -> Answer:
    """Errors: 0x2616, 0x0388, 0x2603, 0x2600, 0x2665."""
    what = wanted.what
    if what in ("CREATE TABLE", "CREATE STABLE"):
        return show_create(context, wanted.table, what == "CREATE STABLE")
    if what == "CREATE DATABASE":
        return show_create_database(context.store.database(wanted.database))
    if what in ("CLUSTER ALIVE", "ALIVE"):
        return answer([Column("status", t.INT, 4)], [(1,)])
    if what == "TAGS":
        return _tags(context, wanted.table)
    if what == "TABLE TAGS":
        return _table_tags(context, wanted.table, wanted.tags)
    if what in ("DATABASES", "STABLES", "TABLES"):
        return _names(context, wanted)
    if what not in _WHOLE:
        raise not_supported(f"SHOW {what}")
    name = _WHOLE[what]
    columns, rows = system_table(context, SYSTEM_DATABASES[name.startswith("perf_")], name)
    if what == "FUNCTIONS":
        columns, rows = columns[:1], rows.select([0])
    if what.endswith("VARIABLES"):
        columns, rows = columns[1:], rows.select(range(1, len(columns)))
        rows = rows.filter(pa.array([_matches(value, wanted.like) for value in rows["name"].to_pylist()]))
    return Answer(columns, rows)


def _names(context: Context, wanted: nodes.Show) -> Answer:
    kind, names = wanted.kind, []
    if wanted.what == "DATABASES":
        names += SYSTEM_DATABASES if kind != "USER" else ()
        names += context.store.databases if kind != "SYSTEM" else ()
        return answer([text("name", 64)], _like(names, wanted.like))
    database = wanted.database or context.database
    if database in SYSTEM_DATABASES:
        tables = system_table(context, SYSTEM_DATABASES[0], "ins_tables")[1].to_pylist()
        names = [row["table_name"] for row in tables if row["db_name"] == database and wanted.what == "TABLES"]
    else:
        found = context.store.database(database)
        if wanted.what == "STABLES":
            names = [name for name, table in list(found.tables.items()) if table.is_super]
        else:
            names = [name for name, subtable in list(found.subtables.items())
                     if kind is None or (kind == "CHILD") is subtable.table.is_super]
    return answer([text("stable_name" if wanted.what == "STABLES" else "table_name", 192)],
                  _like(names, wanted.like))


def _like(names: Iterable[str], pattern: str | None) -> list[tuple]:
    return [(name,) for name in names if _matches(name, pattern)]


def _matches(name: str, pattern: str | None) -> bool:
    """LIKE, in any case, where a backslash before % or _ makes it stand for itself."""
    if pattern is None:
        return True
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    turned = "".join({"%": ".*", "_": "."}.get(part) or re.escape(part[-1]) for part in parts)
    return re.fullmatch(turned, name, re.DOTALL | re.IGNORECASE) is not None


def _tags(context: Context, name: nodes.TableName) -> Answer:
    """SHOW TAGS FROM a subtable; none for a super table, as in TDengine."""
    database, table, subtable = _tagged(context, name)
    rows = tags_of(context, database, table, subtable) if subtable else {}
    return Answer(*extract("ins_tags", rows))


def _table_tags(context: Context, name: nodes.TableName, wanted: tuple[str, ...]) -> Answer:
    """SHOW TABLE TAGS FROM: a row for each subtable."""
    _, table, subtable = _tagged(context, name)
    columns = (Column("tbname", t.VARCHAR, 270), *table.tags)
    chosen = positions_of(wanted or None, columns, no_tag)
    values = tag_columns(context, table, subtable)
    columns = [columns[i] for i in chosen]
    return Answer(columns, pa.table([values[i] for i in chosen], [column.name for column in columns]), table.precision)


def _tagged(context: Context, name: nodes.TableName) -> tuple[Database, Table, str | None]:
    """The super table of that name, or that of the subtable and the subtable's name. Error: 0x2665."""
    database = context.database_of(name)
    found = database.find(name.name)
    table = found.table if isinstance(found, Subtable) else found
    if not table.is_super:
        raise TDengineError(0x2665, "Tags can only applied to super table and child table")
    return database, table, found.name if isinstance(found, Subtable) else None
