"""Names and values as TDengine's SQL writes them. No other module puts a name or a value into SQL by itself."""

import math
import re


class Refused(Exception):
    """What TDengine is not asked, and why, in words for the panel."""


def name(text: str) -> str:
    """A table or a column. Within backticks TDengine knows no escape, so a name with a backtick is refused."""
    if not text or re.search(r"[`\0]", text):
        raise Refused(f"there can be no name {text!r} in TDengine")
    return f"`{text}`"


def text(value: str) -> str:
    """A text. A NUL would end the statement inside TDengine, which is written in C."""
    if "\0" in value:
        raise Refused("a text with a NUL cannot be asked for")
    value.encode()  # half a character, which JSON may hold, ends here
    return "'" + re.sub(r"(['\\])", r"\\\1", value) + "'"


def pattern(value: str, form: str) -> str:
    """The pattern of LIKE that finds `value` itself; `form` has {} for it, and % where anything may stand.

    A backslash means itself to TDengine, but before % and _.
    """
    if value.endswith("\\"):
        raise Refused("TDengine cannot look for a part of a text that ends with a backslash")
    return text(form.format(re.sub("([%_])", r"\\\1", value)))


def number(value: float) -> str:
    """A number, exactly."""
    if not math.isfinite(value):
        raise Refused(f"there is no number {value} to compare with")
    return str(int(value)) if value == int(value) and abs(value) < 2**63 else f"{value:.17g}"
