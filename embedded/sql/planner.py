"""SELECT: from TDengine's syntax tree to one DuckDB statement and the columns of its result."""

import pyarrow as pa
from sqlglot import exp

from ..common.catalog import SYSTEM_DATABASES, Subtable
from ..common.datatypes import Column
from ..common.errors import TDengineError, not_supported
from ..storage.store import Store
from . import nodes
from .aggregates import aggregate_calls
from .answers import Answers, Builder
from .combined import joined, united
from .expressions import Expressions
from .group_queries import Groups
from .interpolation import Interpolation, interpolates
from .newest import newest_only
from .partitions import Keys
from .plan import Plan, Read
from .row_queries import RowExpressions
from .rows import rows_of
from .select_list import expand_stars
from .series_rules import calls_of_rows, check_places
from .sources import Source, derived_source, table_source
from .time_ranges import time_bounds
from .typed import Environment
from .windows import window_of

MOST_NAMES, LONGEST_SQL = 20_000, 1_000_000  # in one statement, and characters of what DuckDB gets


def plan(select: nodes.Select, store: Store, environment: Environment) -> Plan:
    """Errors: TDengine's own for a wrong statement, 0x2600 for one that the embedded database does not support."""
    outermost = _Planner(select, store, environment, {}, {})
    outermost.is_outermost = True
    sql, columns = outermost.build()
    if len(sql) > LONGEST_SQL:
        raise TDengineError(0x2600, 'syntax error near "SELECT" (the statement is too long, or nested too deeply)')
    return Plan(sql, columns, outermost.source.precision, outermost.tags, outermost.inputs, outermost.read)


class _Planner(Answers):
    """Plans one SELECT; a sub-select gets a planner of its own. Result columns are called o0, o1, ... in SQL."""

    def __init__(self, select: nodes.Select, store: Store, environment: Environment,
                 inputs: dict[str, pa.Table], read: Read) -> None:
        self.select, self.store, self.environment, self.inputs, self.read = select, store, environment, inputs, read
        self.where = select.where
        if isinstance(select.source, nodes.Join) and select.source.condition is not None:
            condition = select.source.condition
            self.where = condition if select.where is None else exp.And(this=condition, expression=select.where)
        self.source = self.read_source(select.source, select.alias)
        self.items = expand_stars(select.items, self.source)
        self.weights = self.weighed()
        self.expressions = self.expressions_of(self.source)
        self.source.query_range = lambda: time_bounds(self.where, self.expressions)

    def expressions_of(self, source: Source) -> Expressions:
        return Expressions(source, self.environment, self.sub_select)

    def sub_select(self, select: nodes.Select) -> tuple[str, list[Column]]:
        return self.inner(select).build()

    def inner(self, select: nodes.Select) -> "_Planner":
        return _Planner(select, self.store, self.environment, self.inputs, self.read)

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
            found = derived_source(f"({sql})", columns, first.source.precision, {alias} if alias else set(), "o")
            found.weights = {name: weight + max(second.weights.values()) for name, weight in first.weights.items()}
            return found
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
        table = found.table if isinstance(found, Subtable) else found
        self.read.setdefault(table, (table.columns, table.tags))
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
        if select.having is not None and not (calls or select.group):
            raise not_supported("HAVING without an aggregate")
        if calls or select.group and not of_rows:
            builder = Groups(self.expressions, window.rows if window else rows, keys, window, calls, bool(select.group))
            builder.has_start = time_bounds(self.where, self.expressions)[0] is not None
        else:
            builder = RowExpressions(self.expressions, window.rows if window else rows, keys, window)
        return self.answer(builder, keys)

    def answer(self, builder: Builder, keys: Keys) -> tuple[str, list[Column]]:
        """The SQL of the select list over what the builder gives, and the columns of the result."""
        results = [self.compiled(builder, item.expression) for item in self.items]
        columns = [Column(item.label, value.type, value.length)
                   for item, (value, _) in zip(self.items, results, strict=True)]
        return self.assemble(builder, results, columns, keys), columns
