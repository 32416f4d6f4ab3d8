"""SELECT: from TDengine's syntax tree to one SQLite statement and the columns of its result."""

import re
from collections.abc import Sequence

from sqlglot import exp

from ..common import datatypes as t
from ..common.catalog import Subtable
from ..common.datatypes import Column
from ..common.errors import TDengineError, not_supported
from ..storage import tables
from ..storage.store import Store
from . import nodes
from .expressions import Expressions
from .group_queries import aggregate_calls, group_select_builder
from .plan import Plan, TagColumns
from .row_queries import Query, RowSelectBuilder, SelectBuilder
from .select_list import entry_of, expand_stars
from .sources import Source, SubSelect, TableSource
from .time_functions import window_start
from .typed import Environment, Parameters, Typed, typed


def plan(select: nodes.Select, store: Store, environment: Environment) -> Plan:
    """Errors: TDengine's own for a wrong statement, 0x2600 for one that the embedded database does not support."""
    parameters = Parameters()
    outermost = _Planner(select, store, environment, parameters)
    outermost.may_leave_tags_out = True
    sql, columns, precision = outermost.build()
    return Plan(sql, parameters.values, columns, precision, outermost.tags)


class _Planner:
    """Plans one SELECT; a sub-select gets a planner of its own. Result columns are called o0, o1, ... in SQL."""

    def __init__(self, select: nodes.Select, store: Store, environment: Environment, parameters: Parameters) -> None:
        self.select, self.environment, self.parameters = select, environment, parameters
        self.may_leave_tags_out = False
        self.tags: TagColumns | None = None  # those that were left out
        self.source = self.read_source(store)
        self.items = expand_stars(select.items, self.source)
        self.expressions = Expressions(self.source, environment, parameters)
        self.query = Query(select, self.source, environment, parameters, self.expressions)

    def build(self) -> tuple[str, list[Column], int]:
        """The SQL, the columns of the result and the precision of its timestamps."""
        select, query = self.select, self.query
        query.where = [self.expressions.condition(part).sql for part in _conjuncts(select.where)]
        query.keys = [self.expressions.compile(self.entry_of(tree)) for tree in select.group + select.partition]
        calls = self.aggregate_calls()
        if select.group and select.partition:
            raise not_supported("GROUP BY together with PARTITION BY")
        if select.interval:
            self.add_window()
            if not calls:
                raise TDengineError(0x260C, "Not a single-group group function")
        grouped = bool(calls or select.group)
        if select.having is not None and not grouped:
            raise TDengineError(0x260C, "Not a single-group group function")
        builder = group_select_builder(query, calls) if grouped else RowSelectBuilder(query)
        results = [builder.expressions.compile(item.expression) for item in self.items]
        columns = [Column(item.label, result.type, result.length)
                   for item, result in zip(self.items, results, strict=True)]
        return self.assemble(builder, results), columns, self.source.precision

    # ------------------------------------------------------------------ names

    def read_source(self, store: Store) -> Source:
        source = self.select.source
        if source is None:
            current = store.databases.get(self.environment.database)
            return Source(precision=current.precision if current else 0)
        if isinstance(source, nodes.Select):
            sql, columns, precision = _Planner(source, store, self.environment, self.parameters).build()
            return SubSelect(sql, columns, precision, self.select.alias)
        if source.database == "information_schema" and source.name == "ins_databases":
            if any(isinstance(item.expression, exp.Star) for item in self.select.items):
                raise not_supported("* of information_schema.ins_databases")
            return SubSelect(*tables.INS_DATABASES, 0, self.select.alias or source.name)
        if source.database in ("information_schema", "performance_schema"):
            raise not_supported(f"{source.database}.{source.name}")
        found = store.database(source.database or self.environment.database).find(source.name)
        subtable = found if isinstance(found, Subtable) else None
        return TableSource(subtable.table if subtable else found, subtable, source.name, self.select.alias)

    def entry_of(self, tree: exp.Expression) -> exp.Expression:
        return entry_of(tree, self.items)

    def aggregate_calls(self) -> list[exp.Anonymous]:
        """All calls of aggregates in the statement: in the select list, in ORDER BY and in HAVING."""
        trees = [item.expression for item in self.items]
        trees += [self.entry_of(order.expression) for order in self.select.order]
        if self.select.having is not None:
            trees.append(self.select.having)
        return [call for tree in trees for call in aggregate_calls(tree)]

    def add_window(self) -> None:
        """INTERVAL: the start of the window becomes the last group key."""
        if self.select.group:
            raise not_supported("GROUP BY together with INTERVAL")
        if self.source.time is None:
            raise not_supported("INTERVAL over a sub-select without a timestamp")
        width, *rest = [self.expressions.compile(tree) for tree in self.select.interval]
        offset = rest[0] if rest else None
        if width.unit is None or width.const <= 0 or offset is not None and offset.unit is None:
            raise TDengineError(0x2600, 'syntax error near "INTERVAL"')
        ticks = self.query.window_ticks = width.const
        self.query.window_offset = offset.const if offset is not None else 0
        if self.query.window_offset >= ticks:
            raise TDengineError(0x261C, "Interval offset should be shorter than interval")
        start = window_start(self.expressions, self.source.time.sql, ticks, width.unit, self.query.window_offset)
        self.source.window = {
            "_wstart": typed(start, t.TIMESTAMP), "_wend": typed(f"({start} + {ticks})", t.TIMESTAMP),
            "_wduration": typed(str(ticks), t.BIGINT)}
        self.query.keys.append(self.source.window["_wstart"])

    # ------------------------------------------------------------------ SQL

    def assemble(self, builder: SelectBuilder, results: Sequence[Typed]) -> str:
        select, keys = self.select, self.query.keys
        order = self.order_terms(builder, results)
        chosen = [f"{result.sql} AS o{i}" for i, result in enumerate(results)]
        by_partition = bool(select.partition or select.group) and not select.order
        if select.slimit is not None and not by_partition:
            raise not_supported("SLIMIT without PARTITION BY or with ORDER BY")
        limit_each = by_partition and (select.limit is not None or select.offset or select.slimit is not None)
        partition_keys = len(keys) - bool(select.interval)
        if limit_each:
            if select.distinct:
                raise not_supported("DISTINCT with a LIMIT in every partition")
            chosen += [f"{key.sql} AS q{i}" for i, key in enumerate(keys[:partition_keys])]
            within = keys[-1].sql if select.interval else self.order_in_partition(builder)
            chosen.append(f"{within} AS w")
        elif select.interval and not order:
            order = [key.sql for key in keys]
        tail = "" if limit_each else (" ORDER BY " + ", ".join(order) if order else "") + self.limits()
        plain_rows = isinstance(builder, RowSelectBuilder) and not (limit_each or select.distinct or select.tags_only)
        if self.may_leave_tags_out and plain_rows:
            chosen = self.without_tags(chosen, results)
        sql = builder.statement("DISTINCT " if select.distinct else "", chosen, tail)
        return self.limited_in_partitions(sql, len(results), partition_keys) if limit_each else sql

    def without_tags(self, chosen: list[str], results: Sequence[Typed]) -> list[str]:
        """The columns that are no tags, then the subtable; `self.tags` gets the tags."""
        tags = {i: result.sql for i, result in enumerate(results) if re.fullmatch(r"g\.\w+", result.sql)}
        if not tags:
            return chosen
        sql = (f"SELECT g.tb, {', '.join(tags.values())} FROM tags_{self.source.table.id} g "
               "WHERE g.tb IN (SELECT value FROM json_each(?))")
        self.tags = TagColumns(list(tags), sql)
        return [part for i, part in enumerate(chosen) if i not in tags] + ["d.tb"]

    def order_in_partition(self, builder: SelectBuilder) -> str:
        by_time = isinstance(builder, RowSelectBuilder) and self.source.time is not None
        return self.source.time.sql if by_time else "NULL"

    def order_terms(self, builder: SelectBuilder, results: Sequence[Typed]) -> list[str]:
        terms = []
        for order in self.select.order:
            value = builder.expressions.compile(self.entry_of(order.expression))
            if self.select.distinct and value.sql not in {result.sql for result in results}:
                raise TDengineError(0x260B, "Not SELECTed expression")
            term = builder.expressions.ordered(value) + (" DESC" if order.descending else "")
            if order.nulls_first == order.descending:  # SQLite's default is the other way round
                term += " NULLS FIRST" if order.nulls_first else " NULLS LAST"
            terms.append(term)
        return terms

    def limits(self) -> str:
        select, name = self.select, self.parameters.name
        if select.limit is None:
            return ""
        return f" LIMIT {name(select.limit)}" + (f" OFFSET {name(select.offset)}" if select.offset else "")

    def limited_in_partitions(self, sql: str, results: int, partition_keys: int) -> str:
        """LIMIT in every partition, and SLIMIT over the partitions. `sql` also gives the keys q0, q1, ... and w."""
        select, name = self.select, self.parameters.name
        keys = ", ".join(f"q{i}" for i in range(partition_keys))
        tests = []
        if select.limit is not None:
            tests.append(f"r > {name(select.offset)} AND r <= {name(select.offset + select.limit)}")
        if select.slimit is not None:
            tests.append(f"k > {name(select.soffset)} AND k <= {name(select.soffset + select.slimit)}")
        columns = ", ".join(f"o{i}" for i in range(results))
        return (f"SELECT {columns} FROM (SELECT *, row_number() OVER (PARTITION BY {keys} ORDER BY w) AS r, "
                f"dense_rank() OVER (ORDER BY {keys}) AS k FROM ({sql})) WHERE {' AND '.join(tests)} ORDER BY k, r")


def _conjuncts(tree: exp.Expression | None) -> list[exp.Expression]:
    """The conditions that AND joins, one by one."""
    if tree is None:
        return []
    if isinstance(tree, exp.And):
        return _conjuncts(tree.this) + _conjuncts(tree.expression)
    return [tree]
