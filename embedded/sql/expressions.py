"""Scalar expressions: from TDengine's syntax tree to DuckDB's SQL, with the type that TDengine would give.

DuckDB's types are not enough: NCHAR, lengths and TIMESTAMP are TDengine's. So every operand gets its type here. A
mixture of types whose result would differ from TDengine's is refused.
"""

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from ..common import clock
from ..common import datatypes as t
from ..common.errors import TDengineError, not_supported
from .aggregates import AGGREGATES
from .conditions import COMPARISONS, Conditions
from .functions import SCALARS
from .series_names import SERIES_NAMES
from .typed import INTEGERS, LONGEST_TEXT, NUMBERS, SIGNED, UNSIGNED, Typed, Unknown, number_or_null, typed

# Functions without arguments, whose names TDengine keeps for them: it waits for the parentheses.
_WORDS = ("server_version", "server_status", "client_version", "current_user", "database", "timezone", "today", "user")
LONGEST_SQL = 200_000  # characters, of one expression

_ARITHMETIC = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}


def misplaced() -> TDengineError:
    """The error for a function of rows where there may be none."""
    return TDengineError(0x264F, "Some functions are allowed only in the SELECT list of a query. And, cannot be mixed "
                         "with other non scalar functions or columns.")


class Expressions(Conditions):
    """Compiles the expressions of one SELECT, or of the values of one INSERT."""

    def compile(self, tree: exp.Expression) -> Typed:
        """Errors: 0x2602 (no such column), 0x28xx (functions), 0x2600 (not supported)."""
        method = _METHODS.get(type(tree))
        if method is None:
            raise not_supported(type(tree).__name__ if tree.find(exp.Var) else tree.sql())
        result = method(self, tree)
        if result.type.variable and result.length * (4 if result.type is t.NCHAR else 1) > LONGEST_TEXT:
            raise TDengineError(0x2653, f"Value too long: a text has at most {LONGEST_TEXT} bytes")
        if len(result.sql) > LONGEST_SQL:
            raise TDengineError(0x2600, 'syntax error near "(" (too long, or nested too deeply)')
        return result

    # ------------------------------------------------------------------ constants and columns

    def null(self, _: Any = None) -> Typed:
        return self.constant(None, t.VARCHAR, 0)

    def literal(self, tree: exp.Literal) -> Typed:
        if tree.is_string:
            return self.constant(tree.this, t.VARCHAR)
        if tree.this.startswith("\0"):
            return Unknown(tree.this)
        try:
            value = int(tree.this)
        except ValueError:
            return self.constant(float(tree.this), t.DOUBLE)
        if value >= 2**64 or value < -2**63:
            raise not_supported(f"the number {value}")
        return self.constant(value, t.BIGINT if value < 2**63 else t.UBIGINT)

    def hexadecimal(self, tree: exp.HexString) -> Typed:
        return self.literal(exp.Literal(this=str(int(tree.this, 16)), is_string=False))

    def boolean(self, tree: exp.Boolean) -> Typed:
        return self.constant(bool(tree.this), t.BOOL)

    def column(self, tree: exp.Column) -> Typed:
        """A column, or one of the unquoted names that are none: NOW and durations such as `12h`."""
        name = tree.name
        if isinstance(tree.this, exp.Star):
            raise TDengineError(0x2600, 'syntax error near "*"')
        if not tree.this.args.get("quoted") and not tree.table:
            if name in _WORDS and name not in self.scope.columns:
                raise TDengineError(0x2601, "Incomplete SQL statement")
            if name == "now":
                return self.constant(self.environment.now(self.precision), t.TIMESTAMP)
            if name[0].isdigit():
                duration = clock.duration(name, self.precision)
                if duration is None:
                    raise TDengineError(0x2600, f'syntax error near "{name}"')
                ticks, unit = duration
                return self.constant(ticks, t.BIGINT, unit=unit)
        return self.scope.resolve(name, tuple(part.name for part in tree.parts[:-1]))

    def parentheses(self, tree: exp.Paren) -> Typed:
        return self.compile(tree.this)

    # ------------------------------------------------------------------ arithmetic

    def negative(self, tree: exp.Neg) -> Typed:
        value = self.compile(tree.this)
        if value.is_const and value.type in (t.BIGINT, t.DOUBLE) and value.const is not None:
            return self.constant(-value.const, value.type, unit=value.unit)
        self.need_numbers("-", value)
        return number_or_null(f"(-{self.real(value)})")

    def arithmetic(self, tree: exp.Binary) -> Typed:
        """The result is a DOUBLE, and NULL where it is no number. A division by zero is NULL."""
        operator = _ARITHMETIC[type(tree)]
        left, right = self.compile(tree.this), self.compile(tree.expression)
        if t.TIMESTAMP in (left.type, right.type):
            return self.moved_timestamp(operator, left, right)
        self.need_numbers(operator, left, right)
        a, b = self.real(left), self.real(right)
        if operator == "/" and (not right.is_const or right.const == 0):
            b = f"CASE WHEN {b} <> 0 THEN {b} END"
        if operator in "+-*" and {left.type, right.type} <= INTEGERS | {t.BOOL}:
            return typed(f"({a} {operator} {b})", t.DOUBLE)
        return number_or_null(f"({a} {operator} {b})")

    def moved_timestamp(self, operator: str, left: Typed, right: Typed) -> Typed:
        """A timestamp plus or minus a duration or a whole number of ticks."""
        distance = right if left.type is t.TIMESTAMP else left
        if left.type is right.type or distance.type not in NUMBERS:
            raise TDengineError(0x0200, "Invalid operation")
        if operator not in "+-" or distance is left and operator == "-" or distance.type not in INTEGERS | {t.BOOL}:
            raise not_supported(f"{left.type.name} {operator} {right.type.name}")
        if left.is_const and right.is_const and None not in (left.const, right.const):
            ticks = left.const + (right.const if operator == "+" else -right.const)
            return self.constant((ticks + 2**63) % 2**64 - 2**63, t.TIMESTAMP)
        a, b = (value.sql if value.type in (t.TIMESTAMP, t.BIGINT) else f"{value.sql}::BIGINT"
                for value in (left, right))
        return typed(f"({a} {operator} {b})", t.TIMESTAMP)

    def bitwise(self, tree: exp.Binary) -> Typed:
        left, right = self.compile(tree.this), self.compile(tree.expression)
        for value in (left, right):
            if value.type not in SIGNED | UNSIGNED - {t.UBIGINT} | {t.BOOL}:
                raise not_supported(f"{value.type.name} as an operand of & or |")
        sign = "&" if isinstance(tree, exp.BitwiseAnd) else "|"
        return typed(f"({left.sql}::BIGINT {sign} {right.sql}::BIGINT)", t.BIGINT)

    def json_value(self, tree: exp.JSONExtract) -> Typed:
        raise not_supported("-> of JSON")

    # ------------------------------------------------------------------ functions

    def function(self, tree: exp.Anonymous) -> Typed:
        name = tree.name.lower()
        if name in AGGREGATES:
            return self.aggregate(name, tree)
        if name in SERIES_NAMES:
            return self.function_of_rows(name, tree)
        if name == "cols":
            raise TDengineError(0x2608, "There mustn't be aggregation")
        if name == "interp":
            raise TDengineError(0x265D, "Missing RANGE clause, EVERY clause or FILL clause")
        build = SCALARS.get(name)
        if build is None:
            raise TDengineError(0x0374, f"Func not exists : {name} (the embedded database does not support {name})")
        return build(self, name, tree.expressions)

    def aggregate(self, name: str, tree: exp.Anonymous) -> Typed:
        """An aggregate has no meaning here; `group_queries.py` overrides this where it has one."""
        raise TDengineError(0x2608, "There mustn't be aggregation")

    def function_of_rows(self, name: str, tree: exp.Anonymous) -> Typed:
        """Nor has DIFF or its like; `row_queries.py` overrides this."""
        raise misplaced()


_METHODS: dict[type, Callable[[Expressions, Any], Typed]] = {
    exp.Null: Expressions.null, exp.Literal: Expressions.literal, exp.Boolean: Expressions.boolean,
    exp.HexString: Expressions.hexadecimal,
    exp.Column: Expressions.column, exp.Paren: Expressions.parentheses, exp.Neg: Expressions.negative,
    **dict.fromkeys(_ARITHMETIC, Expressions.arithmetic), **dict.fromkeys(COMPARISONS, Expressions.comparison),
    **dict.fromkeys((exp.BitwiseAnd, exp.BitwiseOr), Expressions.bitwise),
    exp.Between: Expressions.between, exp.In: Expressions.is_in, exp.Like: Expressions.like,
    exp.RegexpLike: Expressions.matches, exp.RegexpILike: Expressions.matches,
    exp.Is: Expressions.is_null, exp.And: Expressions.connector, exp.Or: Expressions.connector,
    exp.Not: Expressions.negation, exp.Case: Expressions.case, exp.JSONExtract: Expressions.json_value,
    exp.Anonymous: Expressions.function,
}
