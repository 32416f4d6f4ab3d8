"""TDengine's data types: code on the wire, name, size in bytes, how a value is packed.

In memory a value is a plain Python value: bool, int, float, Decimal, str (VARCHAR, NCHAR, JSON), bytes (VARBINARY).
A TIMESTAMP is an int in the database's precision, and NULL is None.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Type:
    """`size` is in bytes, None for the variable types. `pack` is the code of `struct` and `array`; DECIMAL has none."""

    code: int
    name: str
    size: int | None
    pack: str | None = None

    @property
    def variable(self) -> bool:
        return self.size is None


BOOL = Type(1, "BOOL", 1, "b")
TINYINT = Type(2, "TINYINT", 1, "b")
SMALLINT = Type(3, "SMALLINT", 2, "h")
INT = Type(4, "INT", 4, "i")
BIGINT = Type(5, "BIGINT", 8, "q")
FLOAT = Type(6, "FLOAT", 4, "f")
DOUBLE = Type(7, "DOUBLE", 8, "d")
VARCHAR = Type(8, "VARCHAR", None)
TIMESTAMP = Type(9, "TIMESTAMP", 8, "q")
NCHAR = Type(10, "NCHAR", None)
UTINYINT = Type(11, "TINYINT UNSIGNED", 1, "B")
USMALLINT = Type(12, "SMALLINT UNSIGNED", 2, "H")
UINT = Type(13, "INT UNSIGNED", 4, "I")
UBIGINT = Type(14, "BIGINT UNSIGNED", 8, "Q")
JSON = Type(15, "JSON", None)  # of a tag only, which is then the only one
VARBINARY = Type(16, "VARBINARY", None)
DECIMAL = Type(17, "DECIMAL", 16)  # of 19 to 38 digits
DECIMAL64 = Type(21, "DECIMAL", 8)  # of up to 18 digits

TYPES = (BOOL, TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, VARCHAR, TIMESTAMP, NCHAR,
         UTINYINT, USMALLINT, UINT, UBIGINT, JSON, VARBINARY, DECIMAL, DECIMAL64)
DECIMALS = frozenset({DECIMAL, DECIMAL64})
BY_CODE = {t.code: t for t in TYPES}
BY_NAME = {t.name: t for t in TYPES if t not in DECIMALS} | {"BINARY": VARCHAR}
JSON_LENGTH = 4095  # bytes, TDengine's limit

PRECISIONS = ("ms", "us", "ns")  # the index is the code on the wire


@dataclass(frozen=True)
class Column:
    """A column or a tag.

    `length` counts bytes for VARCHAR, VARBINARY and JSON, characters for NCHAR. For DECIMAL it is as TDengine sends
    it: size << 24 | digits << 8 | scale. For all other types it is the size.
    """

    name: str
    type: Type
    length: int
    is_tag: bool = False

    @property
    def shown_length(self) -> int:
        """The length as clients see it."""
        return self.type.size if self.type in DECIMALS else self.length

    @property
    def shown_type(self) -> str:
        """The name of the type as clients see it, such as DECIMAL(10, 2)."""
        if self.type in DECIMALS:
            return f"DECIMAL({self.length >> 8 & 0xFF}, {self.length & 0xFF})"
        return self.type.name


@dataclass(frozen=True)
class Field:
    """What one `?` of a prepared INSERT stands for.

    `column` is None while the table is unknown (`INSERT INTO ? VALUES (?, ?)`). The table's name has a VARCHAR
    column called `tbname`.
    """

    column: Column | None
    bind: int  # BIND_COLUMN, BIND_TAG or BIND_TABLE


BIND_COLUMN, BIND_TAG, BIND_TABLE = 1, 2, 4


@dataclass
class Bound:
    """The rows that are bound to one table, column-major: `columns[c][r]`.

    `name` and `tags` are None where the statement has no `?` for them.
    """

    name: str | None
    tags: list | None
    columns: list[list]
