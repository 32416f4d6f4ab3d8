"""The parser's part for CREATE, DROP, USE, DESCRIBE and SHOW: each method reads one statement or clause."""

from typing import Any

from sqlglot.tokens import TokenType

from ..common.datatypes import PRECISIONS, Column
from ..common.errors import not_supported
from . import nodes
from .value_parser import ValueParser

# Only PRECISION has an effect here. The others are accepted, so that statements written for TDengine work.
DATABASE_OPTIONS = frozenset(
    "BUFFER CACHEMODEL CACHESIZE COMP DURATION DNODES ENCRYPT_ALGORITHM KEEP KEEP_TIME_OFFSET MAXROWS MINROWS PAGES "
    "PAGESIZE PRECISION REPLICA SINGLE_STABLE STT_TRIGGER TABLE_PREFIX TABLE_SUFFIX TSDB_PAGESIZE VGROUPS "
    "WAL_FSYNC_PERIOD WAL_LEVEL WAL_RETENTION_PERIOD WAL_RETENTION_SIZE".split())


class DefinitionParser(ValueParser):
    def create(self) -> Any:
        self.need("CREATE")
        if self.word("DATABASE"):
            return self.create_database()
        if self.word("STABLE"):
            return self.create_table(needs_tags=True)
        if self.word("TABLE"):
            return self.create_table(needs_tags=False)
        raise not_supported(f"CREATE {self._curr.text.upper()}") if self._curr else self.raise_error()

    def if_not_exists(self) -> bool:
        if self.word("IF"):
            self.need("NOT", "EXISTS")
            return True
        return False

    def create_database(self) -> nodes.CreateDatabase:
        quiet = self.if_not_exists()
        name, precision = self.name(), 0
        while self._curr:
            option = self._curr.text.upper()
            if option not in DATABASE_OPTIONS:
                self.raise_error()
            self._advance()
            value = self._curr
            if not self._match_set((TokenType.NUMBER, TokenType.STRING, TokenType.VAR)):
                self.raise_error()
            while self._match(TokenType.COMMA):  # KEEP takes up to three numbers
                self._advance()
            if option == "PRECISION":
                if value.text.lower() not in PRECISIONS:
                    self.raise_error("", value)
                precision = PRECISIONS.index(value.text.lower())
        return nodes.CreateDatabase(name, quiet, precision)

    def create_table(self, needs_tags: bool) -> Any:
        quiet = self.if_not_exists()
        table = self.table_name()
        if self.word("USING", advance=False) and not needs_tags:
            return self.create_subtables(quiet, table)
        columns = self.list_of(lambda: self.column(False))
        tags: tuple = ()
        if needs_tags or self.word("TAGS", advance=False):
            self.need("TAGS")
            tags = self.list_of(lambda: self.column(True))
        while self._curr:
            if self.word("COMMENT"):
                self.take(TokenType.STRING)
            elif self.word("SMA"):
                self.list_of(self.name)
            else:
                raise not_supported(f"{self._curr.text.upper()} in CREATE TABLE")
        return nodes.CreateTable(table, quiet, columns, tags)

    def column(self, is_tag: bool) -> Column:
        column = self.data_type(self.name(), is_tag)
        if self.word("PRIMARY", advance=False) or self.word("COMPOSITE", advance=False):
            raise not_supported("a composite key")
        while self.word("ENCODE") or self.word("COMPRESS") or self.word("LEVEL"):
            self.take(TokenType.STRING)
        return column

    def create_subtables(self, quiet: bool, table: nodes.TableName) -> nodes.CreateSubtables:
        subtables = []
        while True:
            self.need("USING")
            using, names = self.table_name(), None
            if self._curr.token_type is TokenType.L_PAREN:
                names = self.list_of(self.name)
            self.need("TAGS")
            tags, _, end = self.values()
            subtables.append(nodes.Subtable(table, quiet, using, names, tags, end))
            if not self._curr:
                return nodes.CreateSubtables(tuple(subtables))
            quiet = self.if_not_exists()
            table = self.table_name()

    def if_exists(self) -> bool:
        if self.word("IF"):
            self.need("EXISTS")
            return True
        return False

    def drop(self) -> Any:
        self.need("DROP")
        if self.word("DATABASE"):
            quiet = self.if_exists()
            return nodes.DropDatabase(self.name(), quiet)
        if self.word("TABLE") or self.word("STABLE"):
            super_only = self._prev.text.upper() == "STABLE"

            def table() -> tuple[nodes.TableName, bool]:
                quiet = self.if_exists()
                return self.table_name(), quiet

            return nodes.DropTables(self.comma_list(table), super_only)
        raise not_supported(f"DROP {self._curr.text.upper()}") if self._curr else self.raise_error()

    def use(self) -> nodes.Use:
        self.need("USE")
        return nodes.Use(self.name())

    def describe(self) -> nodes.Describe:
        self._advance()
        return nodes.Describe(self.table_name())

    def show(self) -> nodes.Show:
        self.need("SHOW")
        if self.word("CREATE"):
            if self.word("DATABASE"):
                return nodes.Show("CREATE DATABASE", self.name())
            if not (self.word("TABLE") or self.word("STABLE")):
                raise not_supported("SHOW CREATE " + self._curr.text.upper())
            return nodes.Show("CREATE", table=self.table_name())
        database = None
        if self._next.token_type is TokenType.DOT:
            database = self.name()
            self._advance()
        if not self._curr:
            self.raise_error()
        what = self._curr.text.upper()
        if what not in ("DATABASES", "TABLES", "STABLES"):
            raise not_supported(f"SHOW {what}")
        self._advance()
        like = self.take(TokenType.STRING).text if self._match(TokenType.LIKE) else None
        return nodes.Show(what, database, like)
