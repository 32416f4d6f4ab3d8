"""HISTOGRAM: how many values lie in each of the bins that the statement describes. Each bin is a row of the answer."""

import json
import math

from sqlglot import exp

from ..common import datatypes as t
from ..common.errors import TDengineError
from .arguments import bad_type, bad_value, check_count, compiled
from .compiler import Compiler
from .typed import NUMERIC, REALS, Typed, literal, typed

_LENGTH = 510  # bytes, as TDengine announces them
_MOST_BINS = 1000
_KINDS = {"linear_bin": "width", "log_bin": "factor"}


def histogram(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    """A text for each bin, `{"lower_bin":0, "upper_bin":5, "count":2}`: the upper end belongs to a bin.

    Errors: 0x2800 (the bins), 0x2801, 0x2802, 0x2803.
    """
    check_count(name, trees, 4)
    value = compiled(compiler, name, trees[:1], [NUMERIC])[0]
    kind, description, normalized = (compiler.compile(tree).const for tree in trees[1:])
    if not isinstance(kind, str) or not isinstance(description, str) or not isinstance(normalized, int):
        raise bad_type(name)
    if kind.lower() not in ("user_input", *_KINDS) or normalized not in (0, 1):
        raise bad_value(name)
    ends = _ends(kind.lower(), description)
    inner = ", ".join(literal(end, t.DOUBLE) for end in sorted(end for end in ends if math.isfinite(end)))
    only = f" FILTER (WHERE NOT isnan({value.sql}))" if value.type in REALS else ""
    counts = f"histogram({compiler.real(value)}, [{inner}]){only}"
    bins = [sorted(pair) for pair in zip(ends, ends[1:], strict=False)]
    keys = ", ".join(literal(upper, t.DOUBLE) for _, upper in bins)
    texts = ", ".join(literal(f'{{"lower_bin":{lower:g}, "upper_bin":{upper:g}, "count":', t.VARCHAR)
                      for lower, upper in bins)
    macro = "histogram_shares" if normalized else "histogram_counts"
    return typed(f"unnest({macro}({counts}, [{keys}], [{texts}]))", t.VARCHAR, _LENGTH)


def _ends(kind: str, description: str) -> list[float]:
    """The ends of the bins in the order of the answer."""
    try:
        read = json.loads(description)
    except ValueError:
        raise _wrong("invalid format for binDesc parameter") from None
    if kind == "user_input":
        if not isinstance(read, list) or len(read) < 2 or not all(map(_is_number, read)) or any(
                after <= before for before, after in zip(read, read[1:], strict=False)):
            raise _wrong("invalid format for binDesc parameter")
        return [float(end) for end in read]
    step_name = _KINDS[kind]
    if not isinstance(read, dict):
        raise _wrong("invalid format for binDesc parameter")
    if len(read) != 4:
        raise _wrong("requires four parameters")
    start, step, count, infinite = (read.get(key) for key in ("start", step_name, "count", "infinity"))
    if not (_is_number(start) and _is_number(step) and _is_number(count) and isinstance(infinite, bool)):
        raise _wrong("invalid format for binDesc parameter")
    if not 1 <= count <= _MOST_BINS:
        raise _wrong('binDesc parameter "count" should be in range [1, 1000]')
    if kind == "linear_bin":
        if step == 0:
            raise _wrong('binDesc parameter "width" cannot be 0')
        ends = [start + step * i for i in range(int(count) + 1)]
    else:
        if start == 0:
            raise _wrong('binDesc parameter "start" cannot be 0 with "log_bin" type')
        if step <= 0 or step == 1:
            raise _wrong('binDesc parameter "factor" cannot be negative or equal to 0/1')
        ends = [start * _power(step, i) for i in range(int(count) + 1)]
    if not all(map(math.isfinite, ends)):
        raise _wrong("invalid format for binDesc parameter")
    if infinite:
        ends = [-math.inf, *ends, math.inf] if ends[0] < ends[-1] else [math.inf, *ends, -math.inf]
    return [float(end) for end in ends]


def _power(base: float, exponent: int) -> float:
    try:
        return float(base) ** exponent
    except OverflowError:
        return math.inf


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _wrong(what: str) -> TDengineError:
    return TDengineError(0x2800, f"HISTOGRAM function {what}")
