"""What a SELECT reads from when that is more than one thing: a join, or a UNION."""

from collections.abc import Sequence

from sqlglot import exp

from ..common.datatypes import Column, duck_type
from ..common.errors import TDengineError, not_supported
from .casts import converted
from .compiler import Compiler
from .rows import Rows, conjuncts
from .sources import Joined, Source
from .typed import typed


def joined(parts: Sequence[tuple[str, Source]], where: exp.Expression | None) -> Joined:
    """An inner join of sources, each with what it is called. Error: 0x2600 unless `where` makes their times equal."""
    found = []
    for name, part in parts:
        rows = Rows(part, part.rows, None if part.tb is None else (part.tb,))
        found.append((name, part, rows.clause(bool(part.tags))))
    source = Joined(found)
    times = {part.time.sql: name for name, part in source.parts.items() if part.time is not None}
    linked = set()
    for tree in conjuncts(where):
        if isinstance(tree, exp.EQ) and isinstance(tree.this, exp.Column) and isinstance(tree.expression, exp.Column):
            sides = [source.resolve(side.name, tuple(part.name for part in side.parts[:-1])).sql
                     for side in (tree.this, tree.expression)]
            if sides[0] != sides[1] and all(side in times for side in sides):
                linked |= set(sides)
    if len(linked) < len(source.parts):
        raise not_supported("a join without equal timestamps")
    return source


def united(compiler: Compiler, first: tuple[str, list[Column]], second: tuple[str, list[Column]],
           every: bool) -> tuple[str, list[Column]]:
    """UNION [ALL] of two plans. The second takes the types of the first. Error: 0x2634."""
    (sql, columns), (other_sql, others) = first, second
    if len(columns) != len(others):
        raise TDengineError(0x2634, "Query block has incorrect number of result columns")
    result = []
    for column, other in zip(columns, others, strict=True):
        kind = column.type if column.length else other.type  # NULL alone is a text without length
        length = max(column.length, other.length) if kind is other.type else column.length
        result.append(Column(column.name, kind, length))
    parts = []
    for text, types in ((sql, columns), (other_sql, others)):
        values = [converted(compiler, typed(f"u.o{i}", old.type, old.length), new)
                  for i, (old, new) in enumerate(zip(types, result, strict=True))]
        chosen = [f"{value.sql}::{duck_type(new)} AS o{i}"
                  for i, (value, new) in enumerate(zip(values, result, strict=True))]
        parts.append(f"SELECT {', '.join(chosen)} FROM ({text}) u")
    return f" UNION {'ALL ' if every else ''}".join(parts), result
