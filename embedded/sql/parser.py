"""The parser: from the text of one statement to a node of `nodes`.

Sqlglot reads the scalar expressions. The statements around them are TDengine's own, so they are read here.
"""

import dataclasses
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlglot import exp
from sqlglot.tokens import Token, TokenType

from ..common.errors import TDengineError, not_supported
from . import nodes
from .definition_parser import DefinitionParser
from .dialect import TDengine
from .insert_parser import InsertParser
from .tokens import tokens_of, with_values
from .window_parser import WindowParser

_LONGEST_CACHED = 4096  # characters: questions that are asked again and again are short, INSERTs with values are not
_LABEL_BYTES = 64  # TDengine cuts longer labels
# TDengine knows these statements; the embedded database refuses them by name.
KNOWN_STATEMENTS = ("EXPLAIN", "FLUSH", "GRANT", "REVOKE", "KILL", "COMPACT", "TRIM", "BALANCE",
                    "RESET", "SET", "UPDATE", "MERGE", "REDISTRIBUTE", "SPLIT")
_UNQUOTED = re.compile(r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`)|[^'"`]+""", re.DOTALL)


class _Parser(WindowParser, DefinitionParser):
    def statement(self, sql: str, tokens: list[Token]) -> Any:
        """Read one statement. What follows a `;` is not read, as in TDengine."""
        self.reset()
        self.sql = sql
        ends = (i for i, token in enumerate(tokens) if token.token_type is TokenType.SEMICOLON)
        tokens = tokens[:next(ends, None)]
        self._tokens, self._tokens_size, self._index = tokens, len(tokens), -1
        self.marks = 0
        self._advance()
        if not self._curr:
            raise TDengineError(0x2601, "Incomplete SQL statement")
        read = self._STATEMENTS.get(self._curr.text.upper())
        if read is None:
            if self._curr.text.upper() in KNOWN_STATEMENTS:
                raise not_supported(self._curr.text.upper())
            self.raise_error("")
        result = read(self)
        if self._curr:
            self.refuse_clause()
            self.raise_error("")
        return result

    # ------------------------------------------------------------------ SELECT

    def query(self) -> nodes.Select:
        """One SELECT, or several that UNION joins. ORDER BY and LIMIT after the last one are those of the whole."""
        result = self.query_part()
        while self.word("UNION"):
            every = self.word("ALL")
            second = self.query_part()
            order = {name: getattr(second, name) for name in ("order", "limit", "offset")} \
                if self._prev.token_type is not TokenType.R_PAREN else {}
            second = dataclasses.replace(second, **dict(zip(order, ((), None, 0), strict=False)))
            result = nodes.Select((nodes.Item(exp.Star(), "*", False),), source=nodes.Union(result, second, every),
                                  **order)
        return result

    def query_part(self) -> nodes.Select:
        if self._match(TokenType.L_PAREN):
            result = self.query()
            self.take(TokenType.R_PAREN)
            return result
        return self.select()

    def select(self) -> nodes.Select:
        self.need("SELECT")
        distinct = self._match(TokenType.DISTINCT)
        tags_only = not distinct and self.word("TAGS")
        items = self.comma_list(self.item)
        parts: dict[str, Any] = {}
        if self.word("FROM"):
            parts["source"], parts["alias"] = self.source()
            self.refuse_clause()
        parts |= self.clauses()
        return nodes.Select(items, distinct, tags_only, **parts)

    def source(self) -> tuple[Any, str | None]:
        """What stands behind FROM, and its alias."""
        tables = [self.table()]
        condition = None
        while self._match(TokenType.COMMA):
            tables.append(self.table())
        while self.word("JOIN") or self.word("INNER", "JOIN"):
            tables.append(self.table())
            self.need("ON")
            found = self.expression_of()
            condition = found if condition is None else exp.And(this=condition, expression=found)
        return tables[0] if len(tables) == 1 else (nodes.Join(tuple(tables), condition), None)

    def table(self) -> tuple[Any, str | None]:
        if self._match(TokenType.L_PAREN):
            found = self.query()
            self.take(TokenType.R_PAREN)
        else:
            found = self.table_name()
        return found, self.alias()

    def clauses(self) -> dict[str, Any]:
        """The clauses after FROM, in TDengine's order."""
        found: dict[str, Any] = {}
        if self.word("WHERE"):
            found["where"] = self.expression_of()
        if self.word("PARTITION", "BY"):
            found["partition"] = self.comma_list(self.expression_of)
        found["window"] = self.window()
        self.refuse_clause()
        if self.word("GROUP", "BY"):
            found["group"] = self.comma_list(self.expression_of)
        if self.word("HAVING"):
            found["having"] = self.expression_of()
        if self.word("ORDER", "BY"):
            found["order"] = self.comma_list(self.order)
        for limit, offset in (("slimit", "soffset"), ("limit", "offset")):
            if self.word(limit.upper()):
                found[limit] = self.integer()
                if self.word(offset.upper()):
                    found[offset] = self.integer()
                elif self._match(TokenType.COMMA):
                    found[offset], found[limit] = found[limit], self.integer()
        return found

    def alias(self) -> str | None:
        if self._match(TokenType.ALIAS):
            return self.take(TokenType.STRING).text if self._curr.token_type is TokenType.STRING else self.name()
        if self._match_set((TokenType.VAR, TokenType.IDENTIFIER)):
            return self._prev.text
        return None

    def item(self) -> nodes.Item:
        start = self._curr
        tree = self.expression_of()
        text = self.sql[start.start:self._prev.end + 1]
        alias = self.alias()
        if alias is not None:
            return nodes.Item(tree, alias, True)
        if isinstance(tree, exp.Column) and not isinstance(tree.this, exp.Star):
            return nodes.Item(tree, tree.name, False)
        text = _UNQUOTED.sub(lambda part: part[0] if part[1] else part[0].lower(), text)
        return nodes.Item(tree, text.encode()[:_LABEL_BYTES].decode(errors="ignore"), False)

    def order(self) -> nodes.Order:
        tree = self.expression_of()
        descending = self._match(TokenType.DESC)
        if not descending:
            self._match(TokenType.ASC)
        nulls_first = not descending
        if self.word("NULLS"):
            nulls_first = self.word("FIRST")
            if not nulls_first:
                self.need("LAST")
        return nodes.Order(tree, descending, nulls_first)

    _STATEMENTS = {"SELECT": query, "(": query, "INSERT": InsertParser.insert, "IMPORT": InsertParser.insert,
                   "DELETE": InsertParser.delete, "CREATE": DefinitionParser.create, "DROP": DefinitionParser.drop,
                   "ALTER": DefinitionParser.alter, "USE": DefinitionParser.use, "SHOW": DefinitionParser.show,
                   "DESCRIBE": DefinitionParser.describe, "DESC": DefinitionParser.describe}


def parse(sql: str, values: Sequence[Any] | None = None) -> Any:
    """Read one statement into a node of `nodes`; `values` take the place of the `?` marks, in order.

    Errors: 0x2600 (syntax, or not supported), 0x2601 (it ends too early).
    """
    if values is not None:
        return _parse(sql, with_values(tokens_of(sql), values))
    return _parse_cached(sql) if len(sql) < _LONGEST_CACHED else _parse(sql, tokens_of(sql))


def _parse(sql: str, tokens: list[Token]) -> Any:
    return _Parser(dialect=TDengine).statement(sql, tokens)


@lru_cache(maxsize=256)
def _parse_cached(sql: str) -> Any:
    return _parse(sql, tokens_of(sql))
