"""INSERT with its values in the text: from the parsed statement to the batches that the store writes."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import chain
from typing import Any

import pyarrow as pa

from ..common.catalog import Database, Table
from ..common.datatypes import Column
from ..common.errors import TDengineError, not_supported
from ..common.literals import from_literals
from ..sql import nodes
from ..sql.expressions import Expressions
from ..sql.sources import Source, no_column
from ..storage.rows import Batch
from .context import Context
from .insert_parts import TABLE_NAME, all_tags, no_tag, positions_of, super_table, syntax_error, timestamp_first

_PLAIN = {int, float, Decimal, str, bool, type(None)}


def run_insert(context: Context, statement: nodes.Insert, sql: str) -> int:
    """How many rows are stored. Errors: 0x0216, 0x2602, 0x2603, 0x260B, 0x2653 and their like."""
    batches: list[Batch] = []
    for part in statement.tables:
        batches += _batches(context, part, sql)
    return context.store.insert(batches)


def literal_tags(context: Context, name: nodes.TableName, using: nodes.TableName, tag_names: Sequence[str] | None,
                 values: Sequence[Any], rest: str) -> tuple[Table, list[pa.Array]]:
    """The super table that USING names, and all tags of the subtable `name`. `rest` is the SQL after the tags.

    Errors: 0x2603, 0x2618, 0x260E, 0x0216, 0x2653.
    """
    table = super_table(context, name, using)
    positions = positions_of(tag_names, table.tags, no_tag)
    if len(values) != len(positions):
        raise syntax_error(rest, "invalid data or symbol")
    literals = Literals(context, table.precision)
    return table, all_tags(table, positions, [literals.array([value], table.tags[i])
                                              for i, value in zip(positions, values, strict=True)])


class Literals:
    """Turns the values of one VALUES or TAGS into arrays."""

    def __init__(self, context: Context, precision: int) -> None:
        self.environment, self.precision = context.environment(), precision

    def array(self, values: Sequence[Any], column: Column) -> pa.Array:
        if not set(map(type, values)) <= _PLAIN:
            values = [value if type(value) in _PLAIN else self._const(value) for value in values]
        return from_literals(values, column, self.precision, self.environment.zone)

    def _const(self, value: Any) -> Any:
        if value is nodes.MARK:
            raise syntax_error("?", "a ? beside literal values")
        compiled = Expressions(Source(precision=self.precision), self.environment).compile(value)
        if not compiled.is_const:
            raise not_supported("an expression as a value")
        return compiled.const


def _batches(context: Context, part: nodes.Rows, sql: str) -> list[Batch]:
    """One table's part of an INSERT; into a super table it may be rows of several subtables."""
    database = context.database_of(part.table)
    known = database.subtables.get(part.table.name)
    tags = None
    if part.using is not None:
        table, tags = literal_tags(context, part.table, part.using, part.tag_names, part.tags, sql[part.tags_end:])
        if known is not None and known.table is not table:
            raise TDengineError(0x2603, "Table does not exist")
    else:
        found = known or database.find(part.table.name)
        if isinstance(found, Table):
            return _super_table_batches(context, database, found, part, sql)
        table = found.table
    positions = positions_of(part.columns, table.columns, no_column)
    columns = _columns(context, table, [table.columns[i] for i in positions], part, sql)
    return [Batch(database, table, [part.table.name], [len(part.rows)], tags, *timestamp_first(positions, columns))]


def _super_table_batches(context: Context, database: Database, table: Table, part: nodes.Rows,
                         sql: str) -> list[Batch]:
    """INSERT INTO super_table (tbname, tags and columns ...) VALUES ...: each row names its subtable."""
    if part.columns is None or "tbname" not in part.columns:
        raise syntax_error("values", "tbname is missing in the columns")
    everything = (TABLE_NAME, *table.columns, *table.tags)
    positions = positions_of(part.columns, everything, no_column)
    columns = _columns(context, table, [everything[i] for i in positions], part, sql)
    by_position = dict(zip(positions, columns, strict=True))
    of_rows = [i for i in sorted(by_position) if 0 < i <= len(table.columns)]
    of_tags = [i for i in by_position if i > len(table.columns)]
    if 1 not in of_rows:
        raise syntax_error(")", "Primary timestamp column should not be null")
    rows_of: dict[str, list[int]] = {}
    for row, subtable in enumerate(by_position[0].to_pylist()):
        if not subtable:
            raise syntax_error("null", "tbname should not be null")
        rows_of.setdefault(subtable, []).append(row)
    order, firsts = pa.array(chain.from_iterable(rows_of.values())), pa.array(rows[0] for rows in rows_of.values())
    tags = all_tags(table, [i - 1 - len(table.columns) for i in of_tags],
                    [by_position[i].take(firsts) for i in of_tags], len(rows_of))
    return [Batch(database, table, list(rows_of), list(map(len, rows_of.values())), tags,
                  tuple(i - 1 for i in of_rows), [by_position[i].take(order) for i in of_rows])]


def _columns(context: Context, table: Table, columns: list[Column], part: nodes.Rows, sql: str) -> list[pa.Array]:
    """The rows of VALUES, checked, in columns."""
    for row, (start, end) in zip(part.rows, part.spots, strict=True):
        if len(row) < len(columns):
            raise syntax_error(sql[end:], ", expected")
        if len(row) > len(columns):
            raise syntax_error(sql[end:], ") expected")
        for value, column in zip(row, columns, strict=True):
            if value is None and column is table.columns[0]:
                raise syntax_error(sql[start + 1:].lstrip(), "Primary timestamp column should not be null")
    literals = Literals(context, table.precision)
    return [literals.array(values, column)
            for column, values in zip(columns, zip(*part.rows, strict=True), strict=True)]
