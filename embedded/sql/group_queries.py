"""How a SELECT with aggregates is built: by a scan over rows (or blocks), or by seeks.

Seeks are for LAST, FIRST and LAST_ROW in groups of whole subtables. They find the row of each subtable by the
index, one seek a subtable, however many rows there are.
"""

from sqlglot import exp

from ..common.errors import TDengineError, not_supported
from . import block_totals
from .aggregates import AGGREGATES, ROW_PICKERS, aggregate_argument
from .expressions import Expressions
from .row_queries import Query, SelectBuilder
from .sources import TableSource
from .typed import Typed, typed

Call = tuple[str, Typed | None]  # an aggregate's name and its argument; None stands for the * of COUNT(*)


class _GroupExpressions(Expressions):
    """Expressions over groups: group keys, aggregates, and expressions that are built of them."""

    def __init__(self, builder: "GroupSelectBuilder") -> None:
        query = builder.query
        super().__init__(query.source, query.environment, query.parameters)
        self.builder, self.of_rows = builder, query.expressions

    def compile(self, tree: exp.Expression) -> Typed:
        if not is_aggregated(tree):
            value = self.of_rows.compile(tree)
            if value.is_const or self.builder.is_key(value):
                return value
            if isinstance(tree, exp.Column):
                return self.builder.column_beside_aggregate(value)
        return super().compile(tree)

    def aggregate(self, name: str, tree: exp.Anonymous) -> Typed:
        return self.builder.aggregate(name, aggregate_argument(self.of_rows, name, tree.expressions))


class GroupSelectBuilder(SelectBuilder):
    """What scans and seeks share. `calls` are the aggregates of the statement."""

    def __init__(self, query: Query, calls: list[Call]) -> None:
        super().__init__(query)
        self.calls = calls
        self.expressions = _GroupExpressions(self)

    def is_key(self, value: Typed) -> bool:
        """Whether a value is the same in a whole group; tags are, where the groups are subtables (`g.name`)."""
        keys = {key.sql for key in self.query.keys}
        windows = {column.sql for column in self.source.window.values()}
        return value.sql in keys | windows or "g.name" in keys and value.sql.startswith("g.")

    def column_beside_aggregate(self, value: Typed) -> Typed:
        """A column that is no key: its value in the row that the statement's only row-picking function picks.

        Errors: 0x260A, 0x260C where no function picks one row.
        """
        distinct = {(name, argument.sql if argument else "") for name, argument in self.calls}
        name, argument = self.calls[0] if self.calls else ("", None)
        if len(distinct) != 1 or name not in ROW_PICKERS + ("min", "max"):
            if self.query.select.group:
                raise TDengineError(0x260A, "Not a GROUP BY expression")
            raise TDengineError(0x260C, "Not a single-group group function")
        return self.pick(name, argument, value)

    def aggregate(self, name: str, value: Typed | None) -> Typed:
        if name in ROW_PICKERS:
            return self.pick(name, value, value)
        return AGGREGATES[name][1](self.expressions, name, value)

    def pick(self, name: str, argument: Typed, value: Typed) -> Typed:
        """`value` in the row that `name(argument)` picks."""
        raise NotImplementedError

    def group_by(self, presence: str) -> str:
        """GROUP BY and HAVING; `presence` is the condition under which a group has an answer."""
        tail = ""
        if self.query.keys:
            tail += " GROUP BY " + ", ".join(self.grouping(key) for key in self.query.keys)
        tests = [presence] if presence else []
        if self.query.select.having is not None:
            tests.append(self.expressions.condition(self.query.select.having).sql)
        return tail + (" HAVING " + " AND ".join(tests) if tests else "")

    def grouping(self, key: Typed) -> str:
        return key.sql


class ScanBuilder(GroupSelectBuilder):
    """Reads all rows of the stretch, or their blocks where blocks know the answer."""

    def grouping(self, key: Typed) -> str:
        return "d.tb" if key.sql == "g.name" else key.sql  # the same groups, in the order of an index

    def pick(self, name: str, argument: Typed, value: Typed) -> Typed:
        if name in ("min", "max"):
            key, first = argument.sql, name == "min"
        else:
            key, first = self._time_of_value(name, argument), name == "first"
        return typed(f"pick_{'first' if first else 'last'}({key}, {value.sql})", value.type, value.length)

    def _time_of_value(self, name: str, argument: Typed) -> str:
        """The timestamp of a row, NULL where LAST and FIRST pass over the row because its value is NULL."""
        if self.source.time is None:
            raise not_supported(f"{name.upper()} over a sub-select without a timestamp")
        time = self.source.time.sql
        if name == "last_row" or argument.sql == time:
            return time
        return f"CASE WHEN {argument.sql} IS NOT NULL THEN {time} END"

    def statement(self, distinct: str, chosen: list[str], tail: str) -> str:
        tail = self.group_by(self._presence()) + tail
        by_blocks = block_totals.statement(self.query, self.calls, distinct, chosen, tail)
        return by_blocks or self.select_from(distinct, chosen, tail)

    def _presence(self) -> str:
        """TDengine gives no row where LAST and FIRST find no value, nor over no rows; COUNT alone gives 0 there."""
        names = {name for name, _ in self.calls}
        if names and names <= {"last", "first"}:
            times = {self._time_of_value(name, argument) for name, argument in self.calls}
            return " + ".join(f"count({time})" for time in sorted(times)) + " > 0"
        return "" if self.query.keys or "count" in names else "count(*) > 0"


class SeekBuilder(GroupSelectBuilder):
    """Reads a list of subtables `g`, each with the times k0, k1, ... of the rows that are picked in it."""

    def __init__(self, query: Query, calls: list[Call]) -> None:
        super().__init__(query, calls)
        self.picks: dict[tuple[str, str], int] = {}  # (function, SQL of its argument): n of kn

    def aggregate(self, name: str, value: Typed | None) -> Typed:
        return self.pick(name, value, value)

    def pick(self, name: str, argument: Typed, value: Typed) -> Typed:
        name = _EXTREME_TIMES.get(name, name)
        number = self.picks.setdefault((name, "" if name == "last_row" else argument.sql), len(self.picks))
        if value.sql == self.source.time.sql:
            read = f"g.k{number}"
        elif "d." not in value.sql:
            read = value.sql
        else:
            read = f"(SELECT {value.sql} FROM data_{self.source.table.id} d WHERE d.tb = g.tb AND d.c0 = g.k{number})"
        return typed(f"pick_{'first' if name == 'first' else 'last'}(g.k{number}, {read})", value.type, value.length)

    def statement(self, distinct: str, chosen: list[str], tail: str) -> str:
        self.group_by("")  # HAVING may pick rows too: they must be known before the columns are listed
        of_tags = [part for part in self.query.where if "d." not in part]
        of_rows = [part for part in self.query.where if "d." in part]
        if self.source.tb is not None:
            of_tags.append(f"g.tb = {self.source.tb}")
        columns = []
        for (name, argument), number in self.picks.items():
            tests = ["d.tb = g.tb"] + of_rows
            if argument and argument != self.source.time.sql:
                tests.append(f"{argument} IS NOT NULL")
            columns.append(f"(SELECT d.c0 FROM data_{self.source.table.id} d WHERE {' AND '.join(tests)} "
                           f"ORDER BY d.c0 {'ASC' if name == 'first' else 'DESC'} LIMIT 1) AS k{number}")
        where = " WHERE " + " AND ".join(of_tags) if of_tags else ""
        presence = " + ".join(f"count(g.k{number})" for number in self.picks.values()) + " > 0"
        return (f"WITH g AS MATERIALIZED (SELECT g.*, {', '.join(columns)} FROM tags_{self.source.table.id} g{where}) "
                f"SELECT {distinct}{', '.join(chosen)} FROM g{self.group_by(presence)}{tail}")


_EXTREME_TIMES = {"max": "last", "min": "first"}  # MAX(ts) is the time of the last row, MIN(ts) of the first


def is_aggregated(tree: exp.Expression) -> bool:
    """Whether an aggregate is called anywhere in the expression."""
    return bool(aggregate_calls(tree))


def aggregate_calls(tree: exp.Expression) -> list[exp.Anonymous]:
    return [node for node in tree.walk() if isinstance(node, exp.Anonymous) and node.name.lower() in AGGREGATES]


def group_select_builder(query: Query, trees: list[exp.Anonymous]) -> GroupSelectBuilder:
    """The builder for a SELECT with these calls of aggregates: seeks wherever they can answer."""
    names = [tree.name.lower() for tree in trees]
    calls = [(name, aggregate_argument(query.expressions, name, tree.expressions))
             for name, tree in zip(names, trees, strict=True)]
    source = query.source
    by_seeks = calls and isinstance(source, TableSource) and not any("d." in key.sql for key in query.keys) and all(
        name in ROW_PICKERS or name in _EXTREME_TIMES and value.sql == source.time.sql for name, value in calls)
    return (SeekBuilder if by_seeks else ScanBuilder)(query, calls)
