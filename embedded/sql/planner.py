"""SELECT: from TDengine's syntax tree to one DuckDB statement and the columns of its result."""

from collections.abc import Sequence

import pyarrow as pa
from sqlglot import exp

from ..common import datatypes as t
from ..common.catalog import SYSTEM_DATABASES
from ..common.datatypes import Column, duck_type
from ..common.errors import TDengineError, not_supported
from ..storage.store import Store
from . import nodes
from .aggregates import aggregate_calls
from .combined import joined, united
from .expressions import Expressions
from .group_queries import Groups
from .interpolation import Interpolation, interpolates
from .newest import newest_only
from .partition_limits import limit_of, limited
from .partitions import Keys
from .plan import Plan, TagColumns
from .row_queries import RowExpressions
from .rows import rows_of
from .select_list import entry_of, expand_stars
from .series_rules import calls_of_rows, check_places
from .sources import Source, derived_source, table_source
from .typed import Environment, Typed, typed
from .windows import window_of
from .windows_filled_select import filled_select

MOST_NAMES = 20_000  # in one statement
Builder = Groups | RowExpressions | Interpolation


def plan(select: nodes.Select, store: Store, environment: Environment) -> Plan:
    """Errors: TDengine's own for a wrong statement, 0x2600 for one that the embedded database does not support."""
    outermost = _Planner(select, store, environment, {})
    outermost.may_leave_tags_out = True
    sql, columns = outermost.build()
    return Plan(sql, columns, outermost.source.precision, outermost.tags, outermost.inputs)


class _Planner:
    """Plans one SELECT; a sub-select gets a planner of its own. Result columns are called o0, o1, ... in SQL."""

    def __init__(self, select: nodes.Select, store: Store, environment: Environment,
                 inputs: dict[str, pa.Table]) -> None:
        self.select, self.store, self.environment, self.inputs = select, store, environment, inputs
        self.may_leave_tags_out = False
        self.tags: TagColumns | None = None  # those that were left out
        self.where = select.where
        if isinstance(select.source, nodes.Join) and select.source.condition is not None:
            condition = select.source.condition
            self.where = condition if select.where is None else exp.And(this=condition, expression=select.where)
        self.source = self.read_source(select.source, select.alias)
        self.items = expand_stars(select.items, self.source)
        self.weights = self.weighed()
        self.expressions = self.expressions_of(self.source)

    def expressions_of(self, source: Source) -> Expressions:
        return Expressions(source, self.environment, self.sub_select)

    def sub_select(self, select: nodes.Select) -> tuple[str, list[Column]]:
        return self.inner(select).build()

    def inner(self, select: nodes.Select) -> "_Planner":
        return _Planner(select, self.store, self.environment, self.inputs)

    # ------------------------------------------------------------------ names

    def read_source(self, source: object, alias: str | None) -> Source:
        if source is None:
            current = self.store.databases.get(self.environment.database)
            return Source(precision=current.precision if current else 0)
        if isinstance(source, nodes.Select):
            inner = self.inner(source)
            sql, columns = inner.build()
            found = derived_source(f"({sql})", columns, inner.source.precision, {alias} if alias else set(), "o")
            found.weights = inner.weights
            return found
        if isinstance(source, nodes.Union):
            first, second = self.inner(source.first), self.inner(source.second)
            sql, columns = united(self.expressions_of(Source()), first.build(), second.build(), source.all)
            return derived_source(f"({sql})", columns, first.source.precision, {alias} if alias else set(), "o")
        if isinstance(source, nodes.Join):
            parts = [(name or getattr(part, "name", ""), self.read_source(part, name)) for part, name in source.tables]
            return joined(parts, self.where)
        database = source.database or self.environment.database
        if database in SYSTEM_DATABASES:
            if self.environment.system_table is None:
                raise not_supported(f"{database}.{source.name}")
            columns, rows = self.environment.system_table(database, source.name)
            self.inputs[source.name] = rows.rename_columns([f"c{i}" for i in range(len(columns))])
            return derived_source(source.name, columns, 0, {alias or source.name}, "c")
        found = self.store.database(database).find(source.name)
        return table_source(found, source.name, alias)

    def weighed(self) -> dict[str, int]:
        """How many names each column of the result stands for, sub-selects looked through: DuckDB may copy them all.

        Error: 0x2600 for more than MOST_NAMES.
        """
        trees = [item.expression for item in self.items] + [order.expression for order in self.select.order]
        weights = [self.source.weight(tree) for tree in (*trees, *filter(None, (self.where, self.select.having)))]
        if sum(weights) > MOST_NAMES:
            raise TDengineError(0x2600, 'syntax error near "SELECT" (nested too deeply)')
        return {item.label: weight for item, weight in zip(self.items, weights, strict=False)}

    def entry_of(self, tree: exp.Expression) -> exp.Expression:
        return entry_of(tree, self.items)

    def aggregate_calls(self) -> list[exp.Anonymous]:
        """All calls of aggregates in the statement: in the select list, in ORDER BY and in HAVING."""
        trees = [item.expression for item in self.items]
        trees += [self.entry_of(order.expression) for order in self.select.order]
        if self.select.having is not None:
            trees.append(self.select.having)
        return [call for tree in trees for call in aggregate_calls(tree)]

    # ------------------------------------------------------------------ SQL

    def build(self) -> tuple[str, list[Column]]:
        """The SQL and the columns of the result."""
        select = self.select
        rows = rows_of(self.source, self.where, self.expressions)
        keys = [(tree, self.expressions.compile(tree)) for tree in map(self.entry_of, select.group + select.partition)]
        calls = self.aggregate_calls()
        if select.group and select.partition:
            raise not_supported("GROUP BY together with PARTITION BY")
        if select.group and select.window:
            raise TDengineError(0x2624, "GROUP BY and WINDOW-clause can't be used together")
        if not select.window:
            rows = newest_only(self.store, rows, self.where, calls, [tree for tree, _ in keys])
        trees = [item.expression for item in self.items]
        check_places(select, trees, [self.entry_of(entry.expression) for entry in select.order], bool(self.source.time))
        if interpolates(select, trees):
            builder = Interpolation(select, self.expressions, rows, keys)
            return self.answer(builder, keys)
        of_rows = calls_of_rows(trees)
        window = window_of(select, self.expressions, rows, keys) if select.window else None
        if window and not calls and not of_rows:
            raise TDengineError(0x2667, f"Invalid usage of expr: {self.items[0].label}")
        if select.having is not None and not (select.group or select.partition or window):
            raise TDengineError(0x260A, "Not a GROUP BY expression")
        if calls or select.group and not of_rows:
            builder = Groups(self.expressions, window.rows if window else rows, keys, window, calls, bool(select.group))
        else:
            builder = RowExpressions(self.expressions, window.rows if window else rows, keys, window)
        return self.answer(builder, keys)

    def answer(self, builder: Builder, keys: Keys) -> tuple[str, list[Column]]:
        """The SQL of the select list over what the builder gives, and the columns of the result."""
        results = [self.compiled(builder, item.expression) for item in self.items]
        columns = [Column(item.label, value.type, value.length)
                   for item, (value, _) in zip(self.items, results, strict=True)]
        return self.assemble(builder, results, columns, keys), columns

    def compiled(self, builder: Builder, tree: exp.Expression) -> tuple[Typed, bool]:
        """An expression of the select list, of ORDER BY or of HAVING, and whether it needs the tags."""
        if isinstance(builder, RowExpressions):
            return builder.compile(tree), self.source.reads_tags(tree)
        builder.reads_tags = False
        return builder.compile(tree), builder.reads_tags

    def assemble(self, builder: Builder, results: Sequence[tuple[Typed, bool]],
                 columns: Sequence[Column], keys: Keys) -> str:
        select = self.select
        needs_tags = order_needs_tags = False
        tail = ""
        if select.having is not None:
            sql, needs_tags = builder.condition(select.having), self.compiled(builder, select.having)[1]
            tail = f" WHERE {sql}"
        order = []
        for entry in select.order:
            tree = self.entry_of(entry.expression)
            value, needs = self.compiled(builder, tree)
            order_needs_tags |= needs
            if tree.find(exp.Column, exp.Star) or aggregate_calls(tree):  # DuckDB would take a number for a position
                order.append(self.order_term(entry, value, builder, results))
        chosen: dict[str, str] = {}
        wanted: dict[int, str] = {}
        needs_tags |= order_needs_tags
        leave_out = self.may_leave_tags_out and not (
            select.distinct or select.tags_only or select.window and select.window.fill)
        of_tags = {tag.sql: tag.sql.removeprefix("g.") for tag in self.source.tags.values()}
        for i, ((value, needs), column) in enumerate(zip(results, columns, strict=True)):
            if leave_out and needs and value.sql in of_tags:
                wanted[i] = of_tags[value.sql]
            else:
                needs_tags |= needs
            chosen[f"o{i}"] = f"{value.sql}::{duck_type(column)}"
        if wanted and not needs_tags:
            self.tags = TagColumns(self.source.table, wanted)
            chosen = {name: sql for name, sql in chosen.items() if int(name[1:]) not in wanted}
            chosen["tb"] = "q.tb" if isinstance(builder, Groups) else "d.tb"
        needs_tags |= bool(wanted) and self.tags is None
        self.choose_tags_alone(builder)
        if select.window and select.window.fill and select.window.fill.mode != "NONE" and isinstance(
                builder, Groups):
            return filled_select(self, builder, results, columns, keys)
        if self.limits_partitions:
            return self.limited_in_partitions(builder, chosen, tail, keys, order, needs_tags)
        order = order or ([] if select.distinct else builder.sorting)
        text = ", ".join(f"{sql} AS {name}" for name, sql in chosen.items())
        limit = " LIMIT 0" if builder.rows.is_empty else self.limit()
        by = ", ".join(sql + words for sql, words in order)
        if limit and needs_tags and not (select.distinct or order_needs_tags) and builder.limit_rows(by, limit):
            limit = ""
        return (f"SELECT {'DISTINCT ' if select.distinct else ''}{text}{builder.clause(needs_tags)}{tail}"
                f"{f' ORDER BY {by}' if by else ''}{limit}")

    def choose_tags_alone(self, builder: Builder) -> None:
        """SELECT TAGS and SELECT DISTINCT of tags alone read the subtables, also those without rows."""
        select = self.select
        if not (select.tags_only or select.distinct) or not isinstance(builder, RowExpressions):
            return
        trees = [item.expression for item in self.items] + [self.entry_of(entry.expression) for entry in select.order]
        rows = builder.rows
        builder.tags_alone = bool(self.source.tags) and not (rows.on_rows or rows.on_both) and not any(
            map(self.source.reads_rows, trees))
        if select.tags_only and not builder.tags_alone:
            raise not_supported("SELECT TAGS of anything but tags")

    def order_term(self, entry: nodes.Order, value: Typed, builder: Builder,
                   results: Sequence[tuple[Typed, bool]]) -> tuple[str, str]:
        """What is sorted by, and the words behind it."""
        sql = builder.ordered(value)
        if self.select.distinct:
            selected = [result.sql for result, _ in results]
            if value.sql not in selected:
                raise TDengineError(0x260B, "Not SELECTed expression")
            sql = f"o{selected.index(value.sql)}"
        words = " DESC" if entry.descending else ""
        if entry.nulls_first is entry.descending:  # the default of the connection is the other way round
            words += " NULLS FIRST" if entry.nulls_first else " NULLS LAST"
        return sql, words

    @property
    def limits_partitions(self) -> bool:
        """Whether LIMIT counts the rows of each partition, or SLIMIT the partitions."""
        select = self.select
        by_partition = bool(select.partition or select.group)
        if select.slimit is not None and not by_partition:
            raise TDengineError(0x2638, "slimit/soffset only available for PARTITION/GROUP BY query")
        return by_partition and (select.slimit is not None or select.limit is not None and not select.order)

    def limited_in_partitions(self, builder: Builder, chosen: dict[str, str], tail: str,
                              keys: Keys, order: Sequence[tuple[str, str]],
                              needs_tags: bool) -> str:
        """LIMIT in every partition, and SLIMIT over the partitions. With ORDER BY, LIMIT counts all rows."""
        select = self.select
        if select.distinct:
            raise not_supported("DISTINCT with a LIMIT in every partition")
        names = list(chosen)
        for i, (tree, _) in enumerate(keys):
            value, needs = self.compiled(builder, tree)
            if value.sql == "g.name":  # the partitions are the same by the subtable's number
                value, needs = typed("q.tb" if isinstance(builder, Groups) else "d.tb", t.INT), False
            needs_tags |= needs
            chosen[f"q{i}"] = value.sql
        chosen["w"] = builder.order_in_partition
        chosen |= {f"s{i}": sql for i, (sql, _) in enumerate(order)}
        text = ", ".join(f"{sql} AS {name}" for name, sql in chosen.items())
        sql = f"SELECT {text}{builder.clause(needs_tags)}{tail}"
        return limited(select, sql, names, len(keys), [words for _, words in order])

    def limit(self) -> str:
        return limit_of(self.select)
