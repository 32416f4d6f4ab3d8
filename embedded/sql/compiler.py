"""What the translation of every expression shares: constants, numbers as reals, one type for several branches."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlglot import exp

from ..common import datatypes as t
from ..common.datatypes import Column, Type, duck_type
from ..common.errors import TDengineError, not_supported
from .typed import DECIMALS, NUMBERS, REALS, SIGNED, TEXTS, UNSIGNED, Environment, Scope, Typed, literal, typed

# Plans a sub-select: its SQL, whose columns are o0, o1, ..., and what these columns are.
SubSelectPlanner = Callable[[Any], tuple[str, Sequence[Column]]]


class Compiler:
    """The base of `Expressions`. Functions and aggregates are written against it, so they need not import those."""

    def __init__(self, scope: Scope, environment: Environment, sub_select: SubSelectPlanner | None = None) -> None:
        self.scope = scope
        self.environment = environment
        self.sub_select = sub_select

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
        return Typed(literal(value, type_), type_, length, value, unit)

    def real(self, value: Typed) -> str:
        """The SQL of a number as a DOUBLE to reckon with."""
        sql = value.raw or value.sql
        return sql if value.type is t.DOUBLE else f"{sql}::DOUBLE"

    def ordered(self, value: Typed) -> str:
        """The SQL of a value that DuckDB sorts as TDengine does: a NaN comes before every number."""
        if not may_be_nan(value):
            return value.sql
        return f"(CASE WHEN isnan({value.sql}) THEN '-infinity' ELSE {value.sql} END)"

    def need_numbers(self, operator: str, *values: Typed) -> None:
        """Errors: 0x0200 for a type that has no such operator, 0x2600 for text, which TDengine would convert."""
        for value in values:
            if value.const is None:
                continue
            if value.type in TEXTS | DECIMALS:
                what = "text" if value.type in TEXTS else value.type.name
                raise not_supported(f"{what} as an operand of {operator}")
            if value.type not in NUMBERS:
                raise TDengineError(0x0200, "Invalid operation")

    def unify(self, values: Sequence[Typed], what: str = "CASE") -> list[Typed]:
        """Several values in one type: their own, BIGINT for integers of several types, DOUBLE for numbers."""
        known = [value for value in values if value.const is not None]
        kinds = {value.type for value in known} or {t.VARCHAR}
        if len(kinds) == 1 and len({value.length for value in known if value.type in DECIMALS}) < 2:
            kind = known[0].type if known else t.VARCHAR
        elif kinds <= SIGNED | UNSIGNED - {t.UBIGINT} | {t.BOOL}:
            kind = t.BIGINT
        elif kinds <= TEXTS:
            kind = t.NCHAR
        elif kinds <= NUMBERS - {t.UBIGINT} and known[0].type in REALS:
            kind = t.DOUBLE
        else:
            raise not_supported(f"{what} of " + " and ".join(sorted(kind.name for kind in kinds)))
        length = max((value.length for value in known), default=1) if kind.variable or kind in DECIMALS else kind.size
        type_ = duck_type(Column("", kind, length))
        return [typed(f"{value.sql}::{type_}", kind, length) for value in values]


def may_be_nan(value: Typed) -> bool:
    return value.type in REALS and value.raw is None and not value.is_const
