"""The parser's part for INSERT, and for DELETE."""

from typing import Any

from sqlglot.tokens import TokenType

from ..common.errors import not_supported
from . import nodes
from .value_parser import ValueParser


class InsertParser(ValueParser):
    def insert(self) -> nodes.Insert | nodes.InsertSelect:
        """INSERT INTO or IMPORT INTO, which mean the same."""
        self._advance()
        self.need("INTO")
        tables = [self.rows_of_table()]
        if isinstance(tables[0], nodes.InsertSelect):
            return tables[0]
        while self._curr:
            tables.append(self.rows_of_table())
        return nodes.Insert(tuple(tables), self.marks)

    def rows_of_table(self) -> Any:
        """One table's part: its rows, or the SELECT that they come from."""
        table = None
        if self._match(TokenType.PLACEHOLDER):
            self.marks += 1
        else:
            table = self.table_name()
        using = tag_names = columns = None
        tags: tuple = ()
        tags_end = 0
        if self._curr.token_type is TokenType.L_PAREN:
            columns = self.list_of(self.name)
        if self.word("USING"):
            using = self.table_name()
            if self._curr.token_type is TokenType.L_PAREN:
                tag_names = self.list_of(self.name)
            self.need("TAGS")
            tags, _, tags_end = self.values()
            if columns is None and self._curr.token_type is TokenType.L_PAREN:
                columns = self.list_of(self.name)
        if self.word("SELECT", advance=False):
            if table is None or using is not None:
                raise not_supported("INSERT ... SELECT with ? or USING")
            return nodes.InsertSelect(table, columns, self.query())
        if self.word("FILE", advance=False):
            raise not_supported("INSERT ... FILE")
        self.need("VALUES")
        rows, spots = [], []
        while self._curr.token_type is TokenType.L_PAREN:
            row, start, end = self.values()
            rows.append(list(row))
            spots.append((start, end))
            if self._match(TokenType.COMMA) and self._curr.token_type is not TokenType.L_PAREN:
                self.raise_error()
        if not rows:
            self.raise_error()
        return nodes.Rows(table, using, tag_names, tags, columns, rows, spots, tags_end)

    def delete(self) -> nodes.Delete:
        self.need("DELETE", "FROM")
        table = self.table_name()
        return nodes.Delete(table, self.expression_of() if self.word("WHERE") else None)
