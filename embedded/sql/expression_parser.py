"""The parser's part for words, names and scalar expressions; the parsers of statements build on it.

Text that it cannot read ends in TDengine's error 0x2600, `syntax error near "..."`.
"""

from collections.abc import Callable
from typing import Any

from sqlglot import exp
from sqlglot.parser import Parser
from sqlglot.tokens import Token, TokenType

from ..common.errors import TDengineError, not_supported
from . import nodes
from .dialect import REFUSED_CLAUSES


class ExpressionParser(Parser):
    """Sqlglot's parser of expressions, cut down to what TDengine's SQL has."""

    FUNCTIONS: dict = {}
    FUNCTION_PARSERS: dict = {}
    NO_PAREN_FUNCTIONS: dict = {}
    NO_PAREN_FUNCTION_PARSERS = {"CASE": lambda self: self._parse_case()}
    SUBQUERY_PREDICATES: dict = {}
    ID_VAR_TOKENS = {TokenType.VAR}
    FUNC_TOKENS = {TokenType.VAR, TokenType.IDENTIFIER}

    def raise_error(self, message: str = "", token: Any = None) -> None:
        """Error 0x2600 with the text from `token` on, or from the current one; 0x2601 at the end of the text."""
        token = token or self._curr
        if not token:
            raise TDengineError(0x2601, "Incomplete SQL statement")
        raise TDengineError(0x2600, f'syntax error near "{self.sql[token.start:token.start + 200].strip()}"')

    def refuse_clause(self) -> None:
        """Refuse by name a clause that TDengine has and the embedded database has not."""
        for word in REFUSED_CLAUSES:
            if self.word(word, advance=False):
                raise not_supported(word)

    # ------------------------------------------------------------------ words and names

    def word(self, *words: str, advance: bool = True) -> bool:
        """Whether these words come next, unquoted, in any case; reads them unless `advance` is false."""
        index = self._index
        for text in words:
            if self._curr.token_type in (TokenType.STRING, TokenType.IDENTIFIER) or self._curr.text.upper() != text:
                self._retreat(index)
                return False
            self._advance()
        if not advance:
            self._retreat(index)
        return True

    def need(self, *words: str) -> None:
        """Read these words; anything else is a syntax error."""
        for text in words:
            if not self.word(text):
                self.raise_error()

    def take(self, token_type: TokenType) -> Token:
        """Read one token of this type; anything else is a syntax error."""
        if not self._match(token_type):
            self.raise_error()
        return self._prev

    def name(self) -> str:
        """Read a name, quoted or not."""
        if not self._match_set((TokenType.VAR, TokenType.IDENTIFIER)):
            self.raise_error()
        return self._prev.text

    def table_name(self) -> nodes.TableName:
        first = self.name()
        return nodes.TableName(first, self.name()) if self._match(TokenType.DOT) else nodes.TableName(None, first)

    def integer(self) -> int:
        token = self.take(TokenType.NUMBER)
        if not token.text.isdigit():
            self.raise_error("", token)
        return int(token.text)

    def list_of(self, read: Callable) -> tuple:
        """Read `( entry, entry, ... )`; `read` reads one entry."""
        self.take(TokenType.L_PAREN)
        entries = self.comma_list(read)
        self.take(TokenType.R_PAREN)
        return entries

    def comma_list(self, read: Callable) -> tuple:
        """Read `entry, entry, ...`."""
        entries = [read()]
        while self._match(TokenType.COMMA):
            entries.append(read())
        return tuple(entries)

    def carried(self, name: str, value: Any, start: Token) -> exp.Var:
        """Something that is no tree of sqlglot's, in `meta` of one whose text is that from `start` on."""
        tree = exp.Var(this=self.sql[start.start:self._prev.end + 1])
        tree.meta[name] = value
        return tree

    # ------------------------------------------------------------------ expressions

    def expression_of(self) -> exp.Expression:
        """Read one expression."""
        tree = self._parse_disjunction()
        if tree is None:
            self.raise_error()
        return tree

    def _parse_function_args(self, alias: bool = False) -> list:
        return list(self.comma_list(self._argument)) if self._curr.token_type is not TokenType.R_PAREN else []

    def _argument(self) -> exp.Expression:
        if self._match(TokenType.DISTINCT):
            raise not_supported("DISTINCT inside a function")
        return self.expression_of()

    def _parse_select(self, *_: Any, **__: Any) -> None:
        """Only IN may be followed by a sub-select."""
        if not self.word("SELECT", advance=False):
            return None
        if self._tokens[self._index - 2].token_type is not TokenType.IN:
            raise not_supported("a sub-select in an expression")
        start = self._curr
        return self.carried("select", self.query(), start)

    def _parse_between(self, this: Any) -> exp.Expression:
        low = self._parse_bitwise()
        self.take(TokenType.AND)
        return self.expression(exp.Between(this=this, low=low, high=self._parse_bitwise()))

    def _parse_interval(self, *_: Any, **__: Any) -> None:
        return None  # INTERVAL is a clause of SELECT in TDengine

    def _parse_types(self, *_: Any, **__: Any) -> None:
        return None  # a type name outside of CAST and CREATE is a column

    def _parse_window(self, this: Any, alias: bool = False) -> Any:
        if self.word("OVER", advance=False):
            raise not_supported("OVER")
        return this
