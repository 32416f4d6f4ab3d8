"""Which times a WHERE clause lets through, as far as plain comparisons of the timestamp with constants say."""

from sqlglot import exp

from .comparison import align
from .expressions import Expressions

Bounds = tuple[int | None, int | None]  # the first and the last tick; None where nothing bounds them
_FLIPPED = {exp.GT: exp.LT, exp.GTE: exp.LTE, exp.LT: exp.GT, exp.LTE: exp.GTE, exp.EQ: exp.EQ}


def time_bounds(tree: exp.Expression | None, expressions: Expressions) -> Bounds:
    """Of several ranges that OR joins, this is the range around all."""
    if isinstance(tree, exp.Paren):
        return time_bounds(tree.this, expressions)
    if isinstance(tree, (exp.And, exp.Or)):
        lows, highs = zip(time_bounds(tree.this, expressions), time_bounds(tree.expression, expressions), strict=True)
        if isinstance(tree, exp.And):
            return (max((low for low in lows if low is not None), default=None),
                    min((high for high in highs if high is not None), default=None))
        return None if None in lows else min(lows), None if None in highs else max(highs)
    if isinstance(tree, exp.Between):
        return (_compared(exp.GTE, tree.this, tree.args["low"], expressions)[0],
                _compared(exp.LTE, tree.this, tree.args["high"], expressions)[1])
    if type(tree) in _FLIPPED:
        return _compared(type(tree), tree.this, tree.expression, expressions)
    return None, None


def _compared(operator: type, left: exp.Expression, right: exp.Expression, expressions: Expressions) -> Bounds:
    """Those of `ts > constant` and its like."""
    a, b = expressions.compile(left), expressions.compile(right)
    time = expressions.scope.time
    if a.is_const and not b.is_const:
        a, b, operator = b, a, _FLIPPED[operator]
    if time is None or a.sql != time.sql or not b.is_const:
        return None, None
    instant = align(expressions, a, b, "=")[1].const
    if not isinstance(instant, int):
        return None, None
    return {exp.GT: (instant + 1, None), exp.GTE: (instant, None), exp.LT: (None, instant - 1),
            exp.LTE: (None, instant), exp.EQ: (instant, instant)}[operator]
