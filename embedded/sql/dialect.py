"""TDengine's SQL as a sqlglot dialect: its words, quotes and escapes."""

from sqlglot import tokens
from sqlglot.dialects.dialect import Dialect
from sqlglot.tokens import TokenType

# These words need backticks to name a column or to be an alias.
RESERVED = frozenset(
    "BY CREATE DELETE DROP FROM GROUP HAVING INSERT INTERVAL INTO JOIN LIMIT OFFSET ON ORDER PARTITION SELECT "
    "SET SHOW SLIMIT SOFFSET TAGS UNION USING VALUES WHERE SESSION STATE_WINDOW EVENT_WINDOW COUNT_WINDOW "
    "SLIDING FILL RANGE EVERY INNER LEFT RIGHT FULL ASOF".split())
# TDengine knows these; the embedded database refuses them by name.
REFUSED_CLAUSES = ("LEFT", "RIGHT", "FULL", "ASOF")
REFUSED_TYPES = ("BLOB", "MEDIUMBLOB", "GEOMETRY")


class TDengine(Dialect):
    """The tokenizer keeps only words that expressions know; all others are names until a parser looks at them."""

    IDENTIFIERS_CAN_START_WITH_DIGIT = True  # a duration such as 12h is one name
    # Other backslashes are dropped where they mean nothing. LIKE patterns need \% and \_ whole, VARBINARY needs \x.
    UNESCAPED_SEQUENCES = {"\\%": "\\%", "\\_": "\\_", "\\x": "\\x"} | {f"\\{c}": c for c in "abfv"}

    class Tokenizer(tokens.Tokenizer):
        QUOTES = ["'", '"']
        IDENTIFIERS = ["`"]
        HEX_STRINGS = [("0x", ""), ("0X", "")]
        STRING_ESCAPES = ["'", '"', "\\"]
        DROP_UNKNOWN_ESCAPES = True
        KEYWORDS = {
            ">=": TokenType.GTE, "<=": TokenType.LTE, "<>": TokenType.NEQ, "!=": TokenType.NEQ,
            "AND": TokenType.AND, "OR": TokenType.OR, "NOT": TokenType.NOT, "IN": TokenType.IN,
            "IS": TokenType.IS, "NULL": TokenType.NULL, "TRUE": TokenType.TRUE, "FALSE": TokenType.FALSE,
            "LIKE": TokenType.LIKE,
            # IRLIKE is another operator elsewhere; here it is the opposite of RLIKE.
            "MATCH": TokenType.RLIKE, "REGEXP": TokenType.RLIKE, "NMATCH": TokenType.IRLIKE,
            "->": TokenType.ARROW, "BETWEEN": TokenType.BETWEEN, "CASE": TokenType.CASE,
            "WHEN": TokenType.WHEN, "THEN": TokenType.THEN, "ELSE": TokenType.ELSE, "END": TokenType.END,
            "AS": TokenType.ALIAS, "DISTINCT": TokenType.DISTINCT, "ASC": TokenType.ASC, "DESC": TokenType.DESC,
        } | {word: TokenType.KEEP for word in RESERVED}
        COMMANDS: set = set()
