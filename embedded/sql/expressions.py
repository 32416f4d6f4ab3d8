"""Scalar expressions: from TDengine's syntax tree to SQLite's SQL, with the type that TDengine would give.

SQLite has no types for expressions and converts between numbers and text in its own way. So every operand
gets its type here first. A mixture of types whose result would differ from TDengine's is refused.
"""

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from ..common import clock
from ..common import datatypes as t
from ..common.errors import TDengineError, not_supported
from .aggregates import AGGREGATES
from .comparison import align
from .compiler import Compiler
from .functions import SCALARS
from .typed import INTEGERS, NUMBERS, SIGNED, TEXTS, UNSIGNED, Typed, typed

_ARITHMETIC = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}
_COMPARISONS = {exp.EQ: "=", exp.NEQ: "<>", exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<="}


class Expressions(Compiler):
    """Compiles the expressions of one SELECT, or of the values of one INSERT."""

    def compile(self, tree: exp.Expression) -> Typed:
        """Errors: 0x2602 (no such column), 0x28xx (functions), 0x2600 (not supported)."""
        method = _METHODS.get(type(tree))
        if method is None:
            raise not_supported(tree.sql())
        return method(self, tree)

    def condition(self, tree: exp.Expression) -> Typed:
        """An expression that is true or false."""
        result = self.compile(tree)
        if result.type not in NUMBERS:
            raise not_supported(f"a {result.type.name} as a condition")
        return result

    # ------------------------------------------------------------------ constants and columns

    def null(self, _: Any = None) -> Typed:
        return self.constant(None, t.BOOL)

    def literal(self, tree: exp.Literal) -> Typed:
        if tree.is_string:
            return self.constant(tree.this, t.VARCHAR)
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
        return self.constant(int(tree.this), t.BOOL)

    def column(self, tree: exp.Column) -> Typed:
        """A column, or one of the unquoted names that are none: NOW and durations such as `12h`."""
        name = tree.name
        if isinstance(tree.this, exp.Star):
            raise TDengineError(0x2600, 'syntax error near "*"')
        if not tree.this.args.get("quoted") and not tree.table:
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
        return typed(f"(-{self.real(value)})", t.DOUBLE)

    def arithmetic(self, tree: exp.Binary) -> Typed:
        operator = _ARITHMETIC[type(tree)]
        left, right = self.compile(tree.this), self.compile(tree.expression)
        if t.TIMESTAMP in (left.type, right.type):
            return self.moved_timestamp(operator, left, right)
        self.need_numbers(operator, left, right)
        a, b = self.real(left), self.real(right)
        return typed(f"remainder({a}, {b})" if operator == "%" else f"({a} {operator} {b})", t.DOUBLE)

    def moved_timestamp(self, operator: str, left: Typed, right: Typed) -> Typed:
        """A timestamp plus or minus a duration or a whole number of ticks."""
        distance = right if left.type is t.TIMESTAMP else left
        if left.type is right.type or distance.type not in NUMBERS:
            raise TDengineError(0x0200, "Invalid operation")
        if operator not in "+-" or distance is left and operator == "-" or distance.type not in INTEGERS | {t.BOOL}:
            raise not_supported(f"{left.type.name} {operator} {right.type.name}")
        if left.is_const and right.is_const and None not in (left.const, right.const):
            return self.constant(left.const + (right.const if operator == "+" else -right.const), t.TIMESTAMP)
        return typed(f"({left.sql} {operator} {right.sql})", t.TIMESTAMP)

    def bitwise(self, tree: exp.Binary) -> Typed:
        left, right = self.compile(tree.this), self.compile(tree.expression)
        for value in (left, right):
            if value.type not in SIGNED | UNSIGNED - {t.UBIGINT} | {t.BOOL}:
                raise not_supported(f"{value.type.name} as an operand of & or |")
        return typed(f"({left.sql} {'&' if isinstance(tree, exp.BitwiseAnd) else '|'} {right.sql})", t.BIGINT)

    # ------------------------------------------------------------------ conditions

    def comparison(self, tree: exp.Binary) -> Typed:
        operator = _COMPARISONS[type(tree)]
        a, b = align(self, self.compile(tree.this), self.compile(tree.expression), operator)
        return typed(f"({a} {operator} {b})", t.BOOL)

    def between(self, tree: exp.Between) -> Typed:
        value = self.compile(tree.this)
        bounds = []
        for operator, bound in ((">=", tree.args["low"]), ("<=", tree.args["high"])):
            a, b = align(self, value, self.compile(bound), "BETWEEN")
            bounds.append(f"{a} {operator} {b}")
        return typed(f"({' AND '.join(bounds)})", t.BOOL)

    def is_in(self, tree: exp.In) -> Typed:
        if not tree.expressions or set(tree.args) - {"this", "expressions"}:
            raise not_supported("IN without a list of values")
        value = self.compile(tree.this)
        pairs = [align(self, value, self.compile(entry), "IN") for entry in tree.expressions]
        if len({a for a, _ in pairs}) > 1:
            return typed("(" + " OR ".join(f"{a} = {b}" for a, b in pairs) + ")", t.BOOL)
        return typed(f"({pairs[0][0]} IN ({', '.join(b for _, b in pairs)}))", t.BOOL)

    def like(self, tree: exp.Like) -> Typed:
        value, pattern = self.compile(tree.this), self.compile(tree.expression)
        if value.type not in TEXTS or pattern.type not in TEXTS:
            raise not_supported(f"LIKE between {value.type.name} and {pattern.type.name}")
        negation = "NOT " if tree.args.get("negate") else ""
        return typed(f"({value.sql} {negation}LIKE {pattern.sql} ESCAPE '\\')", t.BOOL)

    def is_null(self, tree: exp.Is) -> Typed:
        if not isinstance(tree.expression, exp.Null):
            raise not_supported("IS without NULL")
        negation = "NOT " if tree.args.get("negate") else ""
        return typed(f"({self.compile(tree.this).sql} IS {negation}NULL)", t.BOOL)

    def connector(self, tree: exp.Connector) -> Typed:
        word = "AND" if isinstance(tree, exp.And) else "OR"
        return typed(f"({self.condition(tree.this).sql} {word} {self.condition(tree.expression).sql})", t.BOOL)

    def negation(self, tree: exp.Not) -> Typed:
        return typed(f"(NOT {self.condition(tree.this).sql})", t.BOOL)

    def case(self, tree: exp.Case) -> Typed:
        results = [self.compile(branch.args["true"]) for branch in tree.args["ifs"]]
        default = tree.args.get("default")
        ends = self.unify(results + ([self.compile(default)] if default else []))
        text = "CASE"
        for branch, result in zip(tree.args["ifs"], ends, strict=False):  # the last of `ends` may be the default
            if tree.this:
                a, b = align(self, self.compile(tree.this), self.compile(branch.this), "CASE")
                test = f"{a} = {b}"
            else:
                test = self.condition(branch.this).sql
            text += f" WHEN {test} THEN {result.sql}"
        if default:
            text += f" ELSE {ends[-1].sql}"
        return typed(text + " END", ends[0].type, max(end.length for end in ends))

    def json_value(self, tree: exp.JSONExtract) -> Typed:
        raise not_supported("-> of JSON")

    # ------------------------------------------------------------------ functions

    def function(self, tree: exp.Anonymous) -> Typed:
        name = tree.name.lower()
        if name in AGGREGATES:
            return self.aggregate(name, tree)
        build = SCALARS.get(name)
        if build is None:
            raise TDengineError(0x2804, f"Not builtin function : {name} (the embedded database does not support it)")
        return build(self, name, tree.expressions)

    def aggregate(self, name: str, tree: exp.Anonymous) -> Typed:
        """An aggregate has no meaning here; `groups.py` overrides this where it has one."""
        raise TDengineError(0x2608, "There mustn't be aggregation")


_METHODS: dict[type, Callable[[Expressions, Any], Typed]] = {
    exp.Null: Expressions.null, exp.Literal: Expressions.literal, exp.Boolean: Expressions.boolean,
    exp.HexString: Expressions.hexadecimal,
    exp.Column: Expressions.column, exp.Paren: Expressions.parentheses, exp.Neg: Expressions.negative,
    **dict.fromkeys(_ARITHMETIC, Expressions.arithmetic), **dict.fromkeys(_COMPARISONS, Expressions.comparison),
    **dict.fromkeys((exp.BitwiseAnd, exp.BitwiseOr), Expressions.bitwise),
    exp.Between: Expressions.between, exp.In: Expressions.is_in, exp.Like: Expressions.like,
    exp.Is: Expressions.is_null, exp.And: Expressions.connector, exp.Or: Expressions.connector,
    exp.Not: Expressions.negation, exp.Case: Expressions.case, exp.JSONExtract: Expressions.json_value,
    exp.Anonymous: Expressions.function,
}
