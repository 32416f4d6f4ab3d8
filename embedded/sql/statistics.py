"""TDengine's statistics: aggregates beyond COUNT, SUM, AVG, MIN and MAX.

Their SQL is computed over the rows of a group. NaN is no value for most of them.
"""

from typing import Any

from sqlglot import exp

from ..common import clock
from ..common import datatypes as t
from ..common.errors import TDengineError, not_supported
from .arguments import FunctionBuilder, bad_type, check_count, compiled
from .compiler import Compiler
from .histograms import histogram
from .typed import INTEGERS, NUMERIC, REALS, UNSIGNED, Typed, literal, typed

_ANY = set(t.TYPES)
_PERCENTILES_LENGTH, _LINE_LENGTH = 3198, 126  # bytes, as TDengine announces them
_MOST_PERCENTILES = 10
_ELAPSED_UNITS = "buasmhdw"


def wrong_range(name: str) -> TDengineError:
    return TDengineError(0x2811, f"Invalid parameter range : {name}")


def without_nan(value: Typed) -> str:
    """The FILTER of an aggregate that passes over NaN."""
    return f" FILTER (WHERE NOT isnan({value.sql}))" if value.type in REALS else ""


# ---------------------------------------------------------------------- spread of values

def _variance(of_sample: bool, root: bool) -> FunctionBuilder:
    """The variance or its root. It is exact for integers of up to 32 bits.

    Reals are summed by `fsum`, which rounds alike in every run, whatever rows a thread gets first.
    """
    def build(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
        value, = compiled(compiler, name, trees, [NUMERIC])
        if value.const is None:
            return typed("NULL::DOUBLE", t.DOUBLE)
        if value.type in INTEGERS and value.type.size < 8:
            whole = f"{value.sql}::{'UBIGINT' if value.type in UNSIGNED else 'BIGINT'}"
            sql = f"exact_variance(count({value.sql}), sum({whole}), sum({whole} * {whole}))"
        else:
            real = compiler.real(value)
            sql = (f"real_variance(count({real}), fsum({real}), fsum({real} * {real}), var_pop({real}) "
                   f"FILTER (WHERE abs({real}) < 1e150))")
        if of_sample:
            sql = f"({sql} * count({value.sql}) / nullif(count({value.sql}) - 1, 0))"
        return typed(f"sqrt({sql})" if root else sql, t.DOUBLE)
    return build


def _spread(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    check_count(name, trees, 1)
    value = compiler.compile(trees[0])
    if value.type not in NUMERIC | {t.TIMESTAMP}:
        raise bad_type(name)
    only = without_nan(value)
    return typed(f"(max({value.sql}){only}::DOUBLE - min({value.sql}){only}::DOUBLE)", t.DOUBLE)


# ---------------------------------------------------------------------- percentiles

def constant_argument(compiler: Compiler, name: str, tree: exp.Expression, family: set[t.Type]) -> Any:
    """The value of an argument that must be a constant of one of these types. Error: 0x2802."""
    value = compiler.compile(tree)
    if not value.is_const or value.type not in family or value.unit:
        raise bad_type(name)
    return value.const


def percents(compiler: Compiler, name: str, trees: list[exp.Expression], family: set[t.Type]) -> list[float]:
    found = [constant_argument(compiler, name, tree, family) for tree in trees]
    if not all(0 <= percent <= 100 for percent in found):
        raise wrong_range(name)
    return found


def _percentile(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    """Exact. Several percentiles come as one text, `[1.000000, 2.000000]`. Error: 0x265F for more than one table."""
    check_count(name, trees, 2, 1 + _MOST_PERCENTILES)
    value = compiled(compiler, name, trees[:1], [NUMERIC])[0]
    shares_of = percents(compiler, name, trees[1:], INTEGERS | REALS)
    if compiler.scope.tb is None:
        raise TDengineError(0x265F, "percentile is only supported in single table query")
    shares = ", ".join(str(percent / 100) for percent in shares_of)
    if len(shares_of) == 1:
        return typed(f"quantile_cont({compiler.real(value)}, {shares}){without_nan(value)}", t.DOUBLE)
    found = f"quantile_cont({compiler.real(value)}, [{shares}]){without_nan(value)}"
    return typed(f"percentiles_text({found})", t.VARCHAR, _PERCENTILES_LENGTH)


# ---------------------------------------------------------------------- values and their number

def _mode(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    value, = compiled(compiler, name, trees, [_ANY])
    if not compiler.scope.reads_rows(trees[0]):
        raise TDengineError(0x2814, f"Parameter should have column : {name}")
    return typed(f"mode({value.sql})", value.type, value.length)


def _distinct_count(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    """HYPERLOGLOG estimates in TDengine. Here it is exact, for DuckDB's estimate is too far off for few values."""
    value, = compiled(compiler, name, trees, [_ANY])
    return typed(f"count(DISTINCT {value.sql})", t.BIGINT)


# ---------------------------------------------------------------------- rows in their order

def need_time(compiler: Compiler) -> str:
    """The SQL of a row's timestamp. Error: 0x2674 for a sub-select that has none."""
    if compiler.scope.time is None:
        raise TDengineError(0x2674, "Valid primary timestamp required")
    return compiler.scope.time.sql


def _line(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    """The line through the values in their order: the first at `start`, each next one `step` further."""
    check_count(name, trees, 3)
    value = compiled(compiler, name, trees[:1], [NUMERIC])[0]
    start, step = (float(constant_argument(compiler, name, tree, INTEGERS | REALS)) for tree in trees[1:])
    values = f"list({compiler.real(value)} ORDER BY {need_time(compiler)}) FILTER (WHERE {value.sql} IS NOT NULL)"
    ends = f"{literal(start, t.DOUBLE)}, {literal(step, t.DOUBLE)}"
    return typed(f"line_text({values}, {ends})", t.VARCHAR, _LINE_LENGTH)


def _rate(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    """How fast the value grew at last, a second. A value below the one before means that a counter began anew at 0."""
    value, = compiled(compiler, name, trees, [NUMERIC])
    time, there = need_time(compiler), f"FILTER (WHERE {value.sql} IS NOT NULL)"
    newest = f"arg_max({compiler.real(value)}, {time}, 2) {there}, max({time}, 2) {there}"
    return typed(f"rate_of({newest}, {clock.UNITS[compiler.precision]})", t.DOUBLE)


def elapsed_unit(compiler: Compiler, name: str, trees: list[exp.Expression]) -> int:
    """The unit of ELAPSED in ticks. Errors: 0x2801, 0x2802, 0x280A, 0x280B, 0x2812."""
    check_count(name, trees, 1, 2)
    time = compiler.compile(trees[0])
    if time.type is not t.TIMESTAMP:
        raise bad_type(name)
    if compiler.scope.time is None or time.sql != compiler.scope.time.sql:
        raise TDengineError(0x2812, f"Parameter should be primary timestamp : {name}")
    return time_unit(compiler, name, trees[1]) if len(trees) == 2 else 1


def time_unit(compiler: Compiler, name: str, tree: exp.Expression) -> int:
    """One of the units 1b, 1u, 1a, 1s, 1m, 1h, 1d, 1w, in ticks. Errors: 0x2802, 0x280A, 0x280B (finer than a tick)."""
    text = tree.name if isinstance(tree, exp.Column) and not tree.this.args.get("quoted") else ""
    if text[:1] == "1" and len(text) == 2 and text[1] in _ELAPSED_UNITS:
        if _ELAPSED_UNITS.index(text[1]) < 2 - compiler.precision:
            raise TDengineError(0x280B, f"Time unit is too small : {name}")
        return clock.duration(text, compiler.precision)[0]
    if not text[:1].isdigit() and not isinstance(tree, exp.Literal):
        raise bad_type(name)
    raise TDengineError(0x280A, f"Invalid timzone format : {name}")


def _of_neighbours(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    """`neighbours.py` has these, for the groups of a SELECT."""
    raise not_supported(f"{name.upper()} here")


STATISTICS: dict[str, FunctionBuilder] = {
    **dict.fromkeys(("stddev", "stddev_pop", "std"), _variance(False, True)), "stddev_samp": _variance(True, True),
    **dict.fromkeys(("var_pop", "variance"), _variance(False, False)), "var_samp": _variance(True, False),
    "spread": _spread, "percentile": _percentile, "mode": _mode,
    "hyperloglog": _distinct_count, "histogram": histogram, "leastsquares": _line, "irate": _rate,
    **dict.fromkeys(("twa", "elapsed", "apercentile"), _of_neighbours),
}
