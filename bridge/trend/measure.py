"""What is forecast: a column of the table in `meters.py`, and the tag that tells its series apart."""

from dataclasses import dataclass

import pyarrow as pa

import meters
from bridge.columns import Column
from bridge.settings import options
from bridge.trend.refusal import Refusal


@dataclass(frozen=True)
class Measure:
    """Names as the database has them; `tag` is "" where all rows are one series."""

    table: str
    time: str
    column: str
    tag: str


def measure() -> Measure:
    """What TREND_COLUMN and TREND_TAG name, else the first column of floats and the first tag of text.

    Raises Refusal where meters.py has no such column.
    """
    numbers = [c for c in meters.DATA[1:] if pa.types.is_floating(c.type.arrow) or pa.types.is_integer(c.type.arrow)]
    floats = [c for c in numbers if pa.types.is_floating(c.type.arrow)]
    texts = [c for c in meters.TAGS if c.type.arrow == pa.string()]
    if not numbers:
        raise Refusal("meters.py has no column of numbers that could be forecast")
    column = chosen(options.trend_column, numbers, "TREND_COLUMN", "column of numbers") or (floats + numbers)[0]
    tag = chosen(options.trend_tag, meters.TAGS, "TREND_TAG", "tag") or (*texts, *meters.TAGS, None)[0]
    return Measure(meters.SUPER_TABLE, meters.DATA[0].name, column.name, tag.name if tag else "")


def chosen(name: str, among: list[Column], setting: str, what: str) -> Column | None:
    """The column of that name, or of that label; None where the name is ""."""
    found = next((c for c in among if name in (c.name, c.label)), None) if name else None
    if name and not found:
        raise Refusal(f"{setting} names {name}, which is no {what} in meters.py: "
                      f"there are {', '.join(c.name for c in among) or 'none'}")
    return found
