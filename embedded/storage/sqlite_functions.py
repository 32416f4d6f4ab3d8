"""Functions of TDengine that SQLite lacks; every connection gets them. A NULL argument makes the result NULL."""

import math
import sqlite3
from collections.abc import Callable
from typing import Any

from ..common import clock
from ..common.decimals import plain
from ..common.values import NAN, float32, pack_unsigned, unpack_unsigned


def _null_in_null_out(function: Callable) -> Callable:
    return lambda *values: None if None in values else function(*values)


def _remainder(left: float, right: float) -> float | None:
    """The sign is that of the left side, as in C; NULL for a division by zero."""
    return left - int(left / right) * right if right else None


def _round(value: float) -> float:
    """A half is rounded away from zero, as in C; Python rounds it to the even number."""
    whole = math.trunc(value)
    return float(whole + math.copysign(1, value)) if abs(value - whole) >= 0.5 else float(whole)


def _finite(function: Callable) -> Callable:
    """A function whose first argument is the result where it is infinite."""
    return lambda value, *rest: value if math.isinf(value) else function(value, *rest)


def _log(value: float, base: float | None = None) -> float | None:
    try:
        return math.log(value) if base is None else math.log(value, base)
    except (ValueError, ZeroDivisionError):
        return None


def _real(function: Callable) -> Callable:
    """A function of reals that is NULL outside its domain."""
    def call(*values: Any) -> float | None:
        try:
            result = function(*values)
        except (ValueError, OverflowError, ZeroDivisionError):
            return None
        return result if isinstance(result, float) and math.isfinite(result) else None
    return call


def _substr(text: str, start: int, count: int | None = None) -> str:
    """Positions count from 1, negative ones from the end. From position 0 on there is nothing, as in TDengine."""
    begin = start - 1 if start > 0 else max(len(text) + start, 0) if start < 0 else len(text)
    return text[begin:] if count is None else text[begin:begin + max(count, 0)]


def _cut(text: str | bytes, length: int) -> str | bytes:
    """The first `length` bytes; a character that does not fit whole is left out."""
    return text[:length] if isinstance(text, bytes) else text.encode()[:length].decode(errors="ignore")


def _letters(change: Callable[[str], str]) -> Callable[[str], str]:
    """Upper or lower case, letter by letter: one that would become two (such as the German sharp s) stays."""
    return lambda text: "".join(new if len(new := change(letter)) == 1 else letter for letter in text)


class _Variance:
    """The variance of a population, by Welford's method, which stays exact where the values are close together."""

    def __init__(self) -> None:
        self.count, self.mean, self.squares = 0, 0.0, 0.0

    def step(self, value: Any) -> None:
        if value is not None:
            self.count += 1
            change = value - self.mean
            self.mean += change / self.count
            self.squares += change * (value - self.mean)

    def finalize(self) -> float | None:
        return self.squares / self.count if self.count else None


class _UnsignedSum:
    """SUM of integers of 64 bits without a sign. It wraps around, as in C."""

    def __init__(self) -> None:
        self.total: int | None = None

    def step(self, value: Any) -> None:
        if value is not None:
            self.total = (self.total or 0) + unpack_unsigned(value)

    def finalize(self) -> Any:
        return None if self.total is None else pack_unsigned(self.total & (2**64 - 1))


class _PickLast:
    """The value that stands beside the greatest key. Values beside a NULL key do not count."""

    def __init__(self) -> None:
        self.key: Any = None
        self.value: Any = None

    def step(self, key: Any, value: Any) -> None:
        if key is not None and (self.key is None or key > self.key):
            self.key, self.value = key, value

    def finalize(self) -> Any:
        return self.value


class _PickFirst(_PickLast):
    """The value that stands beside the least key."""

    def step(self, key: Any, value: Any) -> None:
        if key is not None and (self.key is None or key < self.key):
            self.key, self.value = key, value


_FUNCTIONS: dict[tuple[str, int], Callable] = {
    ("f32", 1): lambda value: value if value == NAN else float32(value),
    ("decimal_real", 2): lambda value, scale: float(plain(value, scale)),
    ("decimal_text", 2): lambda value, scale: f"{plain(value, scale):f}",
    ("u64", 1): lambda value: float(unpack_unsigned(value)),
    ("remainder", 2): _real(_remainder),
    ("round_away", 1): _finite(_round),
    ("cut", 2): _cut,
    ("sub_string", 2): _substr,
    ("sub_string", 3): _substr,
    ("upper_letters", 1): _letters(str.upper),
    ("lower_letters", 1): _letters(str.lower),
    ("log_of", 1): _real(_log),
    ("log_of", 2): _real(_log),
    ("parse_time", 3): lambda text, precision, zone: clock.parse(text, precision, clock.zone(zone)),
    ("zone_offset", 3): lambda ticks, precision, zone: clock.offset_at(ticks, precision, clock.zone(zone)),
    ("iso8601", 3): lambda ticks, precision, zone: clock.iso8601(ticks, precision, clock.zone(zone)),
    **{(f"m_{name}", 1): _real(getattr(math, name))
       for name in ("sqrt", "exp", "sin", "cos", "tan", "asin", "acos", "atan")},
    ("m_pow", 2): _real(math.pow),
    ("m_ceil", 1): _finite(lambda value: float(math.ceil(value))),
    ("m_floor", 1): _finite(lambda value: float(math.floor(value))),
}
_AGGREGATES = {("variance", 1): _Variance, ("sum_unsigned", 1): _UnsignedSum,
               ("pick_last", 2): _PickLast, ("pick_first", 2): _PickFirst}


def register(connection: sqlite3.Connection) -> None:
    """Give the connection all functions and aggregates."""
    for (name, arguments), function in _FUNCTIONS.items():
        connection.create_function(name, arguments, _null_in_null_out(function), deterministic=True)
    for (name, arguments), aggregate in _AGGREGATES.items():
        connection.create_aggregate(name, arguments, aggregate)
