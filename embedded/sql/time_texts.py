"""TO_CHAR: a time as text, by a pattern such as `yyyy-mm-dd hh24:mi:ss`."""

from ..common import datatypes as t
from ..common.time_format import FRACTIONS, PARTS
from .typed import literal

_LONGEST_NAME = 9  # september, wednesday: names are filled up to this length
_CASED = ("am", "pm", "a.m.", "p.m.", "month", "mon", "day", "dy")  # their case is that of the answer
_STRFTIME = {"yyyy": "%Y", "yy": "%y", "mm": "%m", "dd": "%d", "ddd": "%j", "hh24": "%H", "hh12": "%I", "hh": "%I",
             "mi": "%M", "ss": "%S", "am": "%p", "pm": "%p", "a.m.": "%p", "p.m.": "%p", "mon": "%b", "dy": "%a",
             "month": "%B", "day": "%A"}


def _text(text: str) -> str:
    return literal(text, t.VARCHAR)


def to_char(ticks: str, ahead: str, unit: int, pattern: str) -> tuple[str, int]:
    """DuckDB's SQL of a time as text, and how many bytes that has at most.

    `ticks` is the SQL of the time, `ahead` that of how far the zone is ahead of UTC, both in ticks of 1/`unit` s.
    """
    parts, length, at = [], 1, 0
    for match in PARTS.finditer(pattern):
        parts.append(_text(pattern[at:match.start()]))
        parts.append(_char_part(match[0], unit))
        length += match.start() - at + max(_LONGEST_NAME, len(match[0]))
        at = match.end()
    parts.append(_text(pattern[at:]))
    length += len(pattern[at:].encode())
    return (f"list_transform([{{'t': {ticks}::BIGINT, 'a': {ahead}}}], lambda v: CASE WHEN v.t IS NOT NULL THEN "
            f"concat({', '.join(parts)}) END)[1]", length)


def _char_part(word: str, unit: int) -> str:
    if word[-1] == '"':
        return _text(word[1:] if word[0] == "\\" else word[1:-1])
    low, rest = word.lower(), f"((v.t % {unit} + {unit}) % {unit})"
    at = f"make_timestamp((v.t + v.a - {rest}) // {unit} * 1000000)"
    if low in FRACTIONS:
        digits = len(str(unit)) - 1
        return f"left(rpad(lpad({rest}::VARCHAR, {digits}, '0'), 9, '0'), {FRACTIONS[low]})"
    if low == "d":
        return f"dayofweek({at}) + 1"
    if low in ("yyy", "y"):
        return f"right(strftime({at}, '%Y'), {len(low)})"
    if low == "tzh":
        return f"printf('%+03d', trunc(v.a / {3600 * unit})::BIGINT)"
    sql = f"strftime({at}, '{_STRFTIME[low]}')"
    if low in _CASED:
        if "." in low:
            sql = f"{sql}[1] || '.M.'"
        sql = f"upper({sql})" if word.isupper() else f"lower({sql})" if word.islower() else sql
    return f"rpad({sql}, {_LONGEST_NAME}, ' ')" if low in ("month", "day") else sql
