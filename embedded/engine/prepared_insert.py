"""INSERT with `?` marks: from bound values to the batches that the store writes."""

import re
from collections.abc import Sequence
from itertools import accumulate, groupby

import pyarrow as pa

from ..common.catalog import Database, Subtable, Table
from ..common.datatypes import BIND_COLUMN, BIND_TABLE, BIND_TAG, Bound, Field
from ..common.errors import TDengineError, not_supported
from ..common.values import from_bound
from ..sql import nodes
from ..sql.sources import no_column
from ..storage.rows import Batch
from .bound_tables import BoundTables, of_one_table
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

    Without USING, the table may be unknown until a name is bound; then the columns of `fields` are None. An INSERT
    into a super table names its tbname, tags and columns together.
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
        self._literal_tags: list[pa.Array] | None = None
        self._into_super_table = False
        if part.using is not None:
            self._table = super_table(context, part.table, part.using)
            self._tag_positions = positions_of(part.tag_names, self._table.tags, no_tag)
            if len(self._tag_positions) != len(part.tags):
                raise syntax_error(sql[part.tags_end:], "invalid data or symbol")
            if not self._tags_are_bound:
                self._literal_tags = literal_tags(context, part.table, part.using, part.tag_names, part.tags, "")[1]
        elif part.table is not None:
            found = context.database_of(part.table).find(part.table.name)
            self._into_super_table = isinstance(found, Table)
            self._table = found if self._into_super_table else found.table
        self.fields = self._super_fields(len(marked), sql) if self._into_super_table else self._fields(len(marked), sql)

    def _fields(self, count: int, sql: str) -> list[Field]:
        """One field for each `?`; `count` of them stand in VALUES."""
        part, table = self._part, self._table
        fields = [Field(TABLE_NAME, BIND_TABLE)] if part.table is None else []
        if self._tags_are_bound:
            fields += [Field(table.tags[i], BIND_TAG) for i in self._tag_positions]
        if table is None:
            return fields + [Field(None, BIND_COLUMN)] * count
        positions = self._column_positions(table)
        _check_count(count, len(positions), sql[part.spots[0][1]:])
        return fields + [Field(table.columns[i], BIND_COLUMN) for i in positions]

    def _super_fields(self, count: int, sql: str) -> list[Field]:
        """The same for INSERT INTO super_table (tbname, ...), in the order of the names."""
        part, table = self._part, self._table
        if part.columns is None or TABLE_NAME.name not in part.columns:
            raise syntax_error("values", "tbname is missing in the columns")
        _check_count(count, len(part.columns), sql[part.spots[0][1]:])
        everything = (TABLE_NAME, *table.tags, *table.columns)
        positions = positions_of(part.columns, everything, no_column)
        self._tags_are_bound = True
        self._tag_positions = tuple(i - 1 for i in positions if 0 < i <= len(table.tags))
        return [Field(everything[i], BIND_TABLE if i == 0 else BIND_TAG if i <= len(table.tags) else BIND_COLUMN)
                for i in positions]

    def execute(self, tables: Sequence[Bound | BoundTables]) -> int:
        """How many rows are stored. Errors: 0x0200 (values that do not fit), 0x2603 (no such subtable), 0x060B."""
        batches = []
        for bound in tables:
            batches += self._batches(of_one_table(bound) if isinstance(bound, Bound) else bound)
        return self._context.store.insert(batches)

    def _batches(self, bound: BoundTables) -> list[Batch]:
        part = self._part
        names = [part.table] if bound.names is None and part.table else list(map(bound_name, bound.names or [None]))
        if part.using is None and not self._into_super_table:
            return self._into_subtables(names, bound)
        if self._into_super_table:
            database = self._context.database_of(part.table)
            table = database.find(part.table.name)
            names = list(map(bound_name, bound.names or [None]))
        else:
            database, table = self._context.database_of(part.using), super_table(self._context, part.table, part.using)
        if any(name.database and self._context.database_of(name) is not database for name in names):
            raise other_database()
        tags = self._tags(table, bound, len(names))
        return [Batch(database, table, [name.name for name in names], bound.counts, tags, *self._columns(table, bound))]

    def _into_subtables(self, names: Sequence[nodes.TableName], bound: BoundTables) -> list[Batch]:
        """Subtables that exist; those of one table, which follow each other, make one batch."""
        found = [(*self._subtable(name), count, start) for name, count, start in
                 zip(names, bound.counts, accumulate(bound.counts, initial=0), strict=False)]
        batches = []
        for (database, table), group in groupby(found, lambda one: (one[0], one[1].table)):
            group = list(group)
            counts = [count for _, _, count, _ in group]
            rows = slice(group[0][3], group[0][3] + sum(counts))
            part = BoundTables(None, None, counts, [values[rows] for values in bound.columns])
            batches.append(Batch(database, table, [subtable.name for _, subtable, _, _ in group], counts, None,
                                 *self._columns(table, part)))
        return batches

    def _column_positions(self, table: Table) -> tuple[int, ...]:
        if not self._into_super_table:
            return positions_of(self._part.columns, table.columns, no_column)
        known = {column.name for column in table.columns}
        return positions_of([name for name in self._part.columns if name in known], table.columns, no_column)

    def _subtable(self, name: nodes.TableName) -> tuple[Database, Subtable]:
        database = self._context.database_of(name)
        found = database.find(name.name)
        if isinstance(found, Table):
            raise not_supported("binding the name of a super table")
        return database, found

    def _tags(self, table: Table, bound: BoundTables, tables: int) -> list[pa.Array]:
        """All tags of the table, with a value for each subtable."""
        if self._literal_tags is not None:
            return [pa.repeat(tag[0], tables) for tag in self._literal_tags]
        values = bound.tags or []
        if len(values) != len(self._tag_positions):
            raise TDengineError(0x0200, f"{len(self._tag_positions)} tags expected, {len(values)} bound")
        return all_tags(table, self._tag_positions, [from_bound(tag, table.tags[i]) for i, tag in
                                                     zip(self._tag_positions, values, strict=True)], tables)

    def _columns(self, table: Table, bound: BoundTables) -> tuple[tuple[int, ...], list[pa.Array]]:
        """The bound columns, the timestamp's first."""
        positions = self._column_positions(table)
        if len(bound.columns) != len(positions):
            raise TDengineError(0x0200, f"{len(positions)} columns expected, {len(bound.columns)} bound")
        columns = [from_bound(values, table.columns[i]) for i, values in zip(positions, bound.columns, strict=True)]
        return timestamp_first(positions, columns)


def _check_count(marks: int, wanted: int, rest: str) -> None:
    if marks != wanted:
        raise syntax_error(rest, ", expected" if marks < wanted else ") expected")


def bound_name(text: str | None) -> nodes.TableName:
    """The name of a table as it is bound: `d0`, `power.d0`, and both with backticks. Error: 0x0200."""
    match = _BOUND_NAME.fullmatch(text or "")
    if not match:
        raise TDengineError(0x0200, f"{text!r} is no table name" if text else "a table name is missing")
    database, name = (part and part.strip("`") for part in match.groups())
    return nodes.TableName(database, name)
