"""The parser's part for CREATE, DROP and ALTER: each method reads one statement or clause."""

import re
from typing import Any

from sqlglot.tokens import TokenType

from ..common.catalog import DEFAULT_KEEP_MINUTES
from ..common.datatypes import PRECISIONS, Column
from ..common.errors import not_supported
from . import nodes
from .show_parser import ShowParser

# Only PRECISION and KEEP have an effect here. The others are accepted, so that statements written for TDengine work.
DATABASE_OPTIONS = frozenset(
    "BUFFER CACHEMODEL CACHESIZE COMP COMPACT_INTERVAL COMPACT_TIME_OFFSET COMPACT_TIME_RANGE DNODES DURATION "
    "ENCRYPT_ALGORITHM KEEP KEEP_TIME_OFFSET MAXROWS MINROWS PAGES PAGESIZE PRECISION REPLICA S3_CHUNKPAGES S3_COMPACT "
    "S3_KEEPLOCAL SINGLE_STABLE STRICT STT_TRIGGER TABLE_PREFIX TABLE_SUFFIX TSDB_PAGESIZE VGROUPS WAL_FSYNC_PERIOD "
    "WAL_LEVEL WAL_RETENTION_PERIOD WAL_RETENTION_SIZE WITH_ARBITRATOR".split())
_KEEP = re.compile(r"(\d+)([mhd]?)")
_MINUTES = {"m": 1, "h": 60, "d": 1440, "": 1440}


class DefinitionParser(ShowParser):
    # ------------------------------------------------------------------ CREATE

    def create(self) -> Any:
        self.need("CREATE")
        if self.word("DATABASE"):
            quiet = self.if_not_exists()
            name = self.name()
            options = self.database_options()
            return nodes.CreateDatabase(name, quiet, options.get("precision", 0),
                                        options.get("keep", DEFAULT_KEEP_MINUTES))
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

    def database_options(self) -> dict[str, int]:
        """Read the options; those that count here: `precision`, its code, and `keep`, in minutes."""
        found: dict[str, int] = {}
        while self._curr:
            option = self._curr.text.upper()
            if option == "RETENTIONS":
                raise not_supported(option)
            if option not in DATABASE_OPTIONS:
                self.raise_error()
            self._advance()
            first = self._curr
            values = self.comma_list(self.option_value)
            if option == "PRECISION":
                if values[0].lower() not in PRECISIONS:
                    self.raise_error("", first)
                found["precision"] = PRECISIONS.index(values[0].lower())
            elif option == "KEEP":
                matches = [_KEEP.fullmatch(value.lower()) for value in values]
                if not all(matches):
                    self.raise_error("", first)
                found["keep"] = max(int(match[1]) * _MINUTES[match[2]] for match in matches)
        return found

    def option_value(self) -> str:
        sign = "-" if self._match(TokenType.DASH) else ""
        if not self._match_set((TokenType.NUMBER, TokenType.STRING, TokenType.VAR)):
            self.raise_error()
        return sign + self._prev.text

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

    # ------------------------------------------------------------------ DROP

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

    # ------------------------------------------------------------------ ALTER

    def alter(self) -> Any:
        self.need("ALTER")
        if self.word("DATABASE"):
            name, first = self.name(), self._curr
            options = self.database_options()
            if "precision" in options:
                self.raise_error("", first)
            return nodes.AlterDatabase(name, options.get("keep"))
        if not (self.word("TABLE") or self.word("STABLE")):
            raise not_supported(f"ALTER {self._curr.text.upper()}") if self._curr else self.raise_error()
        super_only = self._prev.text.upper() == "STABLE"
        table = self.table_name()
        if self.word("SET", "TAG"):
            return nodes.SetTags(table, self.comma_list(self.new_tag))
        for action in ("ADD", "DROP", "MODIFY", "RENAME"):
            if self.word(action):
                return self.alter_column(table, super_only, action)
        raise not_supported(f"ALTER TABLE ... {self._curr.text.upper()}") if self._curr else self.raise_error()

    def alter_column(self, table: nodes.TableName, super_only: bool, action: str) -> nodes.AlterTable:
        if not (self.word("COLUMN") or self.word("TAG")):
            self.raise_error()
        is_tag = self._prev.text.upper() == "TAG"
        if action in ("ADD", "MODIFY"):
            column = self.column(is_tag)
            return nodes.AlterTable(table, super_only, action, is_tag, column.name, column)
        name = self.name()
        return nodes.AlterTable(table, super_only, action, is_tag, name, None,
                                self.name() if action == "RENAME" else None)

    def new_tag(self) -> tuple[str, Any]:
        name = self.name()
        self.take(TokenType.EQ)
        return name, self.value()
