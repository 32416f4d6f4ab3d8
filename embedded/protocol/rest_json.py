"""A result as the JSON of REST, made in pieces: a large result never stands in memory as a whole."""

import json
import math
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from ..common.datatypes import DECIMALS, DOUBLE, FLOAT, TIMESTAMP, VARBINARY, Column
from ..common.errors import TDengineError
from ..engine.plain_result import Result
from .raw_blocks import rows_per_block

_LONGEST_WHOLE = 1e21  # greater ones have an exponent
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def answer(result: Result, zone: ZoneInfo | None, named: bool = False, timing: bool = False) -> Iterator[str]:
    """One JSON object in pieces. With `named`, rows are objects; with `timing`, it says the nanoseconds taken."""
    started = time.perf_counter_ns()

    def end() -> str:
        return f',"timing":{time.perf_counter_ns() - started}}}' if timing else "}"

    if not result.columns:
        rows = [{"affected_rows": result.affected}] if named else [[result.affected]]
        yield f'{{"code":0,"column_meta":[["affected_rows","INT",4]],"data":{json.dumps(rows)},"rows":1{end()}'
        return
    names = [column.name for column in result.columns]
    meta = json.dumps([[column.name, column.shown_type, column.shown_length] for column in result.columns])
    start, count = f'{{"code":0,"column_meta":{meta},"data":[', 0
    while (batch := result.fetch_batch(rows_per_block(result.columns))) is not None:
        rows = list(zip(*(_json_values(values, column, result.precision, zone)
                          for values, column in zip(batch.columns, result.columns, strict=True)), strict=True))
        yield start + json.dumps([dict(zip(names, row, strict=True)) for row in rows] if named else rows)[1:-1]
        start, count = ",", count + len(rows)
    yield f'{"" if count else start}],"rows":{count}{end()}'


def _json_values(values: pa.Array, column: Column, precision: int, zone: ZoneInfo | None) -> list:
    """The values of a column in types that JSON has."""
    if column.type is FLOAT:  # the shortest text that is this 32-bit float, as a 64-bit float
        values = values.cast(pa.string()).cast(pa.float64())
    found = values.to_pylist()
    write = _writer(column, precision, zone)
    return found if write is None else [None if value is None else write(value) for value in found]


def _writer(column: Column, precision: int, zone: ZoneInfo | None) -> Callable[[Any], Any] | None:
    """What puts a value of the column into JSON's types; None where it is of one already."""
    if column.type is TIMESTAMP:
        return lambda value: timestamp_text(value, precision, zone)
    if column.type is VARBINARY:
        return bytes.hex
    if column.type in DECIMALS:
        return "{:f}".format
    if column.type in (FLOAT, DOUBLE):
        return _number
    return None


def _number(value: float) -> float | int | None:
    """taosAdapter writes whole numbers without a point. JSON has neither NaN nor infinity."""
    if not math.isfinite(value):
        return None
    return int(Decimal(repr(value))) if value.is_integer() and abs(value) < _LONGEST_WHOLE else value


def timestamp_text(value: int, precision: int, zone: ZoneInfo | None = None) -> str:
    """A timestamp in ticks of `precision` as `2026-11-25T03:04:05.678Z`, with exactly 3, 6 or 9 digits.

    Error: 0x060B for a year that Python's dates do not reach.
    """
    digits = 3 * (precision + 1)
    seconds, fraction = divmod(value, 10**digits)
    try:
        whole = (_EPOCH + timedelta(seconds=seconds)).astimezone(zone or UTC).isoformat()
    except OverflowError as error:
        raise TDengineError(0x060B, "Timestamp data out of range") from error
    offset = "Z" if whole[19:] == "+00:00" else whole[19:]
    return f"{whole[:19]}.{fraction:0{digits}}{offset}"
