"""INTERP: the value of a column at instants that RANGE and EVERY name, between the rows before and after.

The instants `q` have the columns w (the instant), k0, k1, ... (the keys of PARTITION BY) and v0, v1, ... (values).
"""

import re
from dataclasses import dataclass, replace

from sqlglot import exp

from ..common import clock
from ..common import datatypes as t
from ..common.datatypes import Column, duck_type
from ..common.errors import TDengineError, not_supported
from . import nodes
from .arguments import bad_value, compiled
from .comparison import align
from .expressions import Expressions, misplaced
from .partitions import Keys
from .rows import Rows
from .statistics import constant_argument
from .typed import INTEGERS, NUMBERS, REALS, Typed, typed
from .windows_fill import filling

_MOST_INSTANTS = 10_000_000
_NAMES = ("_irowts", "_isfilled", "_irowts_origin")
_NEAREST = "(n.t IS NULL OR i.w - l.t <= n.t - i.w)"  # the row before is as near as the row after


def interpolates(select: nodes.Select, trees: list[exp.Expression]) -> bool:
    """Whether a SELECT is one of INTERP. Error: 0x265D for RANGE or its like without INTERP, or without each other."""
    called = any(node.name.lower() == "interp" for tree in trees for node in tree.find_all(exp.Anonymous))
    window = select.window if select.window and select.window.kind == "RANGE" else None
    if window and not called:
        raise TDengineError(0x265D, "Invalid usage of RANGE clause, EVERY clause or FILL clause")
    if called and (not window or not window.arguments or not window.fill or
                   len(window.arguments) > 1 and not window.sliding):
        raise TDengineError(0x265D, "Missing RANGE clause, EVERY clause or FILL clause")
    return called


@dataclass(frozen=True)
class _Value:
    """A column of INTERP: SQL over rows, and what FILL(VALUE) puts where there is no row."""

    value: Typed
    filling: str


class Interpolation(Expressions):
    """Expressions over instants."""

    reads_tags = False  # all keys are columns of the instants

    def __init__(self, select: nodes.Select, expressions: Expressions, rows: Rows, keys: Keys) -> None:
        super().__init__(expressions.scope, expressions.environment, expressions.sub_select)
        if rows.source.time is None:
            raise TDengineError(0x2674, "Valid primary timestamp required")
        self.select, self.of_rows, self.rows = select, expressions, rows
        self.keys = [key.sql for _, key in keys]
        self.by_subtable = "g.name" in self.keys
        self.read_tags = any(rows.source.reads_tags(tree) for tree, _ in keys)
        self.mode = select.window.fill.mode.removesuffix("_F")
        self.calls = list(dict.fromkeys(call for item in select.items for call in _calls(item.expression)))
        self.values: dict[exp.Anonymous, _Value] = {}
        self.ignores_null = False
        if self.mode == "NONE":
            raise TDengineError(0x2605, "Unsupported fill type")
        if self.mode == "VALUE" and len(select.window.fill.values) != len(self.calls):
            raise TDengineError(0x2605, "Filled values number mismatch")
        self.instants = self._instants()

    def _instants(self) -> str:
        """SQL of the list of instants. Errors: 0x0127 (no time), 0x2605 (EVERY)."""
        window, time = self.select.window, self.rows.source.time
        found = []
        for tree in window.arguments:
            value = self.of_rows.compile(tree)
            if value.unit or len(window.arguments) > 2:
                raise not_supported("RANGE with a stretch of time")
            found.append(align(self.of_rows, time, value, "RANGE")[1].const if value.is_const else None)
        if not all(isinstance(instant, int) for instant in found):
            raise TDengineError(0x0127, "Invalid timestamp format")
        if window.sliding is None:
            return f"[{found[0]}]::BIGINT[]"
        name = window.sliding.name
        every = 0 if re.search("[ny]$", name) else clock.duration(name, self.precision)[0]
        if every <= 0:
            raise TDengineError(0x2605, "Unsupported time unit in EVERY clause")
        start, end = found[0], found[-1]
        if (end - start) // every > _MOST_INSTANTS:
            raise TDengineError(0x263B, "Start(end) time of query range required or time range too large")
        return f"range({start}, {end + 1}, {every})"

    # ------------------------------------------------------------------ expressions

    def compile(self, tree: exp.Expression) -> Typed:
        if isinstance(tree, exp.Anonymous) and tree.name.lower() == "interp":
            return self._interpolated(tree)
        if isinstance(tree, exp.Column) and tree.name in _NAMES and not tree.table:
            if tree.name == "_irowts_origin" and self.mode not in ("PREV", "NEXT", "NEAR"):
                raise TDengineError(0x2657, "_irowts_origin can only be used with FILL PREV/NEXT/NEAR function is not "
                                    "supported in fill query")
            return {"_irowts": typed("q.w", t.TIMESTAMP), "_isfilled": typed("q.filled", t.BOOL),
                    "_irowts_origin": typed("q.origin", t.TIMESTAMP)}[tree.name]
        if _calls(tree) or any(column.name in _NAMES for column in tree.find_all(exp.Column)):
            return super().compile(tree)
        value = self.of_rows.compile(tree)
        if value.is_const:
            return value
        if value.sql not in self.keys:
            source = self.rows.source
            if source.reads_rows(tree) or not (self.by_subtable or source.tb is not None):
                raise TDengineError(0x260C, "Not a single-group group function")
            self.keys.append(value.sql)  # tags are the same in a whole subtable
            self.read_tags = True
        return replace(value, sql=f"q.k{self.keys.index(value.sql)}", raw=None)

    def _interpolated(self, tree: exp.Anonymous) -> Typed:
        name = "interp"
        value = compiled(self.of_rows, name, tree.expressions[:1], [NUMBERS])[0]
        option = 0
        if len(tree.expressions) > 1:
            option = constant_argument(self.of_rows, name, tree.expressions[1], INTEGERS)
        if option not in (0, 1) or len(tree.expressions) > 2:
            raise bad_value(name)
        if option and len(self.calls) > 1:
            raise TDengineError(0x264F, "interp ignoring null value options cannot be used when applying to multiple "
                                "columns")
        self.ignores_null = bool(option)
        self.read_tags |= self.rows.source.reads_tags(tree)
        call = tree
        if call not in self.calls:
            raise misplaced()
        value_there = "NULL"
        if self.mode == "VALUE":
            target = Column("", value.type, value.length)
            value_there = filling(self.of_rows, target, self.select.window.fill.values[self.calls.index(call)])
        self.values.setdefault(call, _Value(value, value_there))
        return replace(value, sql=f"q.v{self.calls.index(call)}", raw=None)

    # ------------------------------------------------------------------ SQL

    @property
    def order_in_partition(self) -> str:
        return "q.w"

    @property
    def sorting(self) -> list[tuple[str, str]]:
        return [*((f"q.k{i}", "") for i in range(len(self.keys))), ("q.w", "")]

    def limit_rows(self, order: str, limit: str) -> bool:
        return False

    def clause(self, with_tags: bool) -> str:
        """` FROM ...`: the instants at which there is a value."""
        rows = self.rows
        found = {self.calls.index(call): entry for call, entry in self.values.items()}
        if self.ignores_null:
            rows = rows.with_columns({"x": found[0].value.sql}, self.read_tags).with_condition("d.x IS NOT NULL")
        keys = [f"k{i}" for i in range(len(self.keys))] or ["k"]
        chosen = [f"{sql} AS k{i}" for i, sql in enumerate(self.keys)] or ["0 AS k"]
        chosen += [f"{entry.value.sql} AS x{i}" for i, entry in found.items()]
        base = f"SELECT {rows.source.time.sql} AS t, {', '.join(chosen)}{rows.clause(self.read_tags)}"
        values = [f"i.w, {', '.join(f'i.{key}' for key in keys)}", "(l.t IS DISTINCT FROM i.w) AS filled",
                  f"{self._side('t')} AS origin", *(f"{self._at(i, entry)} AS v{i}" for i, entry in found.items())]
        there = {"PREV": "l.t IS NOT NULL", "NEXT": "n.t IS NOT NULL", "LINEAR": "l.t IS NOT NULL AND n.t IS NOT NULL",
                 "NEAR": "l.t IS NOT NULL OR n.t IS NOT NULL"}.get(self.mode, "TRUE")
        joins = ""
        for side, operator in (("l", "<="), ("n", ">=")):
            same = " = ".join(f"row({', '.join(f'{name}.{key}' for key in keys)})" for name in (side, "i"))  # NULL too
            joins += f" ASOF LEFT JOIN b {side} ON {same} AND {side}.t {operator} i.w"
        return (f" FROM (WITH b AS ({base}), p AS (SELECT DISTINCT {', '.join(keys)} FROM b), "
                f"i AS (SELECT p.*, unnest({self.instants}) AS w FROM p) "
                f"SELECT {', '.join(values)} FROM i{joins} WHERE {there}) q")

    def _side(self, column: str) -> str:
        """A column of the row before or after, as FILL says."""
        if self.mode == "NEXT":
            return f"n.{column}"
        return f"CASE WHEN {_NEAREST} THEN l.{column} ELSE n.{column} END" if self.mode == "NEAR" else f"l.{column}"

    def _at(self, number: int, entry: _Value) -> str:
        """The value at an instant; where a row stands there, it is the row's own, also NULL."""
        own, kind = f"l.x{number}", entry.value.type
        if self.mode in ("PREV", "NEXT", "NEAR"):
            between = self._side(f"x{number}")
        elif self.mode == "LINEAR" and kind in INTEGERS | REALS:
            ends = (f"{{'w': {side}.t, 'o': {side}.x{number}::DOUBLE}}" for side in "ln")
            between = f"line_between({', '.join(ends)}, i.w)"
            between = between if kind in REALS else f"trunc({between})"
        else:
            between = entry.filling
        type_ = duck_type(Column("", kind, entry.value.length))
        return f"CASE WHEN l.t = i.w THEN {own} ELSE ({between})::{type_} END"


def _calls(tree: exp.Expression) -> list[exp.Anonymous]:
    return [node for node in tree.find_all(exp.Anonymous) if node.name.lower() == "interp"]
