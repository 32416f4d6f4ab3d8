"""TDengine's functions of texts."""

from sqlglot import exp

from ..common import datatypes as t
from .arguments import FunctionBuilder, check_count, compiled
from .compiler import Compiler
from .typed import INTEGERS, TEXTS, Typed, typed

_MANY = 2**31  # more characters than a text has


def _of_text(narrow: str, wide: str | None = None) -> FunctionBuilder:
    """A text of the argument's type and length; `wide` is the function for NCHAR where it differs."""
    def build(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
        value, = compiled(compiler, name, trees, [TEXTS])
        return typed(f"{wide if wide and value.type is t.NCHAR else narrow}({value.sql})", value.type, value.length)
    return build


def _length(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    """LENGTH counts bytes (four for each character of an NCHAR), CHAR_LENGTH characters."""
    value, = compiled(compiler, name, trees, [TEXTS | {t.VARBINARY}])
    if value.type is t.VARBINARY:
        sql = f"octet_length({value.sql})"
    elif name == "length":
        sql = f"(length({value.sql}) * 4)" if value.type is t.NCHAR else f"strlen({value.sql})"
    else:
        sql = f"length({value.sql})"
    return typed(sql, t.BIGINT)


def joined_type(values: list[Typed]) -> t.Type:
    """NCHAR where one of the texts is NCHAR."""
    return t.NCHAR if any(value.type is t.NCHAR for value in values) else t.VARCHAR


def _concat(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    """CONCAT, and CONCAT_WS, whose first argument stands between the others. NULL makes the result NULL."""
    least = 3 if name == "concat_ws" else 2
    check_count(name, trees, least, least + 6)
    values = compiled(compiler, name, trees, [TEXTS] * len(trees))
    if name == "concat_ws":
        separator, first, *rest = values
        values = [first, *(part for value in rest for part in (separator, value))]
    sql = "(" + " || ".join(f"{value.sql}::VARCHAR" if value.const is None else value.sql for value in values) + ")"
    return typed(sql, joined_type(values), sum(value.length for value in values))


def _substr(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    value, *rest = compiled(compiler, name, trees, [TEXTS, INTEGERS, INTEGERS], least=2)
    start, count = rest[0].sql, rest[1].sql if len(rest) > 1 else str(_MANY)
    return typed(f"sub_string({value.sql}, {start}, {count})", value.type, value.length)


TEXT_FUNCTIONS: dict[str, FunctionBuilder] = {
    "upper": _of_text("capitals", "upper"), "lower": _of_text("small_letters", "lower"),
    "ltrim": _of_text("ltrim"), "rtrim": _of_text("rtrim"),
    "length": _length, "char_length": _length, "concat": _concat, "concat_ws": _concat,
    "substr": _substr, "substring": _substr,
}
