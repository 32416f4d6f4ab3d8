"""The parser's part for SHOW, DESCRIBE and USE."""

from sqlglot.tokens import TokenType

from ..common.errors import not_supported
from . import nodes
from .insert_parser import InsertParser

# What SHOW may name. The engine answers some of these and refuses the others by name.
SHOWN = frozenset(
    "ACCOUNTS ALIVE ANODES APPS ARBGROUPS BNODES CLUSTER COMPACTS CONNECTIONS CONSUMERS DATABASES DISK_INFO DNODE "
    "DNODES ENCRYPTIONS FUNCTIONS GRANTS INDEXES LICENCES LOCAL MNODES PRIVILEGES QNODES QUERIES SCORES SNODES STABLES "
    "STREAMS SUBSCRIPTIONS TABLE TABLES TAGS TOPICS TRANSACTION TRANSACTIONS TSMAS USERS VARIABLES VGROUPS VIEWS "
    "VNODES VTABLES".split())
_TWO_WORDS = ("ALIVE", "VARIABLES", "TAGS", "DISTRIBUTED", "MACHINES", "FULL", "LOGS")  # the second one


class ShowParser(InsertParser):
    def use(self) -> nodes.Use:
        self.need("USE")
        return nodes.Use(self.name())

    def describe(self) -> nodes.Describe:
        self._advance()
        return nodes.Describe(self.table_name())

    def show(self) -> nodes.Show:
        self.need("SHOW")
        if self.word("CREATE"):
            return self.show_create()
        kind = database = None
        for word in ("NORMAL", "CHILD", "VIRTUAL", "USER", "SYSTEM"):
            if self.word(word):
                kind = word
        if self._next.token_type is TokenType.DOT:
            database = self.name()
            self._advance()
        if not self._curr or self._curr.text.upper() not in SHOWN:
            if self._index == self._tokens_size - 1:  # it may be a database, and more would follow
                self._advance()
            self.raise_error()
        what = self._curr.text.upper()
        self._advance()
        if any(self.word(word) for word in _TWO_WORDS):
            what += " " + self._prev.text.upper()
        table, tags = None, ()
        if what in ("TAGS", "TABLE TAGS", "INDEXES"):
            if not self.word("FROM", advance=False):
                tags = self.comma_list(self.name)
            self.need("FROM")
            table = self.table_name()
            if self.word("FROM"):
                table = nodes.TableName(self.name(), table.name)
        like = self.take(TokenType.STRING).text if self._match(TokenType.LIKE) else None
        if what in ("DNODE", "TABLE DISTRIBUTED", "TRANSACTION"):  # more follows, which has no meaning here
            raise not_supported(f"SHOW {what}")
        return nodes.Show(what, database, like, table, kind, tags)

    def show_create(self) -> nodes.Show:
        if self.word("DATABASE"):
            return nodes.Show("CREATE DATABASE", self.name())
        if self.word("TABLE") or self.word("STABLE"):
            return nodes.Show("CREATE " + self._prev.text.upper(), table=self.table_name())
        if not self._curr:
            self.raise_error()
        raise not_supported(f"SHOW CREATE {self._curr.text.upper()}")
