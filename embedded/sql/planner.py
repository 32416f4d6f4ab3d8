"""SELECT: from TDengine's syntax tree to one SQLite statement and the columns of its result."""

import re
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from ..common import catalog
from . import nodes
from ..common import datatypes as t
from ..common.catalog import Subtable
from ..common.datatypes import Column
from ..common.errors import TDengineError, not_supported
from .expressions import Expressions
from .typed import Environment, Parameters, Typed, typed
from .aggregates import AGGREGATES, ROW_PICKERS
from .time_functions import window_start as truncated
from .shapes import Flat, Shape, grouped_shape
from .sources import Source, SubSelect, TableSource


@dataclass(frozen=True)
class Tags:
    """Columns of the result that are tags: `sql` has each subtable of a JSON list, then these.

    The plan's own statement has the subtable, after its other columns, in their place: SQLite would join
    and convert the same few tags for each row.
    """

    positions: list[int]
    sql: str


@dataclass(frozen=True)
class Plan:
    sql: str
    parameters: dict[str, Any]
    columns: list[Column]
    precision: int
    tags: Tags | None = None


def plan(select: nodes.Select, store: Any, environment: Environment) -> Plan:
    """Errors: TDengine's own for what is wrong, 0x2600 for what the embedded database does not support."""
    parameters = Parameters()
    outermost = _Select(select, store, environment, parameters)
    outermost.tags_apart = True
    sql, columns, precision = outermost.build()
    return Plan(sql, parameters.values, columns, precision, outermost.tags)


class _Select:
    """One SELECT, sub-selects by recursion. Result columns are called o0, o1, ... in SQL."""

    def __init__(self, select: nodes.Select, store: Any, environment: Environment, parameters: Parameters):
        self.select, self.environment, self.parameters = select, environment, parameters
        self.step = self.shift = 0  # of the window, in ticks
        self.tags_apart, self.tags = False, None
        self.source = self.read_source(store)
        self.plain = Expressions(self.source, environment, parameters)
        self.items = self.expand_items()

    def build(self) -> tuple[str, list[Column], int]:
        select = self.select
        self.where = [self.plain.condition(part).sql for part in _conjuncts(select.where)]
        self.keys = [self.plain.compile(self.meant(tree)) for tree in select.group + select.partition]
        calls = self.aggregate_calls()
        if select.group and select.partition:
            raise not_supported("GROUP BY together with PARTITION BY")
        if select.interval:
            self.open_window()
            if not calls:
                raise TDengineError(0x260C, "Not a single-group group function")
        grouped = bool(calls or select.group)
        if select.having is not None and not grouped:
            raise TDengineError(0x260C, "Not a single-group group function")
        shape = grouped_shape(self, calls) if grouped else Flat(self)
        results = [shape.expressions.compile(item.expression) for item in self.items]
        columns = [Column(item.label, r.type, r.length) for item, r in zip(self.items, results)]
        return self.assemble(shape, results), columns, self.source.precision

    # ------------------------------------------------------------------ names

    def read_source(self, store: Any) -> Source:
        source = self.select.source
        if source is None:
            current = store.databases.get(self.environment.database)
            return Source(precision=current.precision if current else 0)
        if isinstance(source, nodes.Select):
            sql, columns, precision = _Select(source, store, self.environment, self.parameters).build()
            return SubSelect(sql, columns, precision, self.select.alias)
        if source.database == "information_schema" and source.name == "ins_databases":
            if any(isinstance(item.expression, exp.Star) for item in self.select.items):
                raise not_supported("* of information_schema.ins_databases")
            return SubSelect(*catalog.INS_DATABASES, 0, self.select.alias or source.name)
        if source.database in ("information_schema", "performance_schema"):
            raise not_supported(f"{source.database}.{source.name}")
        found = store.database(source.database or self.environment.database).find(source.name)
        one = found if isinstance(found, Subtable) else None
        return TableSource(one.table if one else found, one, source.name, self.select.alias)

    def expand_items(self) -> list[nodes.Item]:
        items: list[nodes.Item] = []
        for item in self.select.items:
            tree = item.expression
            if isinstance(tree, exp.Star) or isinstance(tree, exp.Column) and isinstance(tree.this, exp.Star):
                if isinstance(tree, exp.Column):
                    self.check_qualifier(tree)
                items += [nodes.Item(_named(name), name, False) for name in self.stars(self.source.star)]
            elif isinstance(tree, exp.Anonymous) and tree.name.lower() in ROW_PICKERS and _is_star(tree):
                items += [nodes.Item(exp.Anonymous(this=tree.name, expressions=[_named(name)]),
                                     f"{tree.name.lower()}({name})", False) for name in self.stars(self.source.data)]
            else:
                items.append(item)
        return items

    def stars(self, columns: list[tuple[str, Typed]]) -> list[str]:
        names = [name for name, _ in columns]
        if not names:
            raise TDengineError(0x2600, 'syntax error near "*"')
        if len(set(names)) < len(names):
            raise not_supported("* over a sub-select with two columns of one name")
        return names

    def check_qualifier(self, tree: exp.Column) -> None:
        if tree.table not in self.source.qualifiers:
            raise TDengineError(0x2603, "Table does not exist")

    def meant(self, tree: exp.Expression) -> exp.Expression:
        """In GROUP, PARTITION and ORDER BY: a position or an AS name stands for the entry of the select list."""
        if isinstance(tree, exp.Literal) and not tree.is_string:
            if not (tree.this.isdigit() and 1 <= int(tree.this) <= len(self.items)):
                raise TDengineError(0x2609, "ORDER BY item must be the number of a SELECT-list expression")
            return self.items[int(tree.this) - 1].expression
        if isinstance(tree, exp.Column) and not tree.table:
            for item in self.items:
                if item.aliased and item.label == tree.name:
                    return item.expression
        return tree

    def aggregate_calls(self) -> list[exp.Anonymous]:
        trees = [item.expression for item in self.items] + [self.meant(o.expression) for o in self.select.order]
        if self.select.having is not None:
            trees.append(self.select.having)
        return [node for tree in trees for node in tree.walk()
                if isinstance(node, exp.Anonymous) and node.name.lower() in AGGREGATES]

    def open_window(self) -> None:
        """INTERVAL: the window's start becomes the last group key."""
        if self.select.group:
            raise not_supported("GROUP BY together with INTERVAL")
        if self.source.time is None:
            raise not_supported("INTERVAL over a sub-select without a timestamp")
        width, *rest = [self.plain.compile(tree) for tree in self.select.interval]
        offset = rest[0] if rest else None
        if width.unit is None or width.const <= 0 or offset is not None and offset.unit is None:
            raise TDengineError(0x2600, 'syntax error near "INTERVAL"')
        shift = offset.const if offset is not None else 0
        if shift >= width.const:
            raise TDengineError(0x261C, "Interval offset should be shorter than interval")
        self.step, self.shift = width.const, shift
        start = truncated(self.plain, self.source.time.sql, width.const, width.unit, shift)
        self.source.window = {
            "_wstart": typed(start, t.TIMESTAMP), "_wend": typed(f"({start} + {width.const})", t.TIMESTAMP),
            "_wduration": typed(str(width.const), t.BIGINT)}
        self.keys.append(self.source.window["_wstart"])

    # ------------------------------------------------------------------ SQL

    def assemble(self, shape: Shape, results: list[Typed]) -> str:
        select = self.select
        order = self.order_terms(shape, results)
        chosen = [f"{result.sql} AS o{i}" for i, result in enumerate(results)]
        sliced = bool(select.partition or select.group) and not select.order
        if select.slimit is not None and not sliced:
            raise not_supported("SLIMIT without PARTITION BY or with ORDER BY")
        wrap = sliced and (select.limit is not None or select.offset or select.slimit is not None)
        slices = len(self.keys) - bool(select.interval)
        if wrap:
            if select.distinct:
                raise not_supported("DISTINCT with a LIMIT in every partition")
            chosen += [f"{key.sql} AS q{i}" for i, key in enumerate(self.keys[:slices])]
            within = self.keys[-1].sql if select.interval else self.order_within(shape)
            chosen.append(f"{within} AS w")
        elif select.interval and not order:
            order = [key.sql for key in self.keys]
        tail = "" if wrap else (" ORDER BY " + ", ".join(order) if order else "") + self.limits()
        if self.tags_apart and isinstance(shape, Flat) and not (wrap or select.distinct or select.tags_only):
            chosen = self.without_tags(chosen, results)
        sql = shape.statement("DISTINCT " if select.distinct else "", chosen, tail)
        return self.sliced(sql, len(results), slices) if wrap else sql

    def without_tags(self, chosen: list[str], results: list[Typed]) -> list[str]:
        tags = {i: result.sql for i, result in enumerate(results) if re.fullmatch(r"g\.\w+", result.sql)}
        if not tags:
            return chosen
        self.tags = Tags(list(tags), f"SELECT g.tb, {', '.join(tags.values())} FROM tags_{self.source.table.id} g "
                                     "WHERE g.tb IN (SELECT value FROM json_each(?))")
        return [part for i, part in enumerate(chosen) if i not in tags] + ["d.tb"]

    def order_within(self, shape: Shape) -> str:
        return self.source.time.sql if isinstance(shape, Flat) and self.source.time is not None else "NULL"

    def order_terms(self, shape: Shape, results: list[Typed]) -> list[str]:
        terms = []
        for order in self.select.order:
            value = shape.expressions.compile(self.meant(order.expression))
            if self.select.distinct and value.sql not in {result.sql for result in results}:
                raise TDengineError(0x260B, "Not SELECTed expression")
            term = value.sql + (" DESC" if order.descending else "")
            if order.nulls_first == order.descending:
                term += " NULLS FIRST" if order.nulls_first else " NULLS LAST"
            terms.append(term)
        return terms

    def limits(self) -> str:
        select, name = self.select, self.parameters.name
        if select.limit is None:
            return ""
        return f" LIMIT {name(select.limit)}" + (f" OFFSET {name(select.offset)}" if select.offset else "")

    def sliced(self, sql: str, results: int, slices: int) -> str:
        """LIMIT in every partition, SLIMIT over the partitions."""
        select, name = self.select, self.parameters.name
        keys = ", ".join(f"q{i}" for i in range(slices))
        tests = []
        if select.limit is not None:
            tests.append(f"r > {name(select.offset)} AND r <= {name(select.offset + select.limit)}")
        if select.slimit is not None:
            tests.append(f"k > {name(select.soffset)} AND k <= {name(select.soffset + select.slimit)}")
        columns = ", ".join(f"o{i}" for i in range(results))
        return (f"SELECT {columns} FROM (SELECT *, row_number() OVER (PARTITION BY {keys} ORDER BY w) AS r, "
                f"dense_rank() OVER (ORDER BY {keys}) AS k FROM ({sql})) WHERE {' AND '.join(tests)} ORDER BY k, r")


def _named(name: str) -> exp.Column:
    return exp.Column(this=exp.Identifier(this=name, quoted=True))


def _is_star(call: exp.Anonymous) -> bool:
    return len(call.expressions) == 1 and (isinstance(call.expressions[0], exp.Star) or isinstance(
        call.expressions[0], exp.Column) and isinstance(call.expressions[0].this, exp.Star))


def _conjuncts(tree: exp.Expression | None) -> list[exp.Expression]:
    if tree is None:
        return []
    if isinstance(tree, exp.And):
        return _conjuncts(tree.this) + _conjuncts(tree.expression)
    return [tree]
