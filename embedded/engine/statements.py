"""What each statement but SELECT does.

`RUNNERS` has a function of (session, statement, its text) for each kind of statement. It returns an answer, how many
rows it has changed, or None.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa
from sqlglot import exp

from ..common.catalog import SYSTEM_DATABASES, Subtable
from ..common.datatypes import Column
from ..common.errors import TDengineError, not_supported
from ..sql import nodes
from ..sql.sources import no_column
from ..storage.rows import Batch
from .describe import Answer, describe
from .insert_parts import positions_of, timestamp_first
from .plain_result import Result
from .queries import Queries
from .show import show
from .table_changes import alter_table, delete, set_tags
from .text_insert import literal_tags, run_insert

_LEAST_KEEP, _MOST_KEEP = 1440, 525_600_000  # minutes
_ROWS_AT_ONCE = 100_000  # of an INSERT ... SELECT


class TableResult(Result):
    """The rows of an Arrow table."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(0, answer.columns, answer.precision)
        if len(answer.rows):
            self._batch = answer.rows.combine_chunks().to_batches()[0]


# ---------------------------------------------------------------------- databases

def _create_database(session: Queries, s: nodes.CreateDatabase, sql: str) -> None:
    _check_keep(s.keep_minutes)
    if s.name in SYSTEM_DATABASES:
        raise TDengineError(0x0381, "Database already exists")
    session.store.create_database(s.name, s.precision, s.if_not_exists, keep_minutes=s.keep_minutes)


def _alter_database(session: Queries, s: nodes.AlterDatabase, sql: str) -> None:
    database = session.store.database(s.name)
    if s.keep_minutes is not None:
        _check_keep(s.keep_minutes)
        session.store.alter_database(database, keep_minutes=s.keep_minutes)


def _check_keep(minutes: int) -> None:
    if not _LEAST_KEEP <= minutes <= _MOST_KEEP:
        raise TDengineError(0x2619, f"Invalid option keep: {minutes} valid range: [{_LEAST_KEEP}m, {_MOST_KEEP}m]")


def _drop_database(session: Queries, s: nodes.DropDatabase, sql: str) -> None:
    if s.name in SYSTEM_DATABASES:
        raise TDengineError(0x0200, f"Cannot drop system database: `{s.name}`")
    session.store.drop_database(s.name, s.if_exists)
    if session.database == s.name:
        session.database = None


def _use(session: Queries, s: nodes.Use, sql: str) -> None:
    session.database = session.known_database(s.name)


# ---------------------------------------------------------------------- tables

def _create_table(session: Queries, s: nodes.CreateTable, sql: str) -> None:
    session.store.create_table(session.database_of(s.table), s.table.name, s.columns, s.tags, s.if_not_exists)


def _create_subtables(session: Queries, s: nodes.CreateSubtables, sql: str) -> None:
    """All subtables of one super table are one change of the file."""
    found: dict[tuple, tuple[list, list]] = {}
    for subtable in s.subtables:
        name = subtable.table
        table, tags = literal_tags(session, name, subtable.using, subtable.tag_names, subtable.tags,
                                   sql[subtable.tags_end:])
        names, rows = found.setdefault((session.database_of(name), table, subtable.if_not_exists), ([], []))
        if name.name not in names:
            names.append(name.name)
            rows.append(tags)
    for (database, table, quiet), (names, rows) in found.items():
        tags = [pa.concat_arrays(values) for values in zip(*rows, strict=True)]
        session.store.create_subtables(database, table, names, tags, quiet)


def _drop_tables(session: Queries, s: nodes.DropTables, sql: str) -> None:
    wanted = []
    for name, if_exists in s.tables:
        database = session.database_of(name)
        if if_exists and not database.has(name.name):
            continue
        if s.super_only and not getattr(database.tables.get(name.name), "is_super", False):
            raise TDengineError(0x0362, "STable not exist")
        database.find(name.name)
        wanted.append((database, name.name))
    session.store.drop_tables(wanted)


# ---------------------------------------------------------------------- rows

def _insert(session: Queries, s: nodes.Insert, sql: str) -> int:
    if s.marks:
        raise TDengineError(0x0216, "syntax error near '?' (a ? needs a prepared statement)")
    return run_insert(session, s, sql)


def _insert_select(session: Queries, s: nodes.InsertSelect, sql: str) -> int:
    """The rows go from the answer into the table, a block at a time. Errors: 0x0200, 0x263F."""
    database = session.database_of(s.table)
    found = database.find(s.table.name)
    if not isinstance(found, Subtable):
        raise TDengineError(0x0200, "insert data into super table or virtual table is not supported")
    table = found.table
    positions = positions_of(s.columns, table.columns, no_column)
    if 0 not in positions:
        raise TDengineError(0x263F, "Primary timestamp column should not be null")
    result, affected = session.query(_cast(session, s.select, [table.columns[i] for i in positions])), 0
    if result.precision != table.precision:
        raise not_supported("INSERT ... SELECT between databases of different precisions")
    try:
        while (batch := result.fetch_batch(_ROWS_AT_ONCE)) is not None:
            values = [column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
                      for column in batch.columns]
            session.store.insert([Batch(database, table, [found.name], [len(batch)], None,
                                        *timestamp_first(positions, values))])
            affected += len(batch)
    finally:
        result.close()
    return affected


def _cast(session: Queries, select: nodes.Select, wanted: list[Column]) -> nodes.Select:
    """The SELECT with its columns in the types that are wanted, as CAST gives them. Error: 0x263F."""
    if not any(item.expression.is_star for item in select.items):  # two entries may have one name
        select = replace(select, items=tuple(item if item.aliased else nodes.Item(item.expression, f"column {i}", True)
                                             for i, item in enumerate(select.items)))
    columns = session.plan(select).columns
    if len(columns) != len(wanted):
        raise TDengineError(0x263F, "Illegal number of columns")
    items = [nodes.Item(_converted(column, target), target.name, True)
             for column, target in zip(columns, wanted, strict=True)]
    return nodes.Select(tuple(items), source=select)


def _converted(column: Column, target: Column) -> exp.Expression:
    named = exp.Column(this=exp.Identifier(this=column.name, quoted=True))
    if (column.type, column.length) == (target.type, target.length):
        return named
    kind = exp.Var(this=target.type.name)
    kind.meta["target"] = target  # as the parser leaves it
    return exp.Anonymous(this="cast", expressions=[named, kind])


RUNNERS: dict[type, Callable[[Queries, Any, str], Result | int | None]] = {
    nodes.CreateDatabase: _create_database, nodes.AlterDatabase: _alter_database, nodes.DropDatabase: _drop_database,
    nodes.Use: _use, nodes.CreateTable: _create_table, nodes.CreateSubtables: _create_subtables,
    nodes.DropTables: _drop_tables, nodes.Insert: _insert, nodes.InsertSelect: _insert_select,
    nodes.AlterTable: lambda session, s, sql: alter_table(session, s),
    nodes.SetTags: lambda session, s, sql: set_tags(session, s),
    nodes.Delete: lambda session, s, sql: delete(session, s),
    nodes.Describe: lambda session, s, sql: TableResult(describe(session, s.table)),
    nodes.Show: lambda session, s, sql: TableResult(show(session, s)),
}
