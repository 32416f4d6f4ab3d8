"""What INSERT by text and INSERT by binding share: names of columns and tags, and the order of columns."""

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from ..common import datatypes as t
from ..common.catalog import Table
from ..common.datatypes import Column, arrow_type
from ..common.errors import TDengineError
from ..sql import nodes
from .context import Context

TABLE_NAME = Column("tbname", t.VARCHAR, 192)


def syntax_error(text: str, hint: str) -> TDengineError:
    """TDengine shows the text from the place of the mistake on."""
    return TDengineError(0x0216, f"syntax error near '{text[:64]}' ({hint})")


def no_tag(name: str) -> TDengineError:
    return TDengineError(0x260E, f"Invalid tag name: {name}")


def other_database() -> TDengineError:
    return TDengineError(0x2618, "Corresponding super table not in this db")


def positions_of(names: Sequence[str] | None, columns: Sequence[Column],
                 unknown: Callable[[str], TDengineError]) -> tuple[int, ...]:
    """Where the named columns stand; None names all of them. `unknown` makes the error for a name that there is not.

    Error: 0x263C for a name that is given twice.
    """
    if names is None:
        return tuple(range(len(columns)))
    known = {column.name: i for i, column in enumerate(columns)}
    for name in names:
        if name not in known:
            raise unknown(name)
    if len(set(names)) < len(names):
        raise TDengineError(0x263C, "Duplicated column names")
    return tuple(known[name] for name in names)


def all_tags(table: Table, positions: Sequence[int], values: Sequence[pa.Array], tables: int = 1) -> list[pa.Array]:
    """All tags of so many subtables from those that are given; the others are NULL."""
    given = dict(zip(positions, values, strict=True))
    return [given.get(i, pa.nulls(tables, arrow_type(tag))) for i, tag in enumerate(table.tags)]


def timestamp_first(positions: Sequence[int], columns: Sequence[Any]) -> tuple[tuple[int, ...], list[Any]]:
    """Positions and their columns, with the timestamp (position 0) first. Error: 0x0216 where it is missing."""
    if 0 not in positions:
        raise syntax_error(")", "Primary timestamp column should not be null")
    order = sorted(range(len(positions)), key=lambda i: positions[i] != 0)  # the order of the others stays
    return tuple(positions[i] for i in order), [columns[i] for i in order]


def super_table(context: Context, name: nodes.TableName | None, using: nodes.TableName) -> Table:
    """The super table that USING names, for a subtable of this name. Errors: 0x2603, 0x2618."""
    database = context.database_of(using)
    found = database.find(using.name)
    if not isinstance(found, Table) or not found.is_super or (
            name is not None and context.database_of(name) is not database):
        raise other_database()
    return found
