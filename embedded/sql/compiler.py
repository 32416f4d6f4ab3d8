"""What the translation of every expression shares: constants, numbers as reals, one type for several branches."""

from typing import Any

from sqlglot import exp

from ..common import datatypes as t
from ..common.datatypes import Type
from ..common.errors import TDengineError, not_supported
from ..common.values import pack_unsigned
from .typed import (
    DECIMALS,
    NAN_SQL,
    NUMBERS,
    REALS,
    SIGNED,
    TEXTS,
    UNSIGNED,
    Environment,
    Parameters,
    Scope,
    Typed,
    typed,
)

_LEAST = "-9e999"  # minus infinity: SQLite has no number below it, so a NaN is equal to it here


class Compiler:
    """The base of `Expressions`. Functions and aggregates are written against it, so they need not import those."""

    def __init__(self, scope: Scope, environment: Environment, parameters: Parameters) -> None:
        self.scope = scope
        self.environment = environment
        self.parameters = parameters

    @property
    def precision(self) -> int:
        return self.scope.precision

    def compile(self, tree: exp.Expression) -> Typed:
        """Translate any expression."""
        raise NotImplementedError

    def constant(self, value: Any, type_: Type, length: int | None = None, unit: str | None = None) -> Typed:
        """A value that is known now. Without `length`, a text is as long as its value, at least 1."""
        if length is None:
            length = type_.size
        if length is None:
            length = len(value.encode() if type_ is t.VARCHAR and isinstance(value, str) else value) or 1
        sql = "NULL" if value is None else self.parameters.name(pack_unsigned(value) if type_ is t.UBIGINT else value)
        return Typed(sql, type_, length, value, unit)

    def real(self, value: Typed) -> str:
        """The SQL of a number as a real that SQLite can reckon with: a NaN becomes NULL."""
        if value.type is t.UBIGINT:
            return f"u64({value.sql})"
        if value.type in REALS:
            return value.sql if value.is_const else f"nullif({value.sql}, {NAN_SQL})"
        return f"CAST({value.sql} AS REAL)"

    def ordered(self, value: Typed) -> str:
        """The SQL of a value that SQLite sorts and compares as TDengine does: a NaN is less than every number."""
        if value.type not in REALS or value.is_const:
            return value.sql
        return f"iif({value.sql} = {NAN_SQL}, {_LEAST}, {value.sql})"

    def need_numbers(self, operator: str, *values: Typed) -> None:
        """Errors: 0x0200 for a type that has no such operator, 0x2600 for text, which TDengine would convert."""
        for value in values:
            if value.type in TEXTS | DECIMALS:
                what = "text" if value.type in TEXTS else value.type.name
                raise not_supported(f"{what} as an operand of {operator}")
            if value.type not in NUMBERS:
                raise TDengineError(0x0200, "Invalid operation")

    def unify(self, values: list[Typed]) -> list[Typed]:
        """The branches of one CASE in one type: the type of the first, or BIGINT for integers of several types."""
        kinds = {value.type for value in values if value.const is not None} or {t.BOOL}
        if len(kinds) == 1 and len({value.length for value in values if value.type in DECIMALS}) < 2:
            kind = kinds.pop()
        elif kinds <= SIGNED | UNSIGNED - {t.UBIGINT}:
            kind = t.BIGINT
        elif kinds <= TEXTS:
            kind = t.NCHAR
        elif kinds <= NUMBERS - {t.UBIGINT} and values[0].type in REALS:
            kind = t.DOUBLE
        else:
            raise not_supported("CASE of " + " and ".join(sorted(kind.name for kind in kinds)))
        return [typed(self.real(value) if kind is t.DOUBLE and value.const is not None else value.sql, kind,
                      value.length if kind.variable or kind in DECIMALS else None) for value in values]
