"""The SELECT of an INTERVAL with FILL: windows without rows are added to the groups, then come ORDER BY and LIMIT."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from sqlglot import exp

from ..common.datatypes import Column, duck_type
from ..common.errors import not_supported
from . import nodes
from .expressions import Expressions
from .group_queries import Groups
from .partition_limits import limit_of, limited
from .partitions import Keys
from .typed import Typed
from .windows_fill import FilledColumn, filled


class Planner(Protocol):
    """The parts of the planner that are needed here."""

    select: nodes.Select
    items: Sequence[nodes.Item]
    expressions: Expressions
    limits_partitions: bool

    def entry_of(self, tree: exp.Expression) -> exp.Expression: ...

    def compiled(self, builder: Any, tree: exp.Expression) -> tuple[Typed, bool]: ...

    def order_term(self, entry: nodes.Order, value: Typed, builder: Any, results: Sequence) -> tuple[str, str]: ...


def filled_select(planner: Planner, builder: Groups, results: Sequence[tuple[Typed, bool]],
                  columns: Sequence[Column], keys: Keys) -> str:
    """Its columns are o0, o1, ... Errors: 0x2605, 0x263B, 0x2600 for what is not supported."""
    select = planner.select
    if select.having is not None:
        raise not_supported("HAVING together with FILL")
    of_keys = [planner.compiled(builder, tree) for tree, _ in keys]
    needs_tags = any(needs for _, needs in (*results, *of_keys))
    key_sql = {value.sql for value, _ in of_keys}
    entries = [FilledColumn(item.expression, column, value.sql, value.sql in key_sql)
               for item, column, (value, _) in zip(planner.items, columns, results, strict=True)]
    chosen = [f"{entry.sql}::{duck_type(entry.column)} AS o{i}" for i, entry in enumerate(entries)]
    chosen += [f"{value.sql} AS q{i}" for i, (value, _) in enumerate(of_keys)]
    groups = f"SELECT {', '.join(chosen)}, q.w AS w{builder.clause(needs_tags)}"
    sql = filled(select, builder.window, planner.expressions, entries, len(keys), groups)
    names = [f"o{i}" for i in range(len(entries))]
    if planner.limits_partitions:
        return limited(select, sql, names, len(keys))
    known = {"q.w": "w", **{value.sql: f"q{i}" for i, (value, _) in enumerate(of_keys)},
             **{entry.sql: name for entry, name in zip(entries, names, strict=True)}}
    order = [] if select.distinct else [(name, "") for name in (*(f"q{i}" for i in range(len(keys))), "w")]
    if select.order:
        order = []
        for entry in select.order:
            value, _ = planner.compiled(builder, planner.entry_of(entry.expression))
            if value.sql not in known:
                raise not_supported("ORDER BY of what is not selected, together with FILL")
            order.append(planner.order_term(entry, replace(value, sql=known[value.sql]), builder, []))
    by = ", ".join(sql + words for sql, words in order)
    return (f"SELECT {'DISTINCT ' if select.distinct else ''}{', '.join(names)} FROM ({sql})"
            f"{f' ORDER BY {by}' if by else ''}{limit_of(select)}")
