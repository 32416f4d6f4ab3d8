"""TDengine's SQL for sqlglot: a tokenizer, and a parser that reads statements into `nodes`.

sqlglot reads the scalar expressions; the statements around them are TDengine's own and are read here.
Whatever is not known ends in TDengine's error 0x2600, `syntax error near "..."`.
"""

from functools import lru_cache
from typing import Any, Callable, Sequence

from sqlglot import exp, tokens
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import TokenError
from sqlglot.parser import Parser
from sqlglot.tokens import Token, TokenType

from . import nodes
from .datatypes import BY_NAME, NCHAR, Column, VARBINARY, VARCHAR
from .errors import TDengineError, not_supported

# Words that can neither name a column nor be an alias without backticks.
RESERVED = frozenset(
    "BY CREATE DELETE DROP FROM GROUP HAVING INSERT INTERVAL INTO JOIN LIMIT OFFSET ON ORDER PARTITION SELECT "
    "SET SHOW SLIMIT SOFFSET TAGS UNION USING VALUES WHERE SESSION STATE_WINDOW EVENT_WINDOW COUNT_WINDOW "
    "SLIDING FILL RANGE EVERY INNER LEFT RIGHT FULL".split())
PSEUDO_COLUMNS = ("tbname", "_c0", "_rowts", "_wstart", "_wend", "_wduration", "now")
REFUSED_CLAUSES = ("SLIDING", "FILL", "SESSION", "STATE_WINDOW", "EVENT_WINDOW", "COUNT_WINDOW", "RANGE", "EVERY",
                   "JOIN", "INNER", "LEFT", "RIGHT", "FULL", "UNION")
REFUSED_TYPES = ("DECIMAL", "NUMERIC", "JSON", "BLOB", "MEDIUMBLOB", "GEOMETRY")
KNOWN_STATEMENTS = ("ALTER", "DELETE", "EXPLAIN", "FLUSH", "GRANT", "REVOKE", "KILL", "COMPACT", "TRIM", "BALANCE",
                    "RESET", "INSERT", "SET", "UPDATE", "MERGE", "REDISTRIBUTE", "SPLIT")


class TDengine(Dialect):
    IDENTIFIERS_CAN_START_WITH_DIGIT = True  # so that 12h arrives as one name
    # A backslash that means nothing is dropped; LIKE patterns need \% and \_ whole, VARBINARY \x.
    UNESCAPED_SEQUENCES = {"\\%": "\\%", "\\_": "\\_", "\\x": "\\x"} | {f"\\{c}": c for c in "abfv"}

    class Tokenizer(tokens.Tokenizer):
        QUOTES = ["'", '"']
        IDENTIFIERS = ["`"]
        STRING_ESCAPES = ["'", '"', "\\"]
        DROP_UNKNOWN_ESCAPES = True
        KEYWORDS = {
            ">=": TokenType.GTE, "<=": TokenType.LTE, "<>": TokenType.NEQ, "!=": TokenType.NEQ,
            "AND": TokenType.AND, "OR": TokenType.OR, "NOT": TokenType.NOT, "IN": TokenType.IN,
            "IS": TokenType.IS, "NULL": TokenType.NULL, "TRUE": TokenType.TRUE, "FALSE": TokenType.FALSE,
            "LIKE": TokenType.LIKE, "BETWEEN": TokenType.BETWEEN, "CASE": TokenType.CASE,
            "WHEN": TokenType.WHEN, "THEN": TokenType.THEN, "ELSE": TokenType.ELSE, "END": TokenType.END,
            "AS": TokenType.ALIAS, "DISTINCT": TokenType.DISTINCT, "ASC": TokenType.ASC, "DESC": TokenType.DESC,
        } | {word: TokenType.KEEP for word in RESERVED}
        COMMANDS: set = set()


class _Parser(Parser):
    FUNCTIONS: dict = {}
    FUNCTION_PARSERS = {"CAST": lambda self: self._cast()}
    NO_PAREN_FUNCTIONS: dict = {}
    NO_PAREN_FUNCTION_PARSERS = {"CASE": lambda self: self._parse_case()}
    SUBQUERY_PREDICATES: dict = {}
    ID_VAR_TOKENS = {TokenType.VAR}
    FUNC_TOKENS = {TokenType.VAR, TokenType.IDENTIFIER}

    # ------------------------------------------------------------------ entry

    def statement(self, sql: str, tokens_: list[Token]) -> Any:
        """Read one statement; a `;` may close it."""
        self.reset()
        self.sql = sql
        while tokens_ and tokens_[-1].token_type is TokenType.SEMICOLON:
            tokens_.pop()
        self._tokens, self._tokens_size, self._index = tokens_, len(tokens_), -1
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

    def raise_error(self, message: str = "", token: Any = None) -> None:
        """TDengine shows the text from the first word that it cannot use."""
        token = token or self._curr
        if not token:
            raise TDengineError(0x2601, "Incomplete SQL statement")
        raise TDengineError(0x2600, f'syntax error near "{self.sql[token.start:token.start + 200].strip()}"')

    def refuse_clause(self) -> None:
        for word in REFUSED_CLAUSES:
            if self.word(word, advance=False):
                raise not_supported(word)

    # ------------------------------------------------------------------ words and names

    def word(self, *words: str, advance: bool = True) -> bool:
        """The next words, unquoted, in any case."""
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
        for text in words:
            if not self.word(text):
                self.raise_error()

    def take(self, token_type: TokenType) -> Token:
        if not self._match(token_type):
            self.raise_error()
        return self._prev

    def name(self) -> str:
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
        """`( read, read, ... )`"""
        self.take(TokenType.L_PAREN)
        entries = [read()]
        while self._match(TokenType.COMMA):
            entries.append(read())
        self.take(TokenType.R_PAREN)
        return tuple(entries)

    def comma_list(self, read: Callable) -> tuple:
        entries = [read()]
        while self._match(TokenType.COMMA):
            entries.append(read())
        return tuple(entries)

    # ------------------------------------------------------------------ expressions

    def expression_of(self) -> exp.Expression:
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
        if self.word("SELECT", advance=False):
            raise not_supported("a sub-select in an expression")

    def _parse_interval(self, *_: Any, **__: Any) -> None:
        return None  # INTERVAL is a window here

    def _parse_types(self, *_: Any, **__: Any) -> None:
        return None  # types stand in CAST and DDL only

    def _parse_window(self, this: Any, alias: bool = False) -> Any:
        if self.word("OVER", advance=False):
            raise not_supported("OVER")
        return this

    def _cast(self) -> exp.Expression:
        value = self.expression_of()
        self.take(TokenType.ALIAS)
        target = self.data_type("cast", default_length=True)
        return exp.Anonymous(this="cast", expressions=[value, exp.Var(this=target)])

    def data_type(self, name: str, is_tag: bool = False, default_length: bool = False) -> Column:
        """A type and its length, as the column `name`."""
        token = self._curr
        text = self.name().upper()
        if text in REFUSED_TYPES:
            raise not_supported(text)
        if text == "INTEGER":
            text = "INT"
        if self.word("UNSIGNED"):
            text += " UNSIGNED"
        kind = BY_NAME.get(text)
        if kind is None:
            self.raise_error("", token)
        if not kind.variable:
            return Column(name, kind, kind.size, is_tag)
        if self._match(TokenType.L_PAREN):
            length = self.integer()
            self.take(TokenType.R_PAREN)
        elif default_length:
            length = 0
        else:
            self.raise_error()
        return Column(name, kind, length, is_tag)

    # ------------------------------------------------------------------ SELECT

    def select(self) -> nodes.Select:
        self.need("SELECT")
        distinct = self._match(TokenType.DISTINCT)
        tags_only = not distinct and self.word("TAGS")
        items = self.comma_list(self.item)
        parts: dict[str, Any] = {}
        if self.word("FROM"):
            if self._match(TokenType.L_PAREN):
                parts["source"] = self.select()
                self.take(TokenType.R_PAREN)
            else:
                parts["source"] = self.table_name()
            parts["alias"] = self.alias()
            if self._match(TokenType.COMMA):
                raise not_supported("JOIN")
            self.refuse_clause()
            parts |= self.clauses()
        return nodes.Select(items, distinct, tags_only, **parts)

    def clauses(self) -> dict[str, Any]:
        """The clauses after FROM, in TDengine's order."""
        found: dict[str, Any] = {}
        if self.word("WHERE"):
            found["where"] = self.expression_of()
        if self.word("PARTITION", "BY"):
            found["partition"] = self.comma_list(self.expression_of)
        if self.word("INTERVAL"):
            found["interval"] = self.list_of(self.expression_of)
            if len(found["interval"]) > 2:
                self.raise_error("", self._prev)
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
        if isinstance(tree, exp.Column) and not isinstance(tree.this, exp.Star) and tree.name not in PSEUDO_COLUMNS:
            text = tree.name
        return nodes.Item(tree, text.encode()[:64].decode(errors="ignore"), False)

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

    # ------------------------------------------------------------------ INSERT

    def insert(self) -> nodes.Insert:
        self.need("INSERT", "INTO")
        tables = [self.rows_of_table()]
        while self._curr:
            tables.append(self.rows_of_table())
        return nodes.Insert(tuple(tables), self.marks)

    def rows_of_table(self) -> nodes.Rows:
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
            raise not_supported("INSERT ... SELECT")
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

    def values(self) -> tuple[tuple, int, int]:
        """`( value, ... )`, and where its parentheses are."""
        start = self._curr.start
        row = self.list_of(self.value)
        return row, start, self._prev.start

    def value(self) -> Any:
        """Plain Python for a literal, MARK for `?`, else an expression such as NOW + 1s."""
        kind, following = self._curr.token_type, self._next.token_type
        if following in (TokenType.COMMA, TokenType.R_PAREN):
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
            if self._curr.token_type in (TokenType.COMMA, TokenType.R_PAREN):
                return -_number(self._prev.text)
            self._advance(-2)
        return self.expression_of()

    # ------------------------------------------------------------------ CREATE, DROP and the rest

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
            self.name()
            value = self._curr
            if not self._match_set((TokenType.NUMBER, TokenType.STRING, TokenType.VAR)):
                self.raise_error()
            while self._match(TokenType.COMMA):  # KEEP n, n, n
                self._advance()
            if option == "PRECISION":
                if value.text.lower() not in ("ms", "us", "ns"):
                    self.raise_error("", value)
                precision = ("ms", "us", "ns").index(value.text.lower())
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

            def one() -> tuple[nodes.TableName, bool]:
                quiet = self.if_exists()
                return self.table_name(), quiet

            return nodes.DropTables(self.comma_list(one), super_only)
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

    _STATEMENTS = {"SELECT": select, "INSERT": insert, "CREATE": create, "DROP": drop, "USE": use,
                   "DESCRIBE": describe, "DESC": describe, "SHOW": show}


def _number(text: str) -> int | float:
    return int(text) if text.isdigit() else float(text)


_LITERALS = {TokenType.NUMBER: _number, TokenType.STRING: str, TokenType.NULL: lambda _: None,
             TokenType.TRUE: lambda _: True, TokenType.FALSE: lambda _: False}


def _tokens(sql: str) -> list[Token]:
    """Unquoted names come out in lower case."""
    try:
        found = TDengine().tokenize(sql)
    except TokenError:
        raise TDengineError(0x2600, f'syntax error near "{sql[:200]}"') from None
    for token in found:
        if token.token_type is TokenType.VAR:
            token.text = token.text.lower()
    return found


def _literal(value: Any) -> Token:
    if value is None:
        return Token(TokenType.NULL, "NULL")
    if isinstance(value, bool):
        return Token(TokenType.TRUE if value else TokenType.FALSE, str(value))
    if isinstance(value, bytes):
        return Token(TokenType.STRING, "\\x" + value.hex())
    return Token(TokenType.STRING if isinstance(value, str) else TokenType.NUMBER, str(value))


def parse(sql: str, values: Sequence[Any] | None = None) -> Any:
    """Read one statement into a node of `nodes`; `values` stand in for the `?` marks, in order."""
    if values is None:
        return _parse_cached(sql) if len(sql) < 4096 else _parse(sql, _tokens(sql))
    rest = iter(values)
    found = [token if token.token_type is not TokenType.PLACEHOLDER else _placed(token, next(rest))
             for token in _tokens(sql)]
    return _parse(sql, found)


def _placed(mark: Token, value: Any) -> Token:
    token = _literal(value)
    token.start, token.end = mark.start, mark.end
    return token


def _parse(sql: str, found: list[Token]) -> Any:
    return _Parser(dialect=TDengine).statement(sql, found)


_parse_cached = lru_cache(maxsize=256)(lambda sql: _parse(sql, _tokens(sql)))


def marks(sql: str) -> int:
    """How many `?` marks the text has."""
    return sum(token.token_type is TokenType.PLACEHOLDER for token in _tokens(sql))
