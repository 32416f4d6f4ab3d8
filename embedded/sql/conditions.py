"""Conditions: from TDengine's syntax tree to DuckDB's SQL. They are BOOLEAN there, and may be NULL."""

from sqlglot import exp

from ..common import datatypes as t
from ..common.errors import TDengineError, not_supported
from .comparison import align, compare
from .compiler import Compiler
from .typed import NUMBERS, TEXTS, Typed, typed

COMPARISONS = {exp.EQ: "=", exp.NEQ: "<>", exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<="}


class Conditions(Compiler):
    """The part of `Expressions` whose results are true or false, and CASE."""

    def condition(self, tree: exp.Expression) -> str:
        """The SQL of an expression that is true or false."""
        result = self.compile(tree)
        if result.const is None:
            return "NULL::BOOLEAN"
        if result.type not in NUMBERS:
            raise not_supported(f"a {result.type.name} as a condition")
        return result.sql if result.type is t.BOOL else f"({result.sql} <> 0)"

    def comparison(self, tree: exp.Binary) -> Typed:
        return typed(compare(self, self.compile(tree.this), self.compile(tree.expression),
                             COMPARISONS[type(tree)]), t.BOOL)

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
        """LIKE does not tell upper from lower case. A backslash means itself, but before % and _."""
        value, pattern = self.texts("LIKE", tree)
        escaped = rf"replace(replace(replace({pattern.sql}, '\', '\\'), '\\%', '\%'), '\\_', '\_')"
        negation = "NOT " if tree.args.get("negate") else ""
        return typed(f"({value.sql} {negation}ILIKE {escaped} ESCAPE '\\')", t.BOOL)

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
