"""The parser's part for types, in CREATE and CAST, and for values, in INSERT and TAGS."""

from decimal import Decimal
from typing import Any

from sqlglot import exp
from sqlglot.tokens import TokenType

from ..common.datatypes import BY_NAME, JSON, JSON_LENGTH, Column
from ..common.decimals import decimal_column
from ..common.errors import not_supported
from . import nodes
from .dialect import REFUSED_TYPES
from .expression_parser import ExpressionParser


class ValueParser(ExpressionParser):
    """Each method reads one type or value."""

    FUNCTION_PARSERS = {"CAST": lambda self: self._parse_cast_call(), "TRIM": lambda self: self._parse_trim_call(),
                        "COLS": lambda self: self._parse_cols_call(),
                        "POSITION": lambda self: self._parse_position_call(),
                        **dict.fromkeys(("SUBSTR", "SUBSTRING"), lambda self: self._parse_substring_call())}

    def _parse_cast_call(self) -> exp.Expression:
        value = self.expression_of()
        self.take(TokenType.ALIAS)
        start = self._curr
        target = self.data_type("cast", default_length=True)
        return exp.Anonymous(this="cast", expressions=[value, self.carried("target", target, start)])

    def _parse_trim_call(self) -> exp.Expression:
        """`x`, `'a' FROM x` or `LEADING 'a' FROM x`: the function `trim`, `trim_leading` or `trim_trailing`."""
        side = next((word for word in ("LEADING", "TRAILING", "BOTH") if self.word(word)), "BOTH")
        name = "trim" if side == "BOTH" else f"trim_{side.lower()}"
        arguments = [] if self.word("FROM") else [self.expression_of()]
        if not arguments or self.word("FROM"):
            arguments.insert(0, self.expression_of())
        return exp.Anonymous(this=name, expressions=arguments)

    def _parse_position_call(self) -> exp.Expression:
        part = self._parse_bitwise()
        self.take(TokenType.IN)
        return exp.Anonymous(this="position", expressions=[part, self.expression_of()])

    def _parse_substring_call(self) -> exp.Expression:
        """`x, 2, 3`, or `x FROM 2 FOR 3`."""
        arguments = [self.expression_of()]
        if self.word("FROM"):
            arguments.append(self.expression_of())
            if self.word("FOR"):
                arguments.append(self.expression_of())
        while self._match(TokenType.COMMA):
            arguments.append(self.expression_of())
        return exp.Anonymous(this="substr", expressions=arguments)

    def data_type(self, name: str, is_tag: bool = False, default_length: bool = False) -> Column:
        """Read a type and its length: the column `name`. With `default_length`, a length that is not given is 0."""
        token = self._curr
        text = self.name().upper()
        if text in REFUSED_TYPES:
            raise not_supported(text)
        if text in ("DECIMAL", "NUMERIC"):
            return self.decimal_type(name, is_tag)
        if text == "INTEGER":
            text = "INT"
        if self.word("UNSIGNED"):
            text += " UNSIGNED"
        kind = BY_NAME.get(text)
        if kind is None:
            self.raise_error("", token)
        if not kind.variable:
            return Column(name, kind, kind.size, is_tag)
        if kind is JSON:
            return Column(name, kind, JSON_LENGTH, is_tag)
        if self._match(TokenType.L_PAREN):
            length = self.integer()
            self.take(TokenType.R_PAREN)
        elif default_length:
            length = 0
        else:
            self.raise_error()
        return Column(name, kind, length, is_tag)

    def decimal_type(self, name: str, is_tag: bool) -> Column:
        """Read `(digits, scale)` after DECIMAL; without them there are ten digits and no fraction."""
        digits, *scale = self.list_of(self.integer) if self._curr.token_type is TokenType.L_PAREN else (10,)
        if len(scale) > 1:
            self.raise_error("", self._prev)
        return decimal_column(name, digits, scale[0] if scale else 0, is_tag)

    # ------------------------------------------------------------------ values of INSERT and TAGS

    def values(self) -> tuple[tuple, int, int]:
        """Read `( value, ... )`. Returns the values, and where the parentheses stand in the text."""
        start = self._curr.start
        row = self.list_of(self.value)
        return row, start, self._prev.start

    def value(self) -> Any:
        """A literal becomes a plain Python value, `?` becomes MARK, and NOW + 1s stays an expression."""
        kind, following = self._curr.token_type, self._next.token_type
        if following in _AFTER_VALUE:
            read = _LITERALS.get(kind)
            if read is not None:
                self._advance()
                return read(self._prev.text)
            if kind is TokenType.PLACEHOLDER:
                self._advance()
                self.marks += 1
                return nodes.MARK
        if kind is TokenType.DASH and following is TokenType.NUMBER:
            self._advance(2)
            if self._curr.token_type in _AFTER_VALUE:
                return _number(self._prev.text, negative=True)
            self._advance(-2)
        return self.expression_of()


_AFTER_VALUE = (TokenType.COMMA, TokenType.R_PAREN, TokenType.SENTINEL)  # the last one ends the text


def _number(text: str, negative: bool = False) -> int | Decimal:
    sign = "-" if negative else ""  # `-` would round a Decimal
    return int(sign + text) if text.isdigit() else Decimal(sign + text)


_LITERALS = {TokenType.NUMBER: _number, TokenType.STRING: str, TokenType.NULL: lambda _: None,
             TokenType.TRUE: lambda _: True, TokenType.FALSE: lambda _: False}
