"""Where TDengine's functions of rows may stand. What it refuses is refused here in its words."""

from collections.abc import Sequence

from sqlglot import exp

from ..common.errors import TDengineError
from . import nodes
from .aggregates import AGGREGATES
from .expressions import misplaced
from .series_names import OF_GROUPS, SERIES_NAMES

_REPEATED = ("diff", "derivative", "csum")  # these may stand several times in one select list
_OF_ROWS = {*SERIES_NAMES, "histogram"}  # they answer by any number of rows


def calls_of_rows(trees: Sequence[exp.Expression]) -> list[exp.Anonymous]:
    """All calls of functions of rows."""
    return [node for tree in trees for node in tree.walk()
            if isinstance(node, exp.Anonymous) and node.name.lower() in SERIES_NAMES]


def check_places(select: nodes.Select, items: Sequence[exp.Expression], order: Sequence[exp.Expression],
                 has_time: bool) -> None:
    """`order` are the entries of ORDER BY.

    Errors: 0x2600 (no arguments), 0x2627 (nested), 0x264F, 0x2657 (FILL), 0x2674 (no timestamp).
    """
    calls = [node for tree in items for node in tree.walk()
             if isinstance(node, exp.Anonymous) and node.name.lower() in {*AGGREGATES, *SERIES_NAMES}]
    if not all(call.expressions for call in calls):
        raise TDengineError(0x2600, 'syntax error near ")"')
    names = [call.name.lower() for call in calls]
    of_rows = [name for name in names if name in _OF_ROWS]
    if set(calls_of_rows(order)) - set(calls):
        raise misplaced()
    if not of_rows:
        return
    for call in calls:
        inner = [node for tree in call.expressions for node in tree.walk() if isinstance(node, exp.Anonymous)]
        if any(node.name.lower() in {*AGGREGATES, *SERIES_NAMES} for node in inner):
            raise TDengineError(0x2627, "Aggregate functions do not support nesting")
    if len(set(names)) > 1 or len(names) > 1 and names[0] not in _REPEATED:
        raise misplaced()
    name = of_rows[0]
    if name == "histogram":
        return
    if (select.window or select.group) and name not in OF_GROUPS:
        raise TDengineError(0x264F, f"{name} function is not supported in window query or group query")
    if select.window and select.window.fill:
        raise TDengineError(0x2657, f"{name} function is not supported in fill query")
    if not has_time:
        raise TDengineError(0x2674, "Valid primary timestamp required")
