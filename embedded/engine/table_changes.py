"""ALTER TABLE, ALTER ... SET TAG and DELETE, with TDengine's checks."""

from dataclasses import replace

from sqlglot import exp

from ..common import datatypes as t
from ..common.catalog import Database, Subtable, Table, check_columns, check_length
from ..common.datatypes import Column
from ..common.errors import TDengineError
from ..sql import nodes
from ..sql.expressions import Expressions
from ..sql.sources import Source, no_column
from ..sql.typed import typed
from .context import Context
from .insert_parts import no_tag
from .text_insert import Literals


def _invalid(message: str = "Invalid alter table statement") -> TDengineError:
    return TDengineError(0x2649, message)


def alter_table(context: Context, s: nodes.AlterTable) -> None:
    """Errors: 0x2603, 0x0362, 0x2602, 0x260E, 0x0369 to 0x036B, 0x263C, 0x2642, 0x2649 to 0x264B, 0x2651, 0x2652."""
    database = context.database_of(s.table)
    found = database.find(s.table.name)
    table = found.table if isinstance(found, Subtable) else found
    if s.super_only and not (isinstance(found, Table) and table.is_super):
        raise TDengineError(0x0362, "STable not exist")
    if isinstance(found, Subtable) and table.is_super or s.is_tag and not table.is_super:
        raise _invalid()
    _ALTER[s.action](context, database, table, s)


def _add(context: Context, database: Database, table: Table, s: nodes.AlterTable) -> None:
    if s.column.type is t.JSON:
        raise TDengineError(0x2633, "Only one tag if there is a json tag") if s.is_tag else \
            TDengineError(0x2652, "Only tag can be json type")
    _check_new_name(table, s.name, s.is_tag)
    check_columns(table.columns + (() if s.is_tag else (s.column,)), table.tags + ((s.column,) if s.is_tag else ()))
    context.store.add_column(database, table, s.column)


def _check_new_name(table: Table, name: str, is_tag: bool) -> None:
    if any(column.name == name for column in table.columns + table.tags):
        if not table.is_super:
            raise TDengineError(0x263C, "Duplicated column names")
        raise TDengineError(0x0369, "Tag already exists") if is_tag else TDengineError(0x036B, "Column already exists")


def _drop(context: Context, database: Database, table: Table, s: nodes.AlterTable) -> None:
    column = _existing(table, s)
    if s.is_tag and len(table.tags) == 1:
        raise _invalid("the only tag cannot be dropped")
    if not s.is_tag and len(table.columns) == 2:
        raise TDengineError(0x2651, "No columns can be dropped")
    if column is table.columns[0]:
        raise TDengineError(0x264A, "Primary timestamp column cannot be dropped")
    context.store.drop_column(database, table, s.name)


def _modify(context: Context, database: Database, table: Table, s: nodes.AlterTable) -> None:
    column = _existing(table, s)
    if not column.type.variable or column.type is not s.column.type or column.length >= s.column.length:
        raise TDengineError(0x264B, "Only varbinary/binary/nchar/geometry column length could be modified, and the "
                                    "length can only be increased, not decreased")
    check_length(s.column)
    context.store.change_column(database, table, s.name, s.column)


def _rename(context: Context, database: Database, table: Table, s: nodes.AlterTable) -> None:
    if not s.is_tag and table.is_super:
        raise _invalid("Rename column only available for normal table")
    try:
        column = _existing(table, s)
    except TDengineError:
        if s.is_tag:
            raise TDengineError(0x036A, "Tag does not exist") from None
        raise
    _check_new_name(table, s.new_name, s.is_tag)
    context.store.change_column(database, table, s.name, replace(column, name=s.new_name))


_ALTER = {"ADD": _add, "DROP": _drop, "MODIFY": _modify, "RENAME": _rename}


def _existing(table: Table, s: nodes.AlterTable) -> Column:
    for column in table.tags if s.is_tag else table.columns:
        if column.name == s.name:
            return column
    raise no_tag(s.name) if s.is_tag else no_column(s.name)


def set_tags(context: Context, s: nodes.SetTags) -> None:
    """Errors: 0x2603, 0x2649, 0x263C, 0x0216, 0x2653."""
    database = context.database_of(s.table)
    found = database.find(s.table.name)
    if isinstance(found, Table):
        raise _invalid("Set tag value only available for child table")
    known = {tag.name: i for i, tag in enumerate(found.table.tags)}
    for name, _ in s.tags:
        if name not in known:
            raise _invalid(f"Invalid tag name: {name}")
    if len(dict(s.tags)) < len(s.tags):
        raise TDengineError(0x263C, "Duplicated column names")
    literals = Literals(context, found.table.precision)
    values = {known[name]: literals.array([value], found.table.tags[known[name]])[0].as_py() for name, value in s.tags}
    context.store.set_tags(database, found, values)


# ---------------------------------------------------------------------- DELETE

def delete(context: Context, s: nodes.Delete) -> int:
    """How many rows are deleted. Errors: 0x2603, 0x2655 where WHERE asks for more than a range of time and tags."""
    database = context.database_of(s.table)
    found = database.find(s.table.name)
    table = found.table if isinstance(found, Subtable) else found
    source = Source(table.precision, {c.name: typed(f"c{i}", c.type, c.length) for i, c in enumerate(table.columns)},
                    {tag.name: typed(f"g.t{i}", tag.type, tag.length) for i, tag in enumerate(table.tags)},
                    qualifiers={s.table.name})
    expressions = Expressions(source, context.environment())
    of_rows, of_tags = [], []
    for part in _conjuncts(s.where):
        if any(column.name == "tbname" for column in part.find_all(exp.Column)):
            raise TDengineError(0x264C, "Invalid tbname pseudo column")
        if source.reads_rows(part) and not _is_range(part, table.columns[0].name):
            raise TDengineError(0x2655, "The DELETE statement must only have a definite time window range")
        (of_rows if source.reads_rows(part) else of_tags).append(expressions.condition(part))
    if of_tags:
        of_rows.append(f"tb IN (SELECT g.tb FROM tags_{table.id} g WHERE {' AND '.join(of_tags)})")
    return context.store.delete_rows(database, found, " AND ".join(of_rows) or None)


def _conjuncts(tree: exp.Expression | None) -> list[exp.Expression]:
    if isinstance(tree, exp.Paren):
        return _conjuncts(tree.this)
    if isinstance(tree, exp.And):
        return _conjuncts(tree.this) + _conjuncts(tree.expression)
    return [] if tree is None else [tree]


def _is_range(part: exp.Expression, time: str) -> bool:
    """Whether a condition compares the timestamp itself with something that has no column."""
    if not isinstance(part, (exp.EQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between)):
        return False
    names = [column.name for column in part.find_all(exp.Column) if not column.name[:1].isdigit()]  # but 12h
    return names in ([time], [time, "now"], ["now", time]) and time in (
        side.name for side in (part.this, part.expression) if isinstance(side, exp.Column))
