"""TDengine's functions of texts."""

import re

from sqlglot import exp

from ..common import datatypes as t
from ..common.errors import not_supported
from .arguments import FunctionBuilder, check_count, compiled
from .compiler import Compiler
from .typed import INTEGERS, LONGEST_TEXT, TEXTS, Typed, literal, typed

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


def _concat(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    """CONCAT, and CONCAT_WS, whose first argument stands between the others. NULL makes the result NULL."""
    least = 3 if name == "concat_ws" else 2
    check_count(name, trees, least, least + 6)
    values = compiled(compiler, name, trees, [TEXTS] * len(trees))
    if name == "concat_ws":
        separator, first, *rest = values
        values = [first, *(part for value in rest for part in (separator, value))]
    kind = t.NCHAR if any(value.type is t.NCHAR for value in values) else t.VARCHAR
    return typed(f"({' || '.join(value.sql for value in values)})", kind, sum(value.length for value in values))


def _substr(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    value, *rest = compiled(compiler, name, trees, [TEXTS, INTEGERS, INTEGERS], least=2)
    start, count = rest[0].sql, rest[1].sql if len(rest) > 1 else str(_MANY)
    return typed(f"sub_string({value.sql}, {start}, {count})", value.type, value.length)


def _trim(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    """TRIM of spaces, or of another text as a whole, at one end or at both."""
    value, *rest = compiled(compiler, name, trees, [TEXTS, TEXTS], least=1)
    part = rest[0].const if rest else " "
    if part is None:
        return typed("NULL", value.type, value.length)
    if not isinstance(part, str):
        raise not_supported("TRIM of a text that differs from row to row")
    sql = value.sql
    for side, pattern in (("leading", f"^(?:{re.escape(part)})+"), ("trailing", f"(?:{re.escape(part)})+$")):
        if part and name in ("trim", f"trim_{side}"):
            sql = f"regexp_replace({sql}, {literal(pattern, t.VARCHAR)}, '')"
    return typed(sql, value.type, value.length)


def _replace(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    value, old, new = compiled(compiler, name, trees, [TEXTS] * 3)
    shortest = len(old.const) if isinstance(old.const, str) and old.const else 1
    length, most = value.length * -(-max(new.length, shortest) // shortest), _longest(value.type)
    if length > 16 * most:
        raise not_supported("REPLACE whose result may be so long")
    sql = f"replace({value.sql}, {old.sql}, {new.sql})"
    if length > most:
        sql = f"left({sql}, {most})" if value.type is t.NCHAR else f"cut_bytes({sql}, {most})"
    return typed(sql, value.type, min(length, most))


def _longest(kind: t.Type) -> int:
    return LONGEST_TEXT // 4 if kind is t.NCHAR else LONGEST_TEXT


def _repeat(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    value, count = compiled(compiler, name, trees, [TEXTS, INTEGERS])
    if isinstance(count.const, int):
        return typed(f"repeat({value.sql}, {max(count.const, 0)})", value.type, value.length * max(count.const, 0) or 1)
    most = _longest(value.type) // value.length
    times = f"CASE WHEN {count.sql} > {most} THEN {most} ELSE {count.sql}::BIGINT END"
    return typed(f"repeat({value.sql}, {times})", value.type, value.length * most)


def _position(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    part, value = compiled(compiler, name, trees, [TEXTS] * 2)
    return typed(f"strpos({value.sql}, {part.sql})", t.BIGINT)


def _substring_index(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    value, delimiter, count = compiled(compiler, name, trees, [TEXTS, TEXTS, INTEGERS])
    if delimiter.const is None:
        return typed("NULL", value.type, value.length)
    if not delimiter.is_const:
        raise not_supported("SUBSTRING_INDEX by a text that differs from row to row")
    return typed(f"substring_index({value.sql}, {delimiter.sql}, {count.sql})", value.type, value.length)


def _char(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    """The characters of these codes; a code above 255 stands for several. NULL is passed over."""
    check_count(name, trees, 1, 2**31)
    values = compiled(compiler, name, trees, [INTEGERS | TEXTS | {t.DOUBLE}] * len(trees))
    texts = [f"characters_of(integer_of({value.sql}::VARCHAR))" for value in values if value.const is not None]
    return typed(f"concat({', '.join(texts)}, '')" if texts else "''", t.VARCHAR, 8 * max(1, len(texts)))


def _ascii(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    """The first byte."""
    value, = compiled(compiler, name, trees, [TEXTS])
    return typed(f"try_cast('0x' || hex(encode({value.sql}))[1:2] AS BIGINT)", t.BIGINT)


def _to_base64(compiler: Compiler, name: str, trees: list[exp.Expression]) -> Typed:
    value, = compiled(compiler, name, trees, [TEXTS])
    bytes_ = value.length * (4 if value.type is t.NCHAR else 1)
    return typed(f"to_base64(encode({value.sql}))", t.VARCHAR, (bytes_ + 2) // 3 * 4)


TEXT_FUNCTIONS: dict[str, FunctionBuilder] = {
    "upper": _of_text("capitals", "upper"), "lower": _of_text("small_letters", "lower"),
    "ltrim": _of_text("ltrim"), "rtrim": _of_text("rtrim"),
    "length": _length, "char_length": _length, "concat": _concat, "concat_ws": _concat,
    "substr": _substr, "substring_index": _substring_index,
    **dict.fromkeys(("trim", "trim_leading", "trim_trailing"), _trim),
    "replace": _replace, "repeat": _repeat, "position": _position, "char": _char, "ascii": _ascii,
    "to_base64": _to_base64,
}
