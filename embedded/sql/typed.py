"""What the translation of expressions works with: DuckDB's SQL with a type, and what a statement knows.

The SQL of an expression is always whole: it can be an operand of anything, also of `::`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, NoReturn, Protocol

import pyarrow as pa

from ..common import clock
from ..common import datatypes as t
from ..common.datatypes import Column, Type, duck_type

VARIABLE = object()  # the `const` of an expression that differs from row to row
SIGNED = {t.TINYINT, t.SMALLINT, t.INT, t.BIGINT}
UNSIGNED = {t.UTINYINT, t.USMALLINT, t.UINT, t.UBIGINT}
INTEGERS = SIGNED | UNSIGNED
REALS = {t.FLOAT, t.DOUBLE}
NUMBERS = INTEGERS | REALS | {t.BOOL}
NUMERIC = NUMBERS - {t.BOOL}
TEXTS = {t.VARCHAR, t.NCHAR}
DECIMALS = t.DECIMALS
LONGEST_TEXT = 65517  # bytes, TDengine's limit for a VARCHAR


@dataclass(frozen=True)
class Typed:
    """An expression in DuckDB's SQL and its TDengine type.

    `length` is that of a Column. `const` is the value of a constant, VARIABLE for all others. Where `raw` is given,
    `sql` is NULL instead of NaN, and `raw` is the same value before that was done.
    """

    sql: str
    type: Type
    length: int
    const: Any = VARIABLE
    unit: str | None = None  # of a duration: s, m, h, d ...
    raw: str | None = None

    @property
    def is_const(self) -> bool:
        return self.const is not VARIABLE


class NotKept(Exception):
    """A plan cannot be kept: it depends on what may change. See kept_plans.py."""


@dataclass(frozen=True)
class Mark:
    """Stands in a statement for a whole number from 0 on, which is put into the plan's SQL later."""

    position: int

    def __str__(self) -> str:
        return f"\0{self.position}\0"


class Unknown(Typed):
    """The number of a mark: a BIGINT constant whose value nobody may look at. Error: NotKept."""

    def __init__(self, mark: str) -> None:
        vars(self).update(sql=mark, type=t.BIGINT, length=t.BIGINT.size)

    @property
    def const(self) -> NoReturn:
        raise NotKept("the value of a number")


def typed(sql: str, type_: Type, length: int | None = None) -> Typed:
    """An expression that differs from row to row. `length` is only needed for the variable types."""
    return Typed(sql, type_, type_.size if length is None else length)


def number_or_null(raw: str, type_: Type = t.DOUBLE, test: str = "NOT isnan") -> Typed:
    """What was computed of numbers: NULL where `test` does not hold for it."""
    return Typed(f"CASE WHEN {test}({raw}) THEN {raw} END", type_, type_.size, raw=raw)


def duck_name(kind: Type) -> str:
    """The name in DuckDB of a type that has no length."""
    return duck_type(Column("", kind, 0))


def literal(value: Any, type_: Type) -> str:
    """A value in DuckDB's SQL. This is the only place where values are quoted."""
    if value is None:
        return "NULL"
    if type_ is t.BOOL:
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, bytes):
        return f"from_hex('{value.hex()}')"
    if isinstance(value, float):
        text = repr(value) if math.isfinite(value) else f"'{value}'"
        return f"({text}::{'FLOAT' if type_ is t.FLOAT else 'DOUBLE'})"
    return f"({value})" if value < 0 else str(value)


class Scope(Protocol):
    """What the names in an expression mean. `precision` is that of its timestamps: 0 ms, 1 us, 2 ns."""

    precision: int
    time: Typed | None  # the timestamp of a row
    columns: dict[str, Typed]  # of the rows

    def resolve(self, name: str, qualifier: tuple[str, ...]) -> Typed: ...


# The columns and rows of a table of information_schema or performance_schema, by database and name.
SystemTable = Callable[[str, str], tuple[Sequence[Column], pa.Table]]


@dataclass
class Environment:
    """What a statement knows besides its text. Every NOW in it is the same instant."""

    now_ns: int
    zone_name: str | None
    database: str | None
    user: str
    system_table: SystemTable | None = None

    @property
    def zone(self) -> tzinfo | None:
        return clock.zone(self.zone_name)

    @property
    def server_zone(self) -> tzinfo | None:
        return clock.zone(None)

    def now(self, precision: int) -> int:
        return self.now_ns * clock.UNITS[precision] // 10**9
