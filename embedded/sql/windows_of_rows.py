"""The windows whose ends depend on the rows: SESSION, STATE_WINDOW, EVENT_WINDOW, COUNT_WINDOW.

DuckDB's window functions number them. The numbers begin anew in each partition.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ..common import clock
from ..common import datatypes as t
from ..common.errors import TDengineError
from . import nodes
from .expressions import Expressions
from .partitions import Partition, count_if
from .rows import Rows
from .typed import INTEGERS, TEXTS

_BEFORE = "ROWS UNBOUNDED PRECEDING"
_MOST_COUNTED = 2**31 - 1


@dataclass(frozen=True)
class RowWindow:
    """`rows` have the number of their window, `w`. `keys` is SQL over rows that is the same in a whole window."""

    rows: Rows
    keys: tuple[str, ...] = ()


def _numbered(rows: Rows, partition: Partition, begins: str, reads_tags: bool = False) -> Rows:
    """`begins` is SQL that is true in the first row of each window; it may be NULL in the first row of all."""
    reads_tags |= partition.reads_tags
    rows = rows.with_column("begins", begins, reads_tags)
    return rows.with_column("w", f"{count_if('d.begins')} {partition.over(_BEFORE)}", partition.reads_tags)


def _session(window: nodes.Window, expressions: Expressions, rows: Rows, partition: Partition) -> RowWindow:
    """Rows that are no further apart than the gap. Errors: 0x262B (the gap), 0x262C (the column)."""
    time = rows.source.time.sql
    if expressions.compile(window.arguments[0]).sql != time:
        raise TDengineError(0x262C, "Only support SESSION on primary timestamp column")
    text = window.arguments[1].name
    gap = int(text) if text.isdigit() else 0 if text[-1] in "ny" else clock.duration(text, expressions.precision)[0]
    if gap <= 0:
        raise TDengineError(0x262B, "SESSION gap should be fixed time window, and greater than 0")
    return RowWindow(_numbered(rows, partition, f"{time} - lag({time}) {partition.over()} > {gap}"))


def _state(window: nodes.Window, expressions: Expressions, rows: Rows, partition: Partition) -> RowWindow:
    """Rows of one state after each other; rows whose state is NULL belong to no window. Errors: 0x2628, 0x2629."""
    tree = window.arguments[0]
    if rows.source.reads_tags(tree):
        raise TDengineError(0x2629, "Not support STATE_WINDOW on tag column")
    state = expressions.compile(tree)
    if state.type not in INTEGERS | TEXTS | {t.BOOL}:
        raise TDengineError(0x2628, "Only support STATE_WINDOW on integer/bool/varchar column")
    rows = rows.with_condition(f"({state.sql} IS NOT NULL)")
    return RowWindow(_numbered(rows, partition, f"{state.sql} IS DISTINCT FROM lag({state.sql}) {partition.over()}"),
                     () if state.is_const else (state.sql,))


def _event(window: nodes.Window, expressions: Expressions, rows: Rows, partition: Partition) -> RowWindow:
    """From a row that fulfils the first condition to the next one that fulfils the second.

    Each row that fulfils the second one ends a stretch, whether a window was open or not. So a window is what follows
    the first start in a stretch. A stretch without an end has none.
    """
    starts, ends = (f"({expressions.condition(tree)} IS TRUE)" for tree in window.arguments)
    reads_tags = partition.reads_tags or any(map(rows.source.reads_tags, window.arguments))
    before = "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"
    rows = rows.with_column("w", f"{count_if(ends)} {partition.over(before)}", reads_tags)
    rows = rows.with_column("begun", f"bool_or({starts}) {partition.over(_BEFORE, 'd.w')}", reads_tags)
    rows = rows.with_column("ends", f"bool_or({ends}) {partition.over('', 'd.w', order='')}", reads_tags)
    return RowWindow(rows.with_condition("d.begun").with_condition("d.ends"))


def _count(window: nodes.Window, expressions: Expressions, rows: Rows, partition: Partition) -> RowWindow:
    """So many rows in each; a new one begins after so many rows. Error: 0x2645."""
    size, *rest = (int(tree.this) for tree in window.arguments)
    sliding = rest[0] if rest else size
    for wrong, text in ((size < 2, "Size of Count window must exceed 1."),
                        (size > _MOST_COUNTED, "Size of Count window must less than 2147483647(INT32_MAX)."),
                        (sliding < 1, "Size of Count window must exceed 0."),
                        (sliding > size, "sliding value no larger than the count value.")):
        if wrong:
            raise TDengineError(0x2645, text)
    rows = rows.with_column("i", f"row_number() {partition.over()} - 1", partition.reads_tags)
    number = f"d.i // {size}"
    if sliding < size:
        number = f"unnest(range(greatest(0, (d.i - {size - sliding}) // {sliding}), d.i // {sliding} + 1))"
    return RowWindow(rows.with_column("w", number))


WINDOWS_OF_ROWS: dict[str, Callable[[nodes.Window, Expressions, Rows, Partition], RowWindow]] = {
    "SESSION": _session, "STATE_WINDOW": _state, "EVENT_WINDOW": _event, "COUNT_WINDOW": _count}
