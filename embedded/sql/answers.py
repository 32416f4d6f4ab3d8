"""The outermost SELECT of a plan: the select list, ORDER BY and LIMIT over what a builder reads."""

from collections.abc import Sequence

from sqlglot import exp

from ..common import datatypes as t
from ..common.datatypes import Column
from ..common.errors import TDengineError, not_supported
from . import nodes
from .aggregates import aggregate_calls
from .group_queries import Groups
from .interpolation import Interpolation
from .partition_limits import limit_of, limited
from .partitions import Keys
from .plan import TagColumns
from .row_queries import RowExpressions
from .select_list import entry_of
from .sources import Source
from .typed import Typed, typed
from .windows_filled_select import filled_select

Builder = Groups | RowExpressions | Interpolation  # gives expressions, and ` FROM ...` for them


class Answers:
    """The part of the planner that puts a statement together. Result columns are called o0, o1, ... in SQL."""

    select: nodes.Select
    source: Source
    items: Sequence[nodes.Item]
    is_outermost = False
    tags: TagColumns | None = None  # those that were left out

    def entry_of(self, tree: exp.Expression) -> exp.Expression:
        return entry_of(tree, self.items)

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
            if not value.is_const and (tree.find(exp.Column) or aggregate_calls(tree)):
                order.append(self.order_term(entry, value, builder, results))
        chosen: dict[str, str] = {}
        wanted: dict[int, str] = {}
        needs_tags |= order_needs_tags
        leave_out = self.is_outermost and not (
            select.distinct or select.tags_only or select.window and select.window.fill)
        of_tags = {tag.sql: tag.sql.removeprefix("g.") for tag in self.source.tags.values()}
        for i, ((value, needs), column) in enumerate(zip(results, columns, strict=True)):
            if leave_out and needs and value.sql in of_tags:
                wanted[i] = of_tags[value.sql]
            else:
                needs_tags |= needs
            chosen[f"o{i}"] = self.source.cast(value.sql, column)
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
        limit = " LIMIT 0" if builder.rows.is_empty else self.limit()
        if not order and not select.distinct and (self.is_outermost or limit or not isinstance(builder, RowExpressions)
                                                  or builder.has_series):
            order = builder.sorting
        text = ", ".join(f"{sql} AS {name}" for name, sql in chosen.items())
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
        builder.tags_alone = bool(self.source.tags) and not (
            builder.has_series or rows.on_rows or rows.on_both or any(map(self.source.reads_rows, trees)))
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
