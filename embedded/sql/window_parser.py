"""The parser's part for windows: INTERVAL, SLIDING, FILL and their like, and INTERP's RANGE and EVERY."""

import re
from collections.abc import Callable
from typing import Any

from sqlglot import exp
from sqlglot.tokens import TokenType

from ..common.errors import not_supported
from . import nodes
from .expression_parser import ExpressionParser

_DURATION = re.compile(r"\d+[a-z]", re.IGNORECASE)
_FILLS = ("NONE", "NULL", "NULL_F", "VALUE", "VALUE_F", "PREV", "NEXT", "LINEAR", "NEAR")


class WindowParser(ExpressionParser):
    """Each method but `window` reads what follows the word of its clause."""

    def window(self) -> nodes.Window | None:
        """The window clause, where there is one."""
        for word, read in _WINDOWS.items():
            if self.word(word, advance=False):
                return read(self)
        return None

    def interval(self) -> nodes.Window:
        self.need("INTERVAL")
        self.take(TokenType.L_PAREN)
        arguments = [self.duration()]
        if self._match(TokenType.COMMA):
            arguments.append(exp.Var(this="AUTO") if self.word("AUTO") else self.duration())
        self.take(TokenType.R_PAREN)
        sliding = self.in_parentheses(self.duration) if self.word("SLIDING") else None
        fill = self.fill() if self.word("FILL") else None
        if fill and fill.mode == "NEAR":
            self.raise_error("", self._prev)
        return nodes.Window("INTERVAL", tuple(arguments), sliding, fill)

    def session(self) -> nodes.Window:
        self.need("SESSION")
        self.take(TokenType.L_PAREN)
        time = self.expression_of()
        self.take(TokenType.COMMA)
        gap = self.duration()
        self.take(TokenType.R_PAREN)
        return nodes.Window("SESSION", (time, gap))

    def state_window(self) -> nodes.Window:
        self.need("STATE_WINDOW")
        state = self.in_parentheses(self.expression_of)
        return nodes.Window("STATE_WINDOW", (state,), true_for=self.true_for())

    def event_window(self) -> nodes.Window:
        self.need("EVENT_WINDOW", "START", "WITH")
        start = self.expression_of()
        self.need("END", "WITH")
        return nodes.Window("EVENT_WINDOW", (start, self.expression_of()), true_for=self.true_for())

    def count_window(self) -> nodes.Window:
        self.need("COUNT_WINDOW")
        self.take(TokenType.L_PAREN)
        counts = [self.integer()]
        while self._match(TokenType.COMMA):
            if self._curr.token_type is TokenType.VAR and not self._curr.text[0].isdigit():
                raise not_supported("COUNT_WINDOW with columns")
            counts.append(self.integer())
        self.take(TokenType.R_PAREN)
        return nodes.Window("COUNT_WINDOW", tuple(exp.Literal.number(count) for count in counts))

    def range(self) -> nodes.Window:
        """RANGE, EVERY and FILL of INTERP; any of them may be missing, which the planner refuses."""
        instants = self.list_of(self.expression_of) if self.word("RANGE") else ()
        every = self.in_parentheses(self.step) if self.word("EVERY") else None
        return nodes.Window("RANGE", instants, every, self.fill() if self.word("FILL") else None)

    def _parse_cols_call(self) -> exp.Expression:
        """`MAX(x), a, b AS c`: the call, then an `Item` for each column of the row that the call picks."""
        call = self.expression_of()
        if not isinstance(call, exp.Anonymous):
            self.raise_error()
        self.take(TokenType.COMMA)
        items = self.comma_list(self.item)
        return exp.Anonymous(this="cols", expressions=[call, *(exp.Var(this=item) for item in items)])

    # ------------------------------------------------------------------ parts

    def true_for(self) -> exp.Expression | None:
        return self.in_parentheses(self.duration) if self.word("TRUE_FOR") else None

    def fill(self) -> nodes.Fill:
        self.take(TokenType.L_PAREN)
        mode = self._curr.text.upper()
        if mode not in _FILLS or self._curr.token_type is TokenType.STRING:
            self.raise_error()
        self._advance()
        values: tuple = ()
        if mode in ("VALUE", "VALUE_F"):
            self.take(TokenType.COMMA)
            values = self.comma_list(self.expression_of)
        elif self._curr.token_type is TokenType.COMMA:
            raise not_supported(f"a value in FILL({mode})")
        self.take(TokenType.R_PAREN)
        return nodes.Fill(mode, values)

    def in_parentheses(self, read: Callable[[], Any]) -> Any:
        self.take(TokenType.L_PAREN)
        found = read()
        self.take(TokenType.R_PAREN)
        return found

    def duration(self) -> exp.Expression:
        """`10s`, '10s', or a number of ticks."""
        if self._curr.token_type is TokenType.NUMBER:
            return exp.Literal.number(self.integer())
        if self._curr.token_type is TokenType.STRING and _DURATION.fullmatch(self._curr.text):
            self._advance()
            return _duration(self._prev.text)
        return self.step()

    def step(self) -> exp.Expression:
        """`10s`."""
        if self._curr.token_type is not TokenType.VAR or not _DURATION.fullmatch(self._curr.text):
            self.raise_error()
        self._advance()
        return _duration(self._prev.text)


def _duration(text: str) -> exp.Column:
    return exp.Column(this=exp.Identifier(this=text.lower(), quoted=False))


_WINDOWS: dict[str, Callable[[WindowParser], nodes.Window]] = {
    "INTERVAL": WindowParser.interval, "SESSION": WindowParser.session, "STATE_WINDOW": WindowParser.state_window,
    "EVENT_WINDOW": WindowParser.event_window, "COUNT_WINDOW": WindowParser.count_window,
    **dict.fromkeys(("RANGE", "EVERY", "FILL"), WindowParser.range)}
