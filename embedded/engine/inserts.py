"""INSERT: from its text or from bound values to the batches that the store writes."""

from typing import Any, Sequence

from ..common import datatypes as t
from ..sql import nodes
from ..common.catalog import Database, Subtable, Table
from ..common.datatypes import BIND_COLUMN, BIND_TABLE, BIND_TAG, Bound, Column, Field
from ..common.errors import TDengineError, not_supported
from ..sql.expressions import Expressions
from ..sql.typed import Parameters
from ..sql.sources import Source, no_column
from ..storage.store import Batch
from ..common.values import from_bound, from_literal

TABLE_NAME = Column("tbname", t.VARCHAR, 192)


def _near(text: str, hint: str) -> TDengineError:
    return TDengineError(0x0216, f"syntax error near '{text[:64]}' ({hint})")


def _positions(columns: tuple[Column, ...], names: Sequence[str] | None, error: Any) -> tuple[int, ...]:
    """Where the named columns stand; all of them without names."""
    if names is None:
        return tuple(range(len(columns)))
    known = {column.name: i for i, column in enumerate(columns)}
    for name in names:
        if name not in known:
            raise error(name)
    if len(set(names)) < len(names):
        raise TDengineError(0x263C, "Duplicated column names")
    return tuple(known[name] for name in names)


def _no_tag(name: str) -> TDengineError:
    return TDengineError(0x260E, f"Invalid tag name: {name}")


def _spread(table: Table, positions: tuple[int, ...], values: Sequence[Any]) -> list[Any]:
    tags: list[Any] = [None] * len(table.tags)
    for position, value in zip(positions, values):
        tags[position] = value
    return tags


class Values:
    """Turns what stands in VALUES and TAGS into stored values."""

    def __init__(self, session: Any, precision: int):
        self.environment, self.precision = session.environment(), precision

    def stored(self, value: Any, column: Column) -> Any:
        if value is nodes.MARK:
            raise _near("?", "a ? beside literal values")
        if not isinstance(value, (int, float, str, bool, type(None))):
            compiled = Expressions(Source(precision=self.precision), self.environment, Parameters()).compile(value)
            if not compiled.is_const:
                raise not_supported("an expression as a value")
            value = compiled.const
        return from_literal(value, column, self.precision, self.environment.zone)


# ---------------------------------------------------------------------- INSERT as text

def run_insert(session: Any, statement: nodes.Insert, sql: str) -> int:
    """Rows stored. Errors: 0x0216, 0x2602, 0x2603, 0x260B, 0x2653 and their like."""
    batches: list[Batch] = []
    for part in statement.tables:
        batches += _text_batches(session, part, sql)
    return session._store.insert(batches)


def _text_batches(session: Any, part: nodes.Rows, sql: str) -> list[Batch]:
    database = session.locate(part.table)
    known = database.subtables.get(part.table.name)
    tags = None
    if part.using is not None:
        table, tags = literal_tags(session, part.table, part.using, part.tag_names, part.tags, sql[part.tags_end:])
        if known is not None and known.table is not table:
            raise TDengineError(0x2603, "Table does not exist")
    else:
        found = known or database.find(part.table.name)
        if isinstance(found, Table):
            return _super_table_batches(session, database, found, part, sql)
        table = found.table
    positions = _positions(table.columns, part.columns, no_column)
    columns = _columns(session, table, [table.columns[i] for i in positions], part, sql)
    return [Batch(database, table, part.table.name, tags, *_timestamp_first(positions, columns))]


def _columns(session: Any, table: Table, columns: list[Column], part: nodes.Rows, sql: str) -> list[list[Any]]:
    """The rows of VALUES, checked, column-major."""
    for row, (start, end) in zip(part.rows, part.spots):
        if len(row) < len(columns):
            raise _near(sql[end:], ", expected")
        if len(row) > len(columns):
            raise _near(sql[end:], ") expected")
        for value, column in zip(row, columns):
            if value is None and column is table.columns[0]:
                raise _near(sql[start + 1:].lstrip(), "Primary timestamp column should not be null")
    convert = Values(session, table.precision)
    return [[convert.stored(value, column) for value in values] for column, values in zip(columns, zip(*part.rows))]


def _timestamp_first(positions: tuple[int, ...], columns: list) -> tuple[tuple[int, ...], list]:
    if positions[0] == 0:
        return positions, columns
    if 0 not in positions:
        raise TDengineError(0x0216, "syntax error near ')' (Primary timestamp column should not be null)")
    at = positions.index(0)
    order = [at] + [i for i in range(len(positions)) if i != at]
    return tuple(positions[i] for i in order), [columns[i] for i in order]


def literal_tags(session: Any, name: nodes.TableName, using: nodes.TableName, tag_names: Sequence[str] | None,
                 values: Sequence[Any], rest: str) -> tuple[Table, list[Any]]:
    """The super table that USING names, and the tags of TAGS. Errors: 0x2603, 0x2618, 0x260E, 0x0216, 0x2653."""
    table = super_table(session, name, using)
    positions = _positions(table.tags, tag_names, _no_tag)
    if len(values) != len(positions):
        raise _near(rest, "invalid data or symbol")
    convert = Values(session, table.precision)
    return table, _spread(table, positions, [convert.stored(value, table.tags[i])
                                             for i, value in zip(positions, values)])


def super_table(session: Any, name: nodes.TableName | None, using: nodes.TableName) -> Table:
    database = session.locate(using)
    found = database.find(using.name)
    if not isinstance(found, Table) or not found.is_super or name is not None and session.locate(name) is not database:
        raise TDengineError(0x2618, "Corresponding super table not in this db")
    return found


def _super_table_batches(session: Any, database: Database, table: Table, part: nodes.Rows, sql: str) -> list[Batch]:
    """INSERT INTO super_table (tbname, tags and columns ...) VALUES ...: each row names its subtable."""
    if part.columns is None or "tbname" not in part.columns:
        raise TDengineError(0x0216, "syntax error near 'values' (tbname is missing in the columns)")
    everything = (TABLE_NAME, *table.columns, *table.tags)
    positions = _positions(everything, part.columns, no_column)
    columns = _columns(session, table, [everything[i] for i in positions], part, sql)
    by_position = dict(zip(positions, columns))
    names = by_position.pop(0)
    of_rows = tuple(i for i in sorted(by_position) if i <= len(table.columns))
    of_tags = tuple(i for i in by_position if i > len(table.columns))
    if 1 not in of_rows:
        raise TDengineError(0x0216, "syntax error near ')' (Primary timestamp column should not be null)")
    grouped: dict[str, list[int]] = {}
    for row, subtable in enumerate(names):
        if not subtable:
            raise TDengineError(0x0216, "syntax error near 'null' (tbname should not be null)")
        grouped.setdefault(subtable, []).append(row)
    batches = []
    for subtable, rows in grouped.items():
        tags = _spread(table, tuple(i - 1 - len(table.columns) for i in of_tags),
                       [by_position[i][rows[0]] for i in of_tags])
        batches.append(Batch(database, table, subtable, tags, tuple(i - 1 for i in of_rows),
                             [[by_position[i][row] for row in rows] for i in of_rows]))
    return batches


# ---------------------------------------------------------------------- prepared INSERT

class PreparedInsert:
    """One table's INSERT with `?` marks: for the table's name, for tags, for every column.

    Without USING the table may be unknown until a name is bound; then `fields` have no columns.
    """

    def __init__(self, session: Any, statement: nodes.Insert, sql: str):
        if len(statement.tables) != 1 or len(statement.tables[0].rows) != 1:
            raise not_supported("a prepared INSERT of more than one table or row")
        self._session, self._part = session, statement.tables[0]
        part = self._part
        self._marked_tags = nodes.MARK in part.tags
        marked = [value is nodes.MARK for value in part.rows[0]]
        if not all(marked) or self._marked_tags and not all(tag is nodes.MARK for tag in part.tags):
            raise TDengineError(0x0216, "syntax error near '?' (no mix usage for ? and values)")
        self._sql, self._database = sql, session.database
        self._table = self._tags = None
        if part.using is not None:
            self._table = super_table(session, part.table, part.using)
            self._tag_positions = _positions(self._table.tags, part.tag_names, _no_tag)
            if len(self._tag_positions) != len(part.tags):
                raise _near(sql[part.tags_end:], "invalid data or symbol")
            if not self._marked_tags:
                self._tags = literal_tags(session, part.table, part.using, part.tag_names, part.tags, "")[1]
        elif part.table is not None:
            self._table = self._subtable(part.table.name)[1].table
        self.fields = self._fields(len(marked), sql)

    def _fields(self, count: int, sql: str) -> list[Field]:
        part, table = self._part, self._table
        fields = [Field(TABLE_NAME, BIND_TABLE)] if part.table is None else []
        if self._marked_tags:
            fields += [Field(table.tags[i], BIND_TAG) for i in self._tag_positions]
        if table is None:
            return fields + [Field(None, BIND_COLUMN)] * count
        positions = self._column_positions(table)
        if len(positions) != count:
            raise _near(sql[part.spots[0][1]:], ", expected" if count < len(positions) else ") expected")
        return fields + [Field(table.columns[i], BIND_COLUMN) for i in positions]

    def _column_positions(self, table: Table) -> tuple[int, ...]:
        return _positions(table.columns, self._part.columns, no_column)

    def _subtable(self, name: str) -> tuple[Database, Subtable]:
        """A bound name may bring its database: `power.d0`."""
        part = self._part.table
        explicit = part.database if part is not None else None
        if part is None and "." in name:
            explicit, name = name.split(".", 1)
        database = self._session._store.database(explicit or self._session.database)
        found = database.find(name)
        if isinstance(found, Table):
            raise not_supported("parameter binding into a super table by the tbname column")
        return database, found

    def execute(self, tables: list[Bound]) -> int:
        """Rows stored. Errors: 0x0200 (values that do not fit), 0x2603 (no such subtable), 0x060B."""
        part, table = self._part, None
        if part.using is not None:
            table = super_table(self._session, part.table, part.using)  # it may have been made anew
            positions, database = self._column_positions(table), self._session.locate(part.using)
        batches = []
        for bound in tables:
            name, tags = part.table.name if part.table is not None else self._bound_name(bound), None
            if part.using is not None:
                tags = self._bound_tags(table, bound)
            else:
                database, known = self._subtable(name)
                table, positions = known.table, self._column_positions(known.table)
            batches.append(Batch(database, table, name, tags, *self._bound_columns(table, positions, bound)))
        return self._session._store.insert(batches)

    @staticmethod
    def _bound_columns(table: Table, positions: tuple[int, ...], bound: Bound) -> tuple[tuple[int, ...], list]:
        if len(bound.columns) != len(positions):
            raise TDengineError(0x0200, f"{len(positions)} columns expected, {len(bound.columns)} bound")
        if len(set(map(len, bound.columns))) > 1:
            raise TDengineError(0x0200, "columns of different lengths")
        columns = [from_bound(values, table.columns[i]) for i, values in zip(positions, bound.columns)]
        return _timestamp_first(positions, columns)

    def _bound_name(self, bound: Bound) -> str:
        if not bound.name:
            raise TDengineError(0x0200, "a table name is missing")
        return bound.name.split(".", 1)[-1] if self._part.using is not None else bound.name

    def _bound_tags(self, table: Table, bound: Bound) -> list[Any]:
        if self._tags is not None:
            return self._tags
        values = bound.tags or []
        if len(values) != len(self._tag_positions):
            raise TDengineError(0x0200, f"{len(self._tag_positions)} tags expected, {len(values)} bound")
        stored = [from_bound([value], table.tags[i])[0] for i, value in zip(self._tag_positions, values)]
        return _spread(table, self._tag_positions, stored)
