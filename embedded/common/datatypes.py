"""TDengine's data types: code on the wire, name, size in bytes, how a value is packed, and how it is stored.

In memory values are Arrow arrays of `arrow_type(column)`, or plain Python values: bool, int, float, Decimal,
str (VARCHAR, NCHAR, JSON), bytes (VARBINARY). A TIMESTAMP is an integer of ticks in the database's precision, in DuckDB
too, whose own timestamps of milliseconds are known to few of its functions. NULL is None.
"""

from dataclasses import dataclass

import pyarrow as pa


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

_STORED = {  # in DuckDB, and in Arrow
    BOOL: ("BOOLEAN", pa.bool_()), TINYINT: ("TINYINT", pa.int8()), SMALLINT: ("SMALLINT", pa.int16()),
    INT: ("INTEGER", pa.int32()), BIGINT: ("BIGINT", pa.int64()), TIMESTAMP: ("BIGINT", pa.int64()),
    UTINYINT: ("UTINYINT", pa.uint8()), USMALLINT: ("USMALLINT", pa.uint16()), UINT: ("UINTEGER", pa.uint32()),
    UBIGINT: ("UBIGINT", pa.uint64()), FLOAT: ("FLOAT", pa.float32()), DOUBLE: ("DOUBLE", pa.float64()),
    VARCHAR: ("VARCHAR", pa.string()), NCHAR: ("VARCHAR", pa.string()), JSON: ("VARCHAR", pa.string()),
    VARBINARY: ("BLOB", pa.binary())}

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


def duck_type(column: Column) -> str:
    """The type of a column in DuckDB's SQL."""
    if column.type in DECIMALS:
        return f"DECIMAL({column.length >> 8 & 0xFF}, {column.length & 0xFF})"
    return _STORED[column.type][0]


def arrow_type(column: Column) -> pa.DataType:
    """The type of a column's values in Arrow."""
    if column.type in DECIMALS:
        return pa.decimal128(column.length >> 8 & 0xFF, column.length & 0xFF)
    return _STORED[column.type][1]


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
