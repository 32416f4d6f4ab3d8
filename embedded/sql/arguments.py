"""The arguments of functions: how many there may be, and of which types."""

from collections.abc import Callable, Sequence

from sqlglot import exp

from ..common import datatypes as t
from ..common.datatypes import Type
from ..common.errors import TDengineError, not_supported
from .compiler import Compiler
from .typed import DECIMALS, Typed, duck_name

# (compiler, the function's name, its arguments) -> the call's SQL and type
FunctionBuilder = Callable[[Compiler, str, list[exp.Expression]], Typed]


def check_count(name: str, trees: Sequence[exp.Expression], least: int, most: int | None = None) -> None:
    """Exactly `least` arguments, or from `least` to `most`. Error: 0x2801."""
    if not trees and least:
        raise TDengineError(0x2600, 'syntax error near ")"')
    if not least <= len(trees) <= (least if most is None else most):
        raise TDengineError(0x2801, f"Invalid number of parameters : {name}")


def bad_type(name: str) -> TDengineError:
    return TDengineError(0x2802, f"Invalid parameter data type : {name}")


def unaccepted(name: str, value: Typed) -> TDengineError:
    """The error for an argument whose type the function does not take; TDengine's functions take DECIMAL."""
    return not_supported(f"{name.upper()} of DECIMAL") if value.type in DECIMALS else bad_type(name)


def bad_value(name: str) -> TDengineError:
    return TDengineError(0x2803, f"Invalid parameter value : {name}")


def compiled(compiler: Compiler, name: str, trees: Sequence[exp.Expression], families: Sequence[set[Type]],
             least: int | None = None) -> list[Typed]:
    """The arguments, compiled; `families` has the accepted types of each. NULL is accepted everywhere.

    The last arguments may be absent, down to `least` of them. Errors: 0x2801, 0x2802.
    """
    check_count(name, trees, len(families) if least is None else least, len(families))
    values = []
    for tree, family in zip(trees, families, strict=False):
        value = compiler.compile(tree)
        if value.const is None:
            kind = next((kind for kind in (t.VARCHAR, t.DOUBLE, t.BIGINT) if kind in family), t.VARCHAR)
            value = Typed(f"NULL::{duck_name(kind)}", kind, kind.size or 1, None)
        elif value.type not in family:
            raise unaccepted(name, value)
        values.append(value)
    return values
