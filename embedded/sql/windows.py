"""Windows: how INTERVAL and its like put rows into groups. Those that depend on rows are in `windows_of_rows.py`."""

import re
from dataclasses import dataclass, field

from sqlglot import exp

from ..common import clock
from ..common import datatypes as t
from ..common.errors import TDengineError, not_supported
from . import nodes
from .expressions import Expressions
from .partitions import Keys, partition_of
from .rows import Rows
from .time_functions import window_start, zone_ahead
from .time_ranges import time_bounds
from .typed import Typed, typed
from .windows_of_rows import WINDOWS_OF_ROWS, RowWindow

_LEAST_SLIDING = 100  # SLIDING is no less than this part of the window
_MONTHS = {"n": 1, "y": 12}


@dataclass(frozen=True)
class Interval:
    """Windows of one length, in ticks or in months. They begin at `offset`, and each next one `sliding` later."""

    width: int
    unit: str
    offset: int = 0
    sliding: int = 0

    @property
    def is_natural(self) -> bool:
        """Whether the length is a number of months."""
        return self.unit in _MONTHS

    @property
    def is_local(self) -> bool:
        """Whether windows begin at midnight of the server's zone (it is not the client's)."""
        return self.is_natural or self.unit in ("d", "w")


@dataclass(frozen=True)
class Window:
    """`rows` have a column `w` that is equal in the rows of one window; windows are sorted by it.

    `names` are _wstart and its like, in SQL over the groups `q`. `columns` of the groups are computed for them: SQL
    over rows by name. `keys` is SQL over rows that is the same in a whole window.
    """

    rows: Rows
    names: dict[str, Typed]
    columns: dict[str, str] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    interval: Interval | None = None


def duration_of(tree: exp.Expression, expressions: Expressions) -> tuple[int, str]:
    """The ticks, or the months, and the unit of a duration; a number of ticks has the unit "". Error: 0x2600."""
    if isinstance(tree, exp.Literal):
        return int(tree.this), ""
    count, unit = re.fullmatch(r"(\d+)([a-z])", tree.name).groups()
    if unit in _MONTHS:
        return int(count) * _MONTHS[unit], unit
    found = clock.duration(tree.name, expressions.precision)
    if found is None:
        raise TDengineError(0x2600, f'syntax error near "{tree.name}"')
    return found


def interval_of(select: nodes.Select, expressions: Expressions) -> Interval:
    """Errors: 0x2615 (too short), 0x262F (offset), 0x2630, 0x2631, 0x2632 (SLIDING)."""
    window = select.window
    width, unit = duration_of(window.arguments[0], expressions)
    if width <= 0:
        raise TDengineError(0x2615, "Interval cannot be less than 1 ms")
    offset = 0
    if len(window.arguments) == 2 and isinstance(window.arguments[1], exp.Var):  # AUTO
        offset = time_bounds(select.where, expressions)[0] or 0
        if unit in _MONTHS:
            raise not_supported("AUTO with months or years")
        unit = ""  # days count from that offset, not from midnight
    elif len(window.arguments) == 2:
        offset, offset_unit = duration_of(window.arguments[1], expressions)
        if unit not in _MONTHS and (offset_unit in _MONTHS or offset >= width):
            raise TDengineError(0x262F, "Interval offset should be shorter than interval")
        if offset_unit in _MONTHS:
            raise not_supported("an offset in months or years")
    if window.sliding is None:
        return Interval(width, unit, offset, width)
    sliding, sliding_unit = duration_of(window.sliding, expressions)
    if sliding_unit in _MONTHS:
        raise TDengineError(0x2630, "Does not support sliding when interval is natural month/year")
    if unit in _MONTHS:
        raise not_supported("SLIDING with an interval of months or years")
    if sliding > width:
        raise TDengineError(0x2631, "sliding value no larger than the interval value")
    if sliding * _LEAST_SLIDING < width:
        raise TDengineError(0x2632, "sliding value can not less than 1% of interval value")
    return Interval(width, unit, offset, sliding)


def _by_time(select: nodes.Select, expressions: Expressions, rows: Rows) -> Window:
    """INTERVAL. With SLIDING a row may lie in several windows: then there is a row for each."""
    interval = interval_of(select, expressions)
    time, precision = rows.source.time.sql, expressions.precision
    fixed = clock.fixed_offset(precision, expressions.environment.server_zone) if interval.is_local else 0
    if interval.is_natural or fixed is None:
        start, end = _on_the_clock(interval, time, precision)
    else:
        start = window_start(time, interval.sliding, interval.offset % interval.sliding, str(fixed))
        end = f"(q.w + {interval.width})"
    if interval.sliding < interval.width:
        if fixed is None:
            raise not_supported("SLIDING of days in a zone that changes its clocks")
        start = f"unnest(range({start}, {time} - {interval.width}, -{interval.sliding}))"
    duration = f"({end} - q.w)" if interval.is_natural or fixed is None else f"{interval.width}::BIGINT"
    return Window(rows.with_column("w", start), {
        "_wstart": typed("q.w", t.TIMESTAMP), "_wend": typed(end, t.TIMESTAMP),
        "_wduration": typed(duration, t.BIGINT)}, interval=interval)


def _on_the_clock(interval: Interval, time: str, precision: int) -> tuple[str, str]:
    """SQL of the start of a row's window and, from the start `q.w`, of its end, as clocks on the server show them."""
    local = f"({time} + {zone_ahead(time, precision, None)} - {interval.offset})"
    of_start = f"(q.w + {zone_ahead('q.w', precision, None)})"
    if interval.is_natural:
        to_us, from_us = (("* 1000", "// 1000"), ("", ""), ("// 1000", "* 1000"))[precision]
        start = f"(month_start({local} {to_us}, {interval.width}) {from_us} + {interval.offset})"
        end = f"(month_later({of_start} {to_us}, {interval.width}) {from_us})"
    else:
        start = f"({window_start(local, interval.width)} + {interval.offset})"
        end = f"({of_start} + {interval.width})"
    return f"{_instant(start, precision)}::BIGINT", f"{_instant(end, precision)}::BIGINT"


def _instant(local: str, precision: int) -> str:
    """SQL of the instant at which clocks on the server show this."""
    about = f"({local} - {zone_ahead(local, precision, None)})"
    return f"({local} - {zone_ahead(about, precision, None)})"


def _by_rows(select: nodes.Select, expressions: Expressions, rows: Rows, keys: Keys) -> Window:
    """The windows of the others go from their first row to their last."""
    time = rows.source.time.sql
    partition = partition_of(rows.source, keys)
    found: RowWindow = WINDOWS_OF_ROWS[select.window.kind](select.window, expressions, rows, partition)
    rows = found.rows
    if select.window.true_for is not None:
        least, unit = duration_of(select.window.true_for, expressions)
        if unit in _MONTHS:
            raise TDengineError(0x2688, "Cannot use 'year' or 'month' as true_for duration")
        over = partition.over("", "d.w", order="")
        rows = rows.with_column("lasts", f"(max({time}) {over} - min({time}) {over})", partition.reads_tags)
        rows = rows.with_condition(f"d.lasts >= {least}")
    return Window(rows, {
        "_wstart": typed("q.wstart", t.TIMESTAMP), "_wend": typed("q.wend", t.TIMESTAMP),
        "_wduration": typed("(q.wend - q.wstart)", t.BIGINT)},
        {"wstart": f"min({time})", "wend": f"max({time})"}, found.keys)


def window_of(select: nodes.Select, expressions: Expressions, rows: Rows, keys: Keys) -> Window:
    """The window of a SELECT. Errors: 0x2600, 0x2674, and those of its kind."""
    if select.window.kind == "SESSION":
        expressions.compile(select.window.arguments[0])
    if rows.source.time is None:
        raise TDengineError(0x2674, "Valid primary timestamp required")
    if select.window.kind == "INTERVAL":
        return _by_time(select, expressions, rows)
    return _by_rows(select, expressions, rows, keys)
