"""Scalar expressions: from TDengine's syntax tree to SQLite's SQL, with the type TDengine would give.

SQLite has no types for expressions and converts between numbers and text in its own way, so every
operand is typed here first, and a mixture whose result would differ from TDengine's is refused.
"""

from typing import Any, Callable

from sqlglot import exp

from ..common import clock
from ..common import datatypes as t
from ..common.datatypes import Type
from ..common.errors import TDengineError, not_supported
from .typed import INTEGERS, NUMBERS, REALS, SIGNED, TEXTS, UNSIGNED, Environment, Parameters, Scope, Typed, typed
from ..common.values import binary, float32, pack_unsigned


class Expressions:
    """Compiles trees in one scope."""

    def __init__(self, scope: Scope, environment: Environment, parameters: Parameters):
        self.scope = scope
        self.environment = environment
        self.parameters = parameters

    @property
    def precision(self) -> int:
        return self.scope.precision

    def compile(self, tree: exp.Expression) -> Typed:
        """Errors: 0x2602 (no such column), 0x28xx (functions), 0x2600 (what is not supported)."""
        method = _METHODS.get(type(tree))
        if method is None:
            raise not_supported(tree.sql())
        return method(self, tree)

    def condition(self, tree: exp.Expression) -> Typed:
        """A tree that stands for true or false."""
        result = self.compile(tree)
        if result.type not in NUMBERS:
            raise not_supported(f"a {result.type.name} as a condition")
        return result

    # ------------------------------------------------------------------ constants

    def constant(self, value: Any, type_: Type, length: int | None = None, unit: str | None = None) -> Typed:
        if type_ in (t.VARCHAR, t.NCHAR, t.VARBINARY):
            length = len(value.encode() if type_ is t.VARCHAR and isinstance(value, str) else value) or 1 \
                if length is None else length
        sql = "NULL" if value is None else self.parameters.name(pack_unsigned(value) if type_ is t.UBIGINT else value)
        return Typed(sql, type_, type_.size if length is None else length, value, unit)

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
        name = tree.name
        if isinstance(tree.this, exp.Star):
            raise TDengineError(0x2600, 'syntax error near "*"')
        if not tree.this.args.get("quoted") and not tree.table:
            if name == "now":
                return self.constant(self.environment.now(self.precision), t.TIMESTAMP)
            if name[0].isdigit():
                ticks = clock.duration(name, self.precision)
                if ticks is None:
                    raise TDengineError(0x2600, f'syntax error near "{name}"')
                return self.constant(ticks[0], t.BIGINT, unit=ticks[1])
        return self.scope.resolve(name, tuple(part.name for part in tree.parts[:-1]))

    def paren(self, tree: exp.Paren) -> Typed:
        return self.compile(tree.this)

    # ------------------------------------------------------------------ arithmetic

    def real(self, value: Typed) -> str:
        """The SQL of a number as a real."""
        if value.type is t.UBIGINT:
            return f"u64({value.sql})"
        return value.sql if value.type in REALS else f"CAST({value.sql} AS REAL)"

    def negative(self, tree: exp.Neg) -> Typed:
        value = self.compile(tree.this)
        if value.is_const and value.type in (t.BIGINT, t.DOUBLE) and value.const is not None:
            return self.constant(-value.const, value.type, unit=value.unit)
        self.need_numbers("-", value)
        return typed(f"(-{self.real(value)})", t.DOUBLE)

    def need_numbers(self, name: str, *values: Typed) -> None:
        for value in values:
            if value.type in TEXTS:
                raise not_supported(f"text as an operand of {name}")
            if value.type not in NUMBERS:
                raise TDengineError(0x0200, "Invalid operation")

    def arithmetic(self, tree: exp.Binary) -> Typed:
        operator = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}[type(tree)]
        left, right = self.compile(tree.this), self.compile(tree.expression)
        if t.TIMESTAMP in (left.type, right.type):
            return self.shift(operator, left, right)
        self.need_numbers(operator, left, right)
        a, b = self.real(left), self.real(right)
        return typed(f"remainder({a}, {b})" if operator == "%" else f"({a} {operator} {b})", t.DOUBLE)

    def shift(self, operator: str, left: Typed, right: Typed) -> Typed:
        """A timestamp moved by a duration or a whole number of ticks."""
        moved_by = right if left.type is t.TIMESTAMP else left
        if left.type is right.type or moved_by.type not in NUMBERS:
            raise TDengineError(0x0200, "Invalid operation")
        if operator not in "+-" or moved_by is left and operator == "-" or moved_by.type not in INTEGERS | {t.BOOL}:
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

    # ------------------------------------------------------------------ comparison

    def align(self, left: Typed, right: Typed, what: str) -> tuple[str, str]:
        """The SQL of two operands such that SQLite compares them as TDengine does."""
        if left.is_const and not right.is_const:
            b, a = self.align(right, left, what)
            return a, b
        if right.is_const and right.const is not None:
            right = self.convert(right, left, what)
        if left.const is None or right.const is None:
            return left.sql, right.sql
        for family in (NUMBERS | {t.TIMESTAMP}, TEXTS, {t.VARBINARY}):
            if left.type in family and right.type in family:
                break
        else:
            raise not_supported(f"{what} between {left.type.name} and {right.type.name}")
        if t.UBIGINT in (left.type, right.type) and {left.type, right.type} & REALS:
            return self.real(left), self.real(right)
        return left.sql, right.sql

    def convert(self, constant: Typed, other: Typed, what: str) -> Typed:
        """A constant as it is compared with `other`: text becomes a time or a number, a number a 32-bit float."""
        value = constant.const
        if constant.type in TEXTS:
            if other.type is t.TIMESTAMP:
                ticks = clock.parse(value, self.precision, self.environment.zone)
                if ticks is None:
                    raise TDengineError(0x2635, f"Incorrect TIMESTAMP value: {value}")
                return self.constant(ticks, t.TIMESTAMP)
            if other.type is t.BOOL and value.lower() in ("true", "false"):
                return self.constant(int(value.lower() == "true"), t.BOOL)
            if other.type is t.VARBINARY:
                return self.constant(binary(value), t.VARBINARY)
            if other.type in NUMBERS:
                try:
                    return self.convert(self.constant(float(value), t.DOUBLE), other, what)
                except ValueError:
                    raise not_supported(f"{what} between {other.type.name} and the text '{value}'") from None
        if other.type is t.FLOAT and constant.type in NUMBERS and not other.is_const and abs(value) < 3e38:
            return self.constant(float32(float(value)), t.DOUBLE)
        return constant

    def comparison(self, tree: exp.Binary) -> Typed:
        operator = {exp.EQ: "=", exp.NEQ: "<>", exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<="}[type(tree)]
        a, b = self.align(self.compile(tree.this), self.compile(tree.expression), operator)
        return typed(f"({a} {operator} {b})", t.BOOL)

    def between(self, tree: exp.Between) -> Typed:
        value = self.compile(tree.this)
        bounds = []
        for operator, bound in ((">=", tree.args["low"]), ("<=", tree.args["high"])):
            a, b = self.align(value, self.compile(bound), "BETWEEN")
            bounds.append(f"{a} {operator} {b}")
        return typed(f"({' AND '.join(bounds)})", t.BOOL)

    def is_in(self, tree: exp.In) -> Typed:
        if not tree.expressions or set(tree.args) - {"this", "expressions"}:
            raise not_supported("IN without a list of values")
        value = self.compile(tree.this)
        pairs = [self.align(value, self.compile(entry), "IN") for entry in tree.expressions]
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
        for branch, result in zip(tree.args["ifs"], ends):
            if tree.this:
                a, b = self.align(self.compile(tree.this), self.compile(branch.this), "CASE")
                test = f"{a} = {b}"
            else:
                test = self.condition(branch.this).sql
            text += f" WHEN {test} THEN {result.sql}"
        if default:
            text += f" ELSE {ends[-1].sql}"
        return typed(text + " END", ends[0].type, max(end.length for end in ends))

    def unify(self, values: list[Typed]) -> list[Typed]:
        """The branches of one CASE in one type: the first one's, or BIGINT for integers of several kinds."""
        kinds = {value.type for value in values if value.const is not None} or {t.BOOL}
        if len(kinds) == 1:
            kind = kinds.pop()
        elif kinds <= SIGNED | UNSIGNED - {t.UBIGINT}:
            kind = t.BIGINT
        elif kinds <= TEXTS:
            kind = t.NCHAR
        elif kinds <= NUMBERS - {t.UBIGINT} and values[0].type in REALS:
            kind = t.DOUBLE
        else:
            raise not_supported("CASE of " + " and ".join(sorted(kind.name for kind in kinds)))
        return [typed(self.real(value) if kind is t.DOUBLE and value.const is not None else value.sql, kind,
                      value.length if kind.variable else None) for value in values]

    # ------------------------------------------------------------------ functions

    def function(self, tree: exp.Anonymous) -> Typed:
        from .aggregates import AGGREGATES  # they build on this module
        from .functions import SCALARS
        name = tree.name.lower()
        if name in AGGREGATES:
            return self.aggregate(name, tree)
        build = SCALARS.get(name)
        if build is None:
            raise TDengineError(0x2804, f"Not builtin function : {name} (the embedded database does not support it)")
        return build(self, name, tree.expressions)

    def aggregate(self, name: str, tree: exp.Anonymous) -> Typed:
        raise TDengineError(0x2608, "There mustn't be aggregation")


_METHODS: dict[type, Callable[[Expressions, Any], Typed]] = {
    exp.Null: Expressions.null, exp.Literal: Expressions.literal, exp.Boolean: Expressions.boolean,
    exp.HexString: Expressions.hexadecimal,
    exp.Column: Expressions.column, exp.Paren: Expressions.paren, exp.Neg: Expressions.negative,
    **dict.fromkeys((exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod), Expressions.arithmetic),
    **dict.fromkeys((exp.BitwiseAnd, exp.BitwiseOr), Expressions.bitwise),
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE), Expressions.comparison),
    exp.Between: Expressions.between, exp.In: Expressions.is_in, exp.Like: Expressions.like,
    exp.Is: Expressions.is_null, exp.And: Expressions.connector, exp.Or: Expressions.connector,
    exp.Not: Expressions.negation, exp.Case: Expressions.case, exp.Anonymous: Expressions.function,
}
