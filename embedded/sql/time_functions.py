"""TDengine's functions of times, and the start of a window."""

import re
from datetime import tzinfo

from sqlglot import exp

from ..common import clock, time_format
from ..common import datatypes as t
from .arguments import FunctionBuilder, bad_type, bad_value, check_count
from .casts import to_time
from .compiler import Compiler
from .time_texts import to_char
from .typed import TEXTS, Typed, literal, typed

_ISO8601_LENGTH = 62  # bytes, as TDengine announces them
_ZONE = re.compile(r"[zZ]|[+-]\d{2}(:?\d{2})?")


def zone_ahead(ticks: str, precision: int, zone_name: str | None) -> str:
    """SQL of how far the time of a zone is ahead of UTC at an instant, in ticks. `ticks` is the SQL of the instant."""
    where: tzinfo | None = clock.zone(zone_name)
    fixed = clock.fixed_offset(precision, where)
    if fixed is not None:
        return str(fixed)
    unit = clock.UNITS[precision]
    return f"({unit} * zone_offset({_microseconds(ticks, precision)}, {literal(clock.name_of(zone_name), t.VARCHAR)}))"


def _microseconds(ticks: str, precision: int) -> str:
    return (f"({ticks}::BIGINT * 1000)", ticks, f"({ticks} // 1000)")[precision]


def window_start(ticks: str, step: int, offset: int = 0, ahead: str = "0") -> str:
    """SQL of the start of the window that an instant lies in. `ticks` is the SQL of the instant, `step` in ticks.

    Windows begin at 1970 in UTC, or in the zone whose time is `ahead` of it.
    """
    shifted = "".join(f" {sign} {part}" for sign, part in (("-", str(offset)), ("+", ahead)) if part != "0")
    since_origin = f"({ticks}{shifted})" if shifted else ticks
    # DuckDB's % takes the sign of its left side: times before 1970 need the second one
    return f"({ticks} - ({since_origin} % {step} + {step}) % {step})"


def _timetruncate(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    check_count(name, trees, 2, 3)
    value, unit = _time_argument(compiler, name, trees[0]), _duration_argument(compiler, name, trees[1])
    units = "buasmhdw"[2 - compiler.precision:]  # not finer than the database's precision
    if unit.const not in {clock.duration(f"1{letter}", compiler.precision)[0] for letter in units}:
        raise bad_value(name)
    in_session_zone = compiler.compile(trees[2]).const if len(trees) == 3 else 1
    if in_session_zone not in (0, 1):
        raise bad_value(name)
    ahead = "0"
    if in_session_zone and unit.unit in "dw":
        ahead = zone_ahead(value.sql, compiler.precision, compiler.environment.zone_name)
    return typed(window_start(value.sql, unit.const, ahead=ahead), t.TIMESTAMP)


def _timediff(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    check_count(name, trees, 2, 3)
    later, earlier = (_time_argument(compiler, name, tree) for tree in trees[:2])
    step = _duration_argument(compiler, name, trees[2]).const if len(trees) == 3 else 1
    difference = f"({later.sql}::BIGINT - {earlier.sql}::BIGINT)"
    return typed(f"({difference} // {step})" if step != 1 else difference, t.BIGINT)


def _to_iso8601(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    """`2026-01-01T12:00:00.000+0000`, in the session's zone; with a second argument, in that zone, as it is written."""
    check_count(name, trees, 1, 2)
    value = compiler.compile(trees[0])
    if value.type not in (t.TIMESTAMP, t.BIGINT) and value.const is not None:
        raise bad_type(name)
    unit = clock.UNITS[compiler.precision]
    if len(trees) == 2:
        zone = compiler.compile(trees[1]).const
        match = _ZONE.fullmatch(zone) if isinstance(zone, str) else None
        if match is None:
            raise bad_value(name)
        ahead, suffix = _seconds(zone) * unit, literal(zone, t.VARCHAR)
    else:
        ahead = zone_ahead(value.sql, compiler.precision, compiler.environment.zone_name)
        suffix = f"zone_text({ahead} // {unit})"
    return typed(f"iso8601({value.sql}, {ahead}, {unit}, {len(str(unit)) - 1}, {suffix})", t.VARCHAR, _ISO8601_LENGTH)


def _seconds(zone: str) -> int:
    """How far `+08:00`, `+0800`, `+08` or `z` is ahead of UTC."""
    if zone in "Zz":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return (int(digits[:2]) * 3600 + int(digits[2:]) * 60) * (-1 if zone[0] == "-" else 1)


def _to_unixtimestamp(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    check_count(name, trees, 1, 2)
    value = compiler.compile(trees[0])
    as_timestamp = compiler.compile(trees[1]).const if len(trees) == 2 else 0
    if value.type not in TEXTS:
        raise bad_type(name)
    if as_timestamp not in (0, 1):
        raise bad_value(name)
    ticks = to_time(compiler, value, name)
    return Typed(ticks.sql, t.TIMESTAMP if as_timestamp else t.BIGINT, t.BIGINT.size, ticks.const)


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


def _local_day(compiler: Compiler, name: str, tree: exp.Expression) -> str:
    """SQL of the day, in the session's zone, of a time."""
    value = _time_argument(compiler, name, tree).sql
    ahead = zone_ahead(value, compiler.precision, compiler.environment.zone_name)
    return f"make_timestamp({_microseconds(f'({value}::BIGINT + {ahead})', compiler.precision)})::DATE"


def _day_function(sql: str) -> FunctionBuilder:
    def build(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
        check_count(name, trees, 1)
        return typed(f"({sql.format(_local_day(compiler, name, trees[0]))})", t.BIGINT)
    return build


def _week(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    """WEEK(time [, mode]); WEEKOFYEAR is that of mode 3."""
    check_count(name, trees, 1, 2 if name == "week" else 1)
    mode = 3 if name == "weekofyear" else compiler.compile(trees[1]).const if len(trees) == 2 else 0
    if mode not in range(8):
        raise bad_value(name)
    first, middle, whole = mode % 2, 3 if mode in (1, 3, 4, 6) else 0, mode in (2, 3, 6, 7)
    return typed(f"week_number({_local_day(compiler, name, trees[0])}, {first}, {middle}, {whole})", t.BIGINT)


def _to_char(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    check_count(name, trees, 2)
    value, pattern = (compiler.compile(tree) for tree in trees)
    if value.type is not t.TIMESTAMP and value.const is not None or not isinstance(pattern.const, str):
        raise bad_type(name)
    ahead = zone_ahead(value.sql, compiler.precision, compiler.environment.zone_name)
    sql, length = to_char(value.sql, ahead, clock.UNITS[compiler.precision], pattern.const)
    return typed(sql, t.VARCHAR, length)


def _to_timestamp(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    check_count(name, trees, 2)
    value, pattern = (compiler.compile(tree) for tree in trees)
    if value.type not in TEXTS or not isinstance(pattern.const, str):
        raise bad_type(name)
    if value.const is None:
        return compiler.constant(None, t.TIMESTAMP)
    if not value.is_const:
        zone = literal(compiler.environment.zone_name or "", t.VARCHAR)
        return typed(f"to_timestamp_by({value.sql}, {pattern.sql}, {compiler.precision}, {zone})", t.TIMESTAMP)
    ticks = time_format.to_timestamp(value.const, pattern.const, compiler.precision, compiler.environment.zone)
    return compiler.constant(ticks, t.TIMESTAMP)


TIME_FUNCTIONS: dict[str, FunctionBuilder] = {
    "timetruncate": _timetruncate, "timediff": _timediff, "to_iso8601": _to_iso8601,
    "to_unixtimestamp": _to_unixtimestamp, "to_char": _to_char, "to_timestamp": _to_timestamp,
    "week": _week, "weekofyear": _week,
    "dayofweek": _day_function("dayofweek({}) + 1"), "weekday": _day_function("isodow({}) - 1"),
}
