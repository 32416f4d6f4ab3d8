"""What the translation of expressions works with: SQL with a type, parameters, and what a statement knows."""

from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Protocol

from ..common import clock
from ..common import datatypes as t
from ..common.datatypes import Type
from ..common.values import NAN

VARIABLE = object()  # the `const` of an expression that differs from row to row
SIGNED = {t.TINYINT, t.SMALLINT, t.INT, t.BIGINT}
UNSIGNED = {t.UTINYINT, t.USMALLINT, t.UINT, t.UBIGINT}
INTEGERS = SIGNED | UNSIGNED
REALS = {t.FLOAT, t.DOUBLE}
NUMBERS = INTEGERS | REALS | {t.BOOL}
TEXTS = {t.VARCHAR, t.NCHAR}
DECIMALS = t.DECIMALS
NAN_SQL = f"x'{NAN.hex()}'"


@dataclass(frozen=True)
class Typed:
    """An SQLite expression and its TDengine type.

    `length` is that of a Column. `const` is the value of a constant, VARIABLE for all others.
    """

    sql: str
    type: Type
    length: int
    const: Any = VARIABLE
    unit: str | None = None  # of a duration: s, m, h, d ...

    @property
    def is_const(self) -> bool:
        return self.const is not VARIABLE


def typed(sql: str, type_: Type, length: int | None = None) -> Typed:
    """An expression that differs from row to row. `length` is only needed for the variable types."""
    return Typed(sql, type_, type_.size if length is None else length)


class Scope(Protocol):
    """What the names in an expression mean. `precision` is that of its timestamps: 0 ms, 1 us, 2 ns."""

    precision: int

    def resolve(self, name: str, qualifier: tuple[str, ...]) -> Typed: ...


@dataclass
class Environment:
    """What a statement knows besides its text. Every NOW in it is the same instant."""

    now_ns: int
    zone_name: str | None
    database: str | None
    user: str

    @property
    def zone(self) -> tzinfo | None:
        return clock.zone(self.zone_name)

    def now(self, precision: int) -> int:
        return self.now_ns * clock.UNITS[precision] // 10**9


class Parameters:
    """Values for SQLite's named parameters.

    Equal values get one name. So two expressions with equal SQL have equal meaning, which grouping relies on.
    """

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self._names: dict[tuple, str] = {}

    def name(self, value: Any) -> str:
        """The parameter that stands for this value in SQL."""
        key = type(value), value
        if key not in self._names:
            self._names[key] = f"p{len(self._names)}"
            self.values[self._names[key]] = value
        return ":" + self._names[key]
