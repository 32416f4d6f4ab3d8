"""Time as TDengine writes it: timestamps in text, durations (`12h`), time zones.

A timestamp is a number of ticks since 1970 in UTC. The precision of the database says how long a tick is:
0 is a millisecond, 1 a microsecond, 2 a nanosecond.
"""

import os
import re
import time
from calendar import timegm
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from .errors import TDengineError, not_supported

UNITS = (10**3, 10**6, 10**9)  # ticks in a second, by precision
_DURATION_NS = {"b": 1, "u": 10**3, "a": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9,
                "d": 86400 * 10**9, "w": 7 * 86400 * 10**9}
_MONTH_S = 2_629_800  # a twelfth of a year
_DURATION = re.compile(r"(\d+)([a-z])")
_TIMESTAMP = re.compile(
    r"\s*(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?"
    r"\s*(Z|z|[+-]\d{2}(?::?\d{2})?)?\s*")


def now(precision: int) -> int:
    """The present, in ticks."""
    return time.time_ns() * UNITS[precision] // 10**9


def duration(text: str, precision: int) -> tuple[int, str] | None:
    """The ticks and the unit of `12h`; None where the text is no duration.

    Errors: 0x2600 for months and years, and for a duration that is finer than the precision.
    """
    match = _DURATION.fullmatch(text.lower())
    if match is None:
        return None
    count, unit = match.groups()
    if unit in "ny":
        raise not_supported(f"a duration in months or years ({text})")
    if unit not in _DURATION_NS:
        return None
    ticks, rest = divmod(int(count) * _DURATION_NS[unit] * UNITS[precision], 10**9)
    if rest:
        raise TDengineError(0x2600, f'syntax error near "{text}" (finer than the precision of the database)')
    return ticks, unit


@lru_cache(maxsize=64)
def zone(name: str | None) -> tzinfo | None:
    """The time zone of that name; None for this machine's own. Error: 0xFFFF for an unknown name."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise TDengineError(0xFFFF, f"unknown time zone {name}") from None


def _offset(local: datetime, where: tzinfo | None) -> timedelta:
    aware = local.replace(tzinfo=where) if where else local.astimezone()
    return aware.utcoffset()


def parse(text: str, precision: int, where: tzinfo | None) -> int | None:
    """The ticks of `2026-01-01 12:00:00.5`, which may have a zone at its end; else it is in the zone `where`.

    None where the text is no time.
    """
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, suffix = match.groups()
    try:
        local = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
        seconds = timegm(local.timetuple())
        if suffix is None:
            seconds -= int(_offset(local, where).total_seconds())
        elif suffix not in "Zz":
            digits = suffix[1:].replace(":", "").ljust(4, "0")
            shift = int(digits[:2]) * 3600 + int(digits[2:]) * 60
            seconds += shift if suffix[0] == "-" else -shift
    except (ValueError, OverflowError, OSError):
        return None
    return seconds * UNITS[precision] + int((fraction or "").ljust(9, "0")) * UNITS[precision] // 10**9


def offset_at(ticks: int, precision: int, where: tzinfo | None) -> int:
    """How far local time is ahead of UTC at that instant, in ticks."""
    at = datetime.fromtimestamp(ticks // UNITS[precision], UTC).astimezone(where)
    return int(at.utcoffset().total_seconds()) * UNITS[precision]


def fixed_offset(precision: int, where: tzinfo | None) -> int | None:
    """The offset from UTC, in ticks, of a zone that keeps it all the time; None for a zone that changes it.

    The ten years before the present and the year after it are looked at, month by month.
    """
    present = int(time.time())
    found = {offset_at((present + month * _MONTH_S) * UNITS[precision], precision, where) for month in range(-120, 13)}
    return found.pop() if len(found) == 1 else None


def today(precision: int, where: tzinfo | None) -> int:
    """Midnight of the present day in the zone, in ticks."""
    local = datetime.now(where).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    return (timegm(local.timetuple()) - int(_offset(local, where).total_seconds())) * UNITS[precision]


def iso8601(ticks: int, precision: int, where: tzinfo | None) -> str:
    """`2026-01-01T12:00:00.000+0000`, as TO_ISO8601 writes it."""
    seconds, rest = divmod(ticks, UNITS[precision])
    at = datetime.fromtimestamp(seconds, UTC).astimezone(where)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{rest:0{(precision + 1) * 3}d}{at:%z}"


def name_of(name: str | None) -> str:
    """The name of a zone, or of the zone of this machine."""
    return name or _machine_zone()


def zone_text(name: str | None) -> str:
    """`Etc/UTC (UTC, +0000)`, as TIMEZONE() answers."""
    at = datetime.now(zone(name)) if name else datetime.now().astimezone()
    return f"{name_of(name)} ({at:%Z}, {at:%z})"


def _machine_zone() -> str:
    name = os.environ.get("TZ", "").lstrip(":")
    link = os.path.realpath("/etc/localtime")
    return name or (link.split("zoneinfo/")[-1] if "zoneinfo/" in link else "Etc/UTC")
