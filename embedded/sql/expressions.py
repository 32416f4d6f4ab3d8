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
from .comparison import align, compare
from .compiler import Compiler
from .functions import SCALARS
from .series_names import SERIES_NAMES
from .typed import INTEGERS, LONGEST_TEXT, NUMBERS, SIGNED, TEXTS, UNSIGNED, Typed, number_or_null, typed

LONGEST_SQL = 200_000  # characters, of one expression

_ARITHMETIC = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}
_COMPARISONS = {exp.EQ: "=", exp.NEQ: "<>", exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<="}


def misplaced() -> TDengineError:
    """The error for a function of rows where there may be none."""
    return TDengineError(0x264F, "Some functions are allowed only in the SELECT list of a query. And, cannot be mixed "
                         "with other non scalar functions or columns.")


class Expressions(Compiler):
    """Compiles the expressions of one SELECT, or of the values of one INSERT."""

    def compile(self, tree: exp.Expression) -> Typed:
        """Errors: 0x2602 (no such column), 0x28xx (functions), 0x2600 (not supported)."""
        method = _METHODS.get(type(tree))
        if method is None:
            raise not_supported(tree.sql())
        result = method(self, tree)
        if result.type.variable and result.length * (4 if result.type is t.NCHAR else 1) > LONGEST_TEXT:
            raise TDengineError(0x2653, f"Value too long: a text has at most {LONGEST_TEXT} bytes")
        if len(result.sql) > LONGEST_SQL:
            raise TDengineError(0x2600, 'syntax error near "(" (nested too deeply)')
        return result

    def condition(self, tree: exp.Expression) -> str:
        """The SQL of an expression that is true or false."""
        result = self.compile(tree)
        if result.const is None:
            return "NULL::BOOLEAN"
        if result.type not in NUMBERS:
            raise not_supported(f"a {result.type.name} as a condition")
        return result.sql if result.type is t.BOOL else f"({result.sql} <> 0)"

    # ------------------------------------------------------------------ constants and columns

    def null(self, _: Any = None) -> Typed:
        return self.constant(None, t.VARCHAR, 0)

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
        return self.constant(bool(tree.this), t.BOOL)

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
        a, b = (value.sql if value.is_const or value.type is t.TIMESTAMP else f"{value.sql}::BIGINT"
                for value in (left, right))
        return typed(f"({a} {operator} {b})", t.TIMESTAMP)

    def bitwise(self, tree: exp.Binary) -> Typed:
        left, right = self.compile(tree.this), self.compile(tree.expression)
        for value in (left, right):
            if value.type not in SIGNED | UNSIGNED - {t.UBIGINT} | {t.BOOL}:
                raise not_supported(f"{value.type.name} as an operand of & or |")
        sign = "&" if isinstance(tree, exp.BitwiseAnd) else "|"
        return typed(f"({left.sql}::BIGINT {sign} {right.sql}::BIGINT)", t.BIGINT)

    # ------------------------------------------------------------------ conditions

    def comparison(self, tree: exp.Binary) -> Typed:
        return typed(compare(self, self.compile(tree.this), self.compile(tree.expression),
                             _COMPARISONS[type(tree)]), t.BOOL)

    def between(self, tree: exp.Between) -> Typed:
        value = self.compile(tree.this)
        low, high = (compare(self, value, self.compile(tree.args[name]), operator, "BETWEEN")
                     for name, operator in (("low", ">="), ("high", "<=")))
        return typed(f"({low} AND {high})", t.BOOL)

    def is_in(self, tree: exp.In) -> Typed:
        value = self.compile(tree.this)
        if len(tree.expressions) == 1 and isinstance(tree.expressions[0], exp.Var):
            sql, columns = self.sub_select(tree.expressions[0].meta["select"])
            if len(columns) != 1:
                raise TDengineError(0x2600, 'syntax error near "IN" (the sub-select has more than one column)')
            align(self, value, typed("", columns[0].type, columns[0].length), "IN")
            return typed(f"({value.sql} IN ({sql}))", t.BOOL)
        if not tree.expressions:
            raise not_supported("IN without a list of values")
        if value.const is None:
            return typed("NULL::BOOLEAN", t.BOOL)
        pairs = [align(self, value, self.compile(entry), "IN") for entry in tree.expressions]
        if len({a.sql for a, _ in pairs}) > 1:
            return typed("(" + " OR ".join(f"{a.sql} = {b.sql}" for a, b in pairs) + ")", t.BOOL)
        return typed(f"({pairs[0][0].sql} IN ({', '.join(b.sql for _, b in pairs)}))", t.BOOL)

    def like(self, tree: exp.Like) -> Typed:
        """LIKE does not tell upper from lower case."""
        value, pattern = self.texts("LIKE", tree)
        negation = "NOT " if tree.args.get("negate") else ""
        return typed(f"({value.sql} {negation}ILIKE {pattern.sql} ESCAPE '\\')", t.BOOL)

    def matches(self, tree: exp.Binary) -> Typed:
        value, pattern = self.texts("MATCH", tree)
        negation = "NOT " if isinstance(tree, exp.RegexpILike) else ""
        return typed(f"({negation}regexp_matches({value.sql}, {pattern.sql}))", t.BOOL)

    def texts(self, operator: str, tree: exp.Binary) -> tuple[Typed, Typed]:
        value, pattern = self.compile(tree.this), self.compile(tree.expression)
        if value.type not in TEXTS or pattern.type not in TEXTS:
            raise not_supported(f"{operator} between {value.type.name} and {pattern.type.name}")
        return value, pattern

    def is_null(self, tree: exp.Is) -> Typed:
        if not isinstance(tree.expression, exp.Null):
            raise not_supported("IS without NULL")
        negation = "NOT " if tree.args.get("negate") else ""
        return typed(f"({self.compile(tree.this).sql} IS {negation}NULL)", t.BOOL)

    def connector(self, tree: exp.Connector) -> Typed:
        word = "AND" if isinstance(tree, exp.And) else "OR"
        return typed(f"({self.condition(tree.this)} {word} {self.condition(tree.expression)})", t.BOOL)

    def negation(self, tree: exp.Not) -> Typed:
        """NOT of what is unknown is true in TDengine. NOT IN, NOT LIKE and NOT BETWEEN are operators of their own."""
        inner = tree.this
        if isinstance(inner, exp.In) and any(isinstance(entry, exp.Null) for entry in inner.expressions):
            self.condition(inner)  # for its errors
            return self.constant(False, t.BOOL)
        sql = self.condition(inner)
        if isinstance(inner, (exp.In, exp.Like, exp.RegexpLike, exp.Between, exp.Is)):
            return typed(f"(NOT {sql})", t.BOOL)
        return typed(f"({sql} IS NOT TRUE)", t.BOOL)

    def case(self, tree: exp.Case) -> Typed:
        results = [self.compile(branch.args["true"]) for branch in tree.args["ifs"]]
        default = tree.args.get("default")
        ends = self.unify(results + ([self.compile(default)] if default else []))
        text = "CASE"
        for branch, result in zip(tree.args["ifs"], ends, strict=False):  # the last of `ends` may be the default
            if tree.this:
                test = compare(self, self.compile(tree.this), self.compile(branch.this), "=", "CASE")
            else:
                test = self.condition(branch.this)
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
        if name in SERIES_NAMES:
            return self.function_of_rows(name, tree)
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
    **dict.fromkeys(_ARITHMETIC, Expressions.arithmetic), **dict.fromkeys(_COMPARISONS, Expressions.comparison),
    **dict.fromkeys((exp.BitwiseAnd, exp.BitwiseOr), Expressions.bitwise),
    exp.Between: Expressions.between, exp.In: Expressions.is_in, exp.Like: Expressions.like,
    exp.RegexpLike: Expressions.matches, exp.RegexpILike: Expressions.matches,
    exp.Is: Expressions.is_null, exp.And: Expressions.connector, exp.Or: Expressions.connector,
    exp.Not: Expressions.negation, exp.Case: Expressions.case, exp.JSONExtract: Expressions.json_value,
    exp.Anonymous: Expressions.function,
}
