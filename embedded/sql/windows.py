"""Windows: how INTERVAL and its like put rows into groups."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlglot import exp

from ..common import clock
from ..common import datatypes as t
from ..common.errors import TDengineError, not_supported
from . import nodes
from .expressions import Expressions
from .rows import Rows
from .time_functions import window_start, zone_ahead
from .typed import TEXTS, Typed, typed


@dataclass(frozen=True)
class Window:
    """`rows` have a column `w` that is equal in the rows of one window; windows are sorted by it.

    `names` are _wstart and its like, in SQL over the groups `q`. `columns` of the groups are computed for them: SQL
    over rows by name.
    """

    rows: Rows
    names: dict[str, Typed]
    columns: dict[str, str]


# (window, row expressions, rows, the keys of PARTITION BY) -> how the rows are grouped
WindowBuilder = Callable[[nodes.Window, Expressions, Rows, Sequence[Typed]], Window]


def duration_of(tree: exp.Expression, expressions: Expressions) -> Typed:
    """A duration: `10s`, '10s', or a number of ticks. Error: 0x2600."""
    value = expressions.compile(tree)
    if value.is_const and value.type in TEXTS and value.const:
        found = clock.duration(value.const, expressions.precision)
        if found is not None:
            return expressions.constant(found[0], t.BIGINT, unit=found[1])
    if value.type is not t.BIGINT or not value.is_const:
        raise TDengineError(0x2600, f'syntax error near "{tree.sql()}"')
    return value


def _interval(window: nodes.Window, expressions: Expressions, rows: Rows, keys: Sequence[Typed]) -> Window:
    """Windows of one length. Those of days and weeks begin at midnight of the server's zone, not of the client's."""
    width, *rest = [duration_of(tree, expressions) for tree in window.arguments]
    offset = rest[0].const if rest else 0
    if width.const <= 0:
        raise TDengineError(0x2615, "This interval value is too small")
    if offset >= width.const:
        raise TDengineError(0x261C, "Interval offset should be shorter than interval")
    time = rows.source.time.sql
    ahead = zone_ahead(time, expressions.precision, None) if width.unit in ("d", "w") else "0"
    start = typed("q.w", t.TIMESTAMP)
    return Window(rows.with_column("w", window_start(time, width.const, offset, ahead)), {
        "_wstart": start, "_wend": typed(f"(q.w + {width.const})", t.TIMESTAMP),
        "_wduration": typed(f"{width.const}::BIGINT", t.BIGINT)}, {})


WINDOWS: dict[str, WindowBuilder] = {"INTERVAL": _interval}


def window_of(window: nodes.Window, expressions: Expressions, rows: Rows, keys: Sequence[Typed]) -> Window:
    """The window of a SELECT. Errors: 0x2600, and those of its kind."""
    if rows.source.time is None:
        raise not_supported(f"{window.kind} over a sub-select without a timestamp")
    if window.fill is not None:
        raise not_supported("FILL")
    if window.sliding is not None:
        raise not_supported("SLIDING")
    build = WINDOWS.get(window.kind)
    if build is None:
        raise not_supported(window.kind)
    return build(window, expressions, rows, keys)
