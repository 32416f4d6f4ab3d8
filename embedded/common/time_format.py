"""The patterns of TO_CHAR and TO_TIMESTAMP, such as `yyyy-mm-dd hh24:mi:ss`: their parts, and reading by them."""

import re
from calendar import timegm
from datetime import UTC, datetime, tzinfo

from . import clock
from .errors import TDengineError, not_supported

_MONTHS = "january february march april may june july august september october november december".split()
_DAYS = "sunday monday tuesday wednesday thursday friday saturday".split()
_WORDS = ("a.m.", "p.m.", "am", "pm", "yyyy", "yyy", "yy", "y", "month", "mon", "mm", "mi", "ms", "ddd", "dd", "day",
          "dy", "d", "hh24", "hh12", "hh", "ss", "us", "ns", "tzh")
PARTS = re.compile(r'\\"|"[^"]*"|' + "|".join(map(re.escape, _WORDS)), re.IGNORECASE)
FRACTIONS = {"ms": 3, "us": 6, "ns": 9}  # digits


def to_timestamp(text: str, pattern: str, precision: int, where: tzinfo | None) -> int:
    """The ticks of a text that is written as the pattern says; without TZH it is a time in the zone `where`.

    Error: 0x2806 for a text that is not.
    """
    found: dict[str, int] = {}
    rest = text.strip()
    for match in re.finditer(PARTS.pattern + r"|\s+|.", pattern, re.IGNORECASE | re.DOTALL):
        word = match[0].lower()
        rest = rest.lstrip()
        if word in _WORDS:
            rest = _read(word, rest, found)
        elif not word.isspace() and rest[:1].lower() == word[:1]:
            rest = rest[1:]
    hour = found.get("hour", 0)
    if "pm" in found:
        hour = hour % 12 + 12 * found["pm"]
    try:
        local = datetime(found.get("year", 1970), found.get("month", 1), found.get("day", 1), hour,
                         found.get("minute", 0), found.get("second", 0))
    except ValueError:
        raise _mismatch(text, pattern) from None
    if "zone" in found:
        seconds = timegm(local.timetuple()) - found["zone"]
    else:
        seconds = int((local.replace(tzinfo=where) if where else local.astimezone()).timestamp())
    return seconds * clock.UNITS[precision] + found.get("ns", 0) * clock.UNITS[precision] // 10**9


def _read(word: str, text: str, found: dict[str, int]) -> str:
    """Read one part of a time into `found`; what is left of the text."""
    if word == "tzh":
        match = re.match(r"([+-]\d{1,2})(?::?(\d{2}))?", text)
        if match:
            sign = -1 if match[1][0] == "-" else 1
            found["zone"] = int(match[1]) * 3600 + sign * int(match[2] or 0) * 60
    elif word in ("am", "pm", "a.m.", "p.m."):
        match = re.match(r"([ap])\.?m\.?", text, re.IGNORECASE)
        found["pm"] = int(bool(match) and match[1].lower() == "p")
    elif word in ("month", "mon", "day", "dy"):
        names = _MONTHS if word.startswith("mon") else _DAYS
        choices = names if len(word) > 3 or word == "day" else [name[:3] for name in names]
        match = re.match("|".join(choices), text, re.IGNORECASE)
        if match and names is _MONTHS:
            found["month"] = choices.index(match[0].lower()) + 1
    elif word == "ddd":
        raise not_supported("TO_TIMESTAMP by the day of the year")
    else:
        digits = FRACTIONS.get(word) or (len(word) if word[0] == "y" else 1 if word == "d" else 2)
        match = re.match(rf"\d{{1,{digits}}}", text)
        if match:
            _put_number(word, match[0], found)
    if not match:
        raise _mismatch(text, word)
    return text[match.end():]


def _put_number(word: str, digits: str, found: dict[str, int]) -> None:
    if word in FRACTIONS:
        found["ns"] = found.get("ns", 0) + int(digits) * 10 ** (9 - FRACTIONS[word]) * (
            10 ** (FRACTIONS[word] - len(digits)))
    elif word[0] == "y":
        now = datetime.now(UTC).year
        found["year"] = int(digits) + (now - now % 10 ** len(word) if len(word) < 4 else 0)
    elif word != "d":
        names = {"mm": "month", "dd": "day", "mi": "minute", "ss": "second"}
        found[names.get(word, "hour")] = int(digits)


def _mismatch(text: str, pattern: str) -> TDengineError:
    return TDengineError(0x2806, f"Func to_timestamp failed for format mismatch: {text[:64]} is not {pattern[:64]}")
