"""TDengine's aggregates: what they accept, the type and length of what they return.

A sum, an average or a variance that is no finite number is NULL, and MIN and MAX pass over NaN. Aggregates are
written like scalar functions; their SQL is computed over the rows of a group.
"""

from sqlglot import exp

from ..common import datatypes as t
from ..common.errors import TDengineError
from .arguments import FunctionBuilder, check_count, compiled
from .casts import wrapped
from .compiler import Compiler, may_be_nan
from .statistics import STATISTICS
from .typed import DECIMALS, NUMBERS, NUMERIC, REALS, TEXTS, UNSIGNED, Typed, typed

_ANY = set(t.TYPES)
_ORDERED = NUMBERS | DECIMALS | TEXTS
ROW_PICKERS = ("last", "first", "last_row")  # they pick a row: `group_queries.py` says how other columns of it are read


def _count(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    check_count(name, trees, 1)
    if isinstance(trees[0], exp.Star):
        return typed("count(*)", t.BIGINT)
    value, = compiled(compiler, name, trees, [_ANY])
    return typed(f"count({value.sql})", t.BIGINT)


def _sum(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    """Sums of integers wrap around, as in C. Those of reals are the same in every run: `fsum` makes up for rounding."""
    value, = compiled(compiler, name, trees, [NUMBERS])
    if value.type in REALS:
        return finite(f"fsum({compiler.real(value)})")
    kind = t.UBIGINT if value.type in UNSIGNED else t.BIGINT
    whole = f"{value.sql}::INTEGER" if value.type is t.BOOL else value.sql
    return typed(wrapped(f"sum({whole})", kind) if value.type.size == 8 else
                 f"sum({whole})::{'U' if kind is t.UBIGINT else ''}BIGINT", kind)


def _average(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    value, = compiled(compiler, name, trees, [NUMERIC])
    return finite(f"favg({compiler.real(value)})") if value.type in REALS else typed(f"avg({value.sql})", t.DOUBLE)


def _least_or_greatest(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    value, = compiled(compiler, name, trees, [_ORDERED])
    return typed(f"{name}({value.sql}){unless_nan(value)}", value.type, value.length)


def unless_nan(value: Typed) -> str:
    """What makes an aggregate pass over NaN."""
    return f" FILTER (WHERE NOT isnan({value.sql}))" if may_be_nan(value) else ""


def finite(sql: str, test: str = "") -> Typed:
    """A DOUBLE that is NULL where it, or `test`, is not a finite number."""
    return typed(f"CASE WHEN isfinite({test or sql}) THEN {sql} END", t.DOUBLE)


def _row_picker(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    """LAST and FIRST pass over NULL, LAST_ROW does not."""
    value, = compiled(compiler, name, trees, [_ANY])
    function = {"last": "arg_max", "first": "arg_min", "last_row": "arg_max_null"}[name]
    if value.sql == compiler.scope.time.sql:
        return typed(f"{'min' if name == 'first' else 'max'}({value.sql})", value.type)
    return typed(f"{function}({value.sql}, {compiler.scope.time.sql})", value.type, value.length)


AGGREGATES: dict[str, FunctionBuilder] = {
    "count": _count, "sum": _sum, "avg": _average, "min": _least_or_greatest, "max": _least_or_greatest,
    **STATISTICS,
    **dict.fromkeys(ROW_PICKERS, _row_picker),
}


def aggregate_calls(tree: exp.Expression) -> list[exp.Anonymous]:
    """All calls of aggregates in an expression."""
    return [node for node in tree.walk() if isinstance(node, exp.Anonymous) and node.name.lower() in AGGREGATES]


def refuse_star(tree: exp.Anonymous) -> None:
    """Error: 0x2600 for `*` in an aggregate other than COUNT."""
    if tree.expressions and isinstance(tree.expressions[0], exp.Star) and tree.name.lower() != "count":
        raise TDengineError(0x2600, 'syntax error near "*"')
