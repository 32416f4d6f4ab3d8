"""TDengine's functions of times, and the start of a window."""

from sqlglot import exp

from ..common import clock
from ..common import datatypes as t
from ..common.errors import not_supported
from .arguments import bad_type, bad_value, check_count
from .casts import to_time, zone_parameter
from .compiler import Compiler
from .typed import TEXTS, Typed, typed

_ISO8601_LENGTH = 64  # bytes, as TDengine announces them


def window_start(compiler: Compiler, ticks: str, step: int, unit: str, offset: int = 0) -> str:
    """SQL of the start of the window that an instant lies in. `ticks` is the SQL of the instant, `step` in ticks.

    Windows begin at 1970 in UTC. Those of days and weeks (unit d, w) begin at midnight of the session's zone.
    """
    if unit in "dw":
        fixed = clock.fixed_offset(compiler.precision, compiler.environment.zone)
        ahead = str(fixed) if fixed is not None else \
            f"zone_offset({ticks}, {compiler.precision}, {zone_parameter(compiler)})"
        since_origin = f"{ticks} - {offset} + {ahead}" if ahead != "0" or offset else ticks
    else:
        since_origin = f"{ticks} - {offset}" if offset else ticks
    # SQLite's % takes the sign of its left side: times before 1970 need the second one
    return f"({ticks} - ((({since_origin}) % {step}) + {step}) % {step})"


def timetruncate(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    check_count(name, trees, 2, 3)
    value, unit = _time_argument(compiler, name, trees[0]), _duration_argument(compiler, name, trees[1])
    if len(trees) == 3:
        in_session_zone = compiler.compile(trees[2])
        if in_session_zone.const not in (0, 1):
            raise bad_value(name)
        if in_session_zone.const == 0 and unit.unit in "dw":
            return typed(window_start(compiler, value.sql, unit.const, "h"), t.TIMESTAMP)
    units = "buasmhdw"[2 - compiler.precision:]  # not finer than the database's precision
    if unit.const not in {clock.duration(f"1{letter}", compiler.precision)[0] for letter in units}:
        raise bad_value(name)
    return typed(window_start(compiler, value.sql, unit.const, unit.unit), t.TIMESTAMP)


def timediff(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    check_count(name, trees, 2, 3)
    later, earlier = (_time_argument(compiler, name, tree) for tree in trees[:2])
    step = _duration_argument(compiler, name, trees[2]).const if len(trees) == 3 else 1
    return typed(f"(({later.sql} - {earlier.sql}) / {step})", t.BIGINT)


def to_iso8601(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    check_count(name, trees, 1, 2)
    if len(trees) == 2:
        raise not_supported("TO_ISO8601 with a zone")
    value = compiler.compile(trees[0])
    if value.type not in (t.TIMESTAMP, t.BIGINT):
        raise bad_type(name)
    return typed(f"iso8601({value.sql}, {compiler.precision}, {zone_parameter(compiler)})", t.VARCHAR, _ISO8601_LENGTH)


def to_unixtimestamp(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    check_count(name, trees, 1)
    value = compiler.compile(trees[0])
    if value.type not in TEXTS:
        raise bad_type(name)
    ticks = to_time(compiler, value, name)
    return Typed(ticks.sql, t.BIGINT, t.BIGINT.size, ticks.const)


def _time_argument(compiler: Compiler, name: str, tree: exp.Expression) -> Typed:
    value = compiler.compile(tree)
    if value.type not in TEXTS | {t.TIMESTAMP, t.BIGINT} and value.const is not None:
        raise bad_type(name)
    return to_time(compiler, value, name)


def _duration_argument(compiler: Compiler, name: str, tree: exp.Expression) -> Typed:
    """A duration such as `1m`. Error: 0x2803."""
    unit = compiler.compile(tree)
    if unit.unit is None or unit.const <= 0:
        raise bad_value(name)
    return unit
