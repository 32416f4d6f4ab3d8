"""From the text of a statement to sqlglot's tokens, and values in the place of `?` marks."""

from collections.abc import Sequence
from typing import Any

from sqlglot.errors import TokenError
from sqlglot.tokens import Token, TokenType

from ..common.errors import TDengineError
from .dialect import TDengine


def tokens_of(sql: str) -> list[Token]:
    """Unquoted names come out in lower case. Error: 0x2600 for a quote that is never closed."""
    try:
        tokens = TDengine().tokenize(sql)
    except TokenError:
        raise TDengineError(0x2600, f'syntax error near "{sql[:200]}"') from None
    for token in tokens:
        if token.token_type is TokenType.VAR:
            token.text = token.text.lower()
    return tokens


def count_marks(sql: str) -> int:
    """How many `?` marks the text has."""
    return sum(token.token_type is TokenType.PLACEHOLDER for token in tokens_of(sql))


def with_values(tokens: Sequence[Token], values: Sequence[Any]) -> list[Token]:
    """The tokens with a literal for each `?`, in order."""
    rest = iter(values)
    return [_literal(token, next(rest)) if token.token_type is TokenType.PLACEHOLDER else token for token in tokens]


def _literal(mark: Token, value: Any) -> Token:
    """The value as a token at the place of `mark`, so that error messages still quote the text."""
    if value is None:
        token = Token(TokenType.NULL, "NULL")
    elif isinstance(value, bool):
        token = Token(TokenType.TRUE if value else TokenType.FALSE, str(value))
    elif isinstance(value, bytes):
        token = Token(TokenType.STRING, "\\x" + value.hex())
    else:
        token = Token(TokenType.STRING if isinstance(value, str) else TokenType.NUMBER, str(value))
    token.start, token.end = mark.start, mark.end
    return token
