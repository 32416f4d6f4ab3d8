"""INSERT with `?` marks: from bound values to the batches that the store writes."""

import re
from typing import Any

from ..common.catalog import Database, Subtable, Table
from ..common.datatypes import BIND_COLUMN, BIND_TABLE, BIND_TAG, Bound, Field
from ..common.errors import TDengineError, not_supported
from ..common.values import from_bound
from ..sql import nodes
from ..sql.sources import no_column
from ..storage.rows import Batch
from .context import Context
from .insert_parts import (
    TABLE_NAME,
    all_tags,
    no_tag,
    other_database,
    positions_of,
    super_table,
    syntax_error,
    timestamp_first,
)
from .text_insert import literal_tags

_BOUND_NAME = re.compile(r"(?:(`[^`]+`|[^`.]+)\.)?(`[^`]+`|[^`.]+)", re.DOTALL)


class PreparedInsert:
    """The INSERT of one table: `?` may stand for the table's name, for the tags, and stands for every column.

    Without USING, the table may be unknown until a name is bound; then the columns of `fields` are None.
    """

    def __init__(self, context: Context, statement: nodes.Insert, sql: str) -> None:
        if len(statement.tables) != 1 or len(statement.tables[0].rows) != 1:
            raise not_supported("a prepared INSERT of more than one table or row")
        self._context, self._part = context, statement.tables[0]
        part = self._part
        self._tags_are_bound = nodes.MARK in part.tags
        marked = [value is nodes.MARK for value in part.rows[0]]
        if not all(marked) or self._tags_are_bound and not all(tag is nodes.MARK for tag in part.tags):
            raise syntax_error("?", "no mix usage for ? and values")
        self._table: Table | None = None
        self._literal_tags: list[Any] | None = None
        if part.using is not None:
            self._table = super_table(context, part.table, part.using)
            self._tag_positions = positions_of(part.tag_names, self._table.tags, no_tag)
            if len(self._tag_positions) != len(part.tags):
                raise syntax_error(sql[part.tags_end:], "invalid data or symbol")
            if not self._tags_are_bound:
                self._literal_tags = literal_tags(context, part.table, part.using, part.tag_names, part.tags, "")[1]
        elif part.table is not None:
            self._table = self._subtable(part.table)[1].table
        self.fields = self._fields(len(marked), sql)

    def _fields(self, count: int, sql: str) -> list[Field]:
        """One field for each `?`; `count` of them stand in VALUES."""
        part, table = self._part, self._table
        fields = [Field(TABLE_NAME, BIND_TABLE)] if part.table is None else []
        if self._tags_are_bound:
            fields += [Field(table.tags[i], BIND_TAG) for i in self._tag_positions]
        if table is None:
            return fields + [Field(None, BIND_COLUMN)] * count
        positions = self._column_positions(table)
        if len(positions) != count:
            raise syntax_error(sql[part.spots[0][1]:], ", expected" if count < len(positions) else ") expected")
        return fields + [Field(table.columns[i], BIND_COLUMN) for i in positions]

    def execute(self, tables: list[Bound]) -> int:
        """How many rows are stored. Errors: 0x0200 (values that do not fit), 0x2603 (no such subtable), 0x060B."""
        part, table = self._part, None
        if part.using is not None:
            table = super_table(self._context, part.table, part.using)  # it may have been dropped and made again
            positions, database = self._column_positions(table), self._context.database_of(part.using)
        batches = []
        for bound in tables:
            name, tags = part.table or bound_name(bound.name), None
            if part.using is not None:
                if name.database and self._context.database_of(name) is not database:
                    raise other_database()
                tags = self._tags(table, bound)
            else:
                database, known = self._subtable(name)
                table, positions = known.table, self._column_positions(known.table)
            batches.append(Batch(database, table, name.name, tags, *_bound_columns(table, positions, bound)))
        return self._context.store.insert(batches)

    def _column_positions(self, table: Table) -> tuple[int, ...]:
        return positions_of(self._part.columns, table.columns, no_column)

    def _subtable(self, name: nodes.TableName) -> tuple[Database, Subtable]:
        database = self._context.database_of(name)
        found = database.find(name.name)
        if isinstance(found, Table):
            raise not_supported("parameter binding into a super table by the tbname column")
        return database, found

    def _tags(self, table: Table, bound: Bound) -> list[Any]:
        if self._literal_tags is not None:
            return self._literal_tags
        values = bound.tags or []
        if len(values) != len(self._tag_positions):
            raise TDengineError(0x0200, f"{len(self._tag_positions)} tags expected, {len(values)} bound")
        stored = [from_bound([value], table.tags[i])[0]
                  for i, value in zip(self._tag_positions, values, strict=True)]
        return all_tags(table, self._tag_positions, stored)


def bound_name(text: str | None) -> nodes.TableName:
    """The name of a table as it is bound: `d0`, `power.d0`, and both with backticks. Error: 0x0200."""
    match = _BOUND_NAME.fullmatch(text or "")
    if not match:
        raise TDengineError(0x0200, f"{text!r} is no table name" if text else "a table name is missing")
    database, name = (part and part.strip("`") for part in match.groups())
    return nodes.TableName(database, name)


def _bound_columns(table: Table, positions: tuple[int, ...], bound: Bound) -> tuple[tuple[int, ...], list[Any]]:
    """The bound columns as they are stored, the timestamp's first."""
    if len(bound.columns) != len(positions):
        raise TDengineError(0x0200, f"{len(positions)} columns expected, {len(bound.columns)} bound")
    if len(set(map(len, bound.columns))) > 1:
        raise TDengineError(0x0200, "columns of different lengths")
    columns = [from_bound(values, table.columns[i]) for i, values in zip(positions, bound.columns, strict=True)]
    return timestamp_first(positions, columns)
