"""The shapes of a SELECT in SQLite: row by row (`Flat`), groups by a scan (`Scan`), groups by seeks (`Seek`).

`Seek` is for LAST, FIRST and LAST_ROW, in groups of whole subtables: it finds each subtable's row by the
index of subtables, one seek a subtable, however many rows there are.
"""

from typing import Any

from sqlglot import exp

from ..storage import blocks
from ..common.errors import TDengineError, not_supported
from .expressions import Expressions
from .typed import Typed, typed
from .aggregates import AGGREGATES, ROW_PICKERS, aggregate_argument
from .sources import TableSource


class Shape:
    """How one SELECT reads its rows. `expressions` compiles the select list, HAVING and ORDER BY."""

    expressions: Expressions

    def __init__(self, owner: Any):
        self.owner, self.source = owner, owner.source

    def statement(self, distinct: str, chosen: list[str], tail: str) -> str:
        """The whole SQL; `tail` is its ORDER BY and LIMIT."""
        raise NotImplementedError

    def select_from(self, distinct: str, chosen: list[str], tail: str) -> str:
        """SELECT ... FROM ... WHERE ...; `tail` is what follows, with names that may need a join."""
        terms = self.source.conditions(self.owner.where)
        where = " WHERE " + " AND ".join(terms) if terms else ""
        source = self.source.from_clause(" ".join(chosen) + " AND ".join(self._joined(terms)) + tail)
        return f"SELECT {distinct}{', '.join(chosen)}{' FROM ' + source if source else ''}{where}{tail}"

    @staticmethod
    def _joined(terms: list[str]) -> list[str]:
        return [term for term in terms if not term.startswith("d.tb IN (SELECT")]


class Flat(Shape):
    """Row by row; or, for tags alone, subtable by subtable."""

    def __init__(self, owner: Any):
        super().__init__(owner)
        self.expressions = owner.plain

    def statement(self, distinct: str, chosen: list[str], tail: str) -> str:
        select = self.owner.select
        if isinstance(self.source, TableSource) and (select.distinct or select.tags_only):
            self.source.tags_alone = not any("d." in text for text in (*chosen, *self.owner.where, tail))
        if select.tags_only and not getattr(self.source, "tags_alone", False):
            raise not_supported("SELECT TAGS of anything but tags")
        return self.select_from(distinct, chosen, tail)


class _Grouped(Expressions):
    """Expressions over groups: a group key, an aggregate, or what is built of them."""

    def __init__(self, shape: "Grouped"):
        owner = shape.owner
        super().__init__(owner.source, owner.environment, owner.parameters)
        self.shape, self.plain = shape, owner.plain

    def compile(self, tree: exp.Expression) -> Typed:
        if not any(isinstance(node, exp.Anonymous) and node.name.lower() in AGGREGATES for node in tree.walk()):
            value = self.plain.compile(tree)
            if value.is_const or self.shape.is_key(value):
                return value
            if isinstance(tree, exp.Column):
                return self.shape.bare(value)
        return super().compile(tree)

    def aggregate(self, name: str, tree: exp.Anonymous) -> Typed:
        value = aggregate_argument(self.plain, name, tree.expressions)
        return self.shape.aggregate(name, value)


class Grouped(Shape):
    def __init__(self, owner: Any, calls: list[tuple[str, Typed | None]]):
        super().__init__(owner)
        self.calls = calls
        self.expressions = _Grouped(self)

    def is_key(self, value: Typed) -> bool:
        keys = {key.sql for key in self.owner.keys}
        windows = {column.sql for column in self.source.window.values()}
        return value.sql in keys | windows or "g.name" in keys and value.sql.startswith("g.")

    def bare(self, value: Typed) -> Typed:
        """A column beside the one function that picks a row: that row's value."""
        distinct = {(name, argument.sql if argument else "") for name, argument in self.calls}
        name, argument = self.calls[0] if self.calls else ("", None)
        if len(distinct) != 1 or name not in ROW_PICKERS + ("min", "max"):
            if self.owner.select.group:
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
        tail = ""
        if self.owner.keys:
            tail += " GROUP BY " + ", ".join(self.grouping(key) for key in self.owner.keys)
        tests = [presence] if presence else []
        if self.owner.select.having is not None:
            tests.append(self.expressions.condition(self.owner.select.having).sql)
        return tail + (" HAVING " + " AND ".join(tests) if tests else "")


    def grouping(self, key: Typed) -> str:
        return key.sql


class Scan(Grouped):
    def grouping(self, key: Typed) -> str:
        return "d.tb" if key.sql == "g.name" else key.sql  # the same groups, in the order of an index

    def pick(self, name: str, argument: Typed, value: Typed) -> Typed:
        if name in ("min", "max"):
            key, first = argument.sql, name == "min"
        else:
            key, first = self.key(name, argument), name == "first"
        return typed(f"pick_{'first' if first else 'last'}({key}, {value.sql})", value.type, value.length)

    def key(self, name: str, argument: Typed) -> str:
        if self.source.time is None:
            raise not_supported(f"{name.upper()} over a sub-select without a timestamp")
        time = self.source.time.sql
        if name == "last_row" or argument.sql == time:
            return time
        return f"CASE WHEN {argument.sql} IS NOT NULL THEN {time} END"

    def statement(self, distinct: str, chosen: list[str], tail: str) -> str:
        names = {name for name, _ in self.calls}
        if names and names <= {"last", "first"}:
            keys = {self.key(name, argument) for name, argument in self.calls}
            presence = " + ".join(f"count({key})" for key in sorted(keys)) + " > 0"
        elif self.owner.keys or "count" in names:
            presence = ""  # COUNT alone answers where there is nothing to count
        else:
            presence = "count(*) > 0"
        tail = self.group_by(presence) + tail
        return blocks.statement(self, distinct, chosen, tail) or self.select_from(distinct, chosen, tail)


class Seek(Grouped):
    """A list of subtables `g`, each with the times k0, k1, ... of the rows picked in it."""

    def __init__(self, owner: Any, calls: list[tuple[str, Typed | None]]):
        super().__init__(owner, calls)
        self.picks: dict[tuple[str, str], int] = {}

    def aggregate(self, name: str, value: Typed | None) -> Typed:
        return self.pick(_PICKER.get(name, name), value, value)

    def pick(self, name: str, argument: Typed, value: Typed) -> Typed:
        name = _PICKER.get(name, name)
        number = self.picks.setdefault((name, "" if name == "last_row" else argument.sql), len(self.picks))
        if value.sql == self.source.time.sql:
            read = f"g.k{number}"
        elif "d." not in value.sql:
            read = value.sql
        else:
            read = f"(SELECT {value.sql} FROM data_{self.source.table.id} d WHERE d.tb = g.tb AND d.c0 = g.k{number})"
        return typed(f"pick_{'first' if name == 'first' else 'last'}(g.k{number}, {read})", value.type, value.length)

    def statement(self, distinct: str, chosen: list[str], tail: str) -> str:
        self.group_by("")  # HAVING may pick rows of its own
        of_tags = [part for part in self.owner.where if "d." not in part]
        of_rows = [part for part in self.owner.where if "d." in part]
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


_PICKER = {"max": "last", "min": "first"}  # of the timestamp itself


def grouped_shape(owner: Any, calls: list[exp.Anonymous]) -> Grouped:
    names = [call.name.lower() for call in calls]
    found = [(name, aggregate_argument(owner.plain, name, call.expressions)) for name, call in zip(names, calls)]
    source = owner.source
    by_seeks = found and isinstance(source, TableSource) and not any("d." in key.sql for key in owner.keys) and all(
        name in ROW_PICKERS or name in _PICKER and value.sql == source.time.sql for name, value in found)
    return (Seek if by_seeks else Scan)(owner, found)
