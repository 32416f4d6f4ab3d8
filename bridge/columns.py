"""What a column is: TDengine's types in the tongues of Arrow, Perspective and taosws. `meters.py` has the columns."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Type:
    """A type of TDengine's in the other tongues: Arrow, Perspective, taosws' `..._to_column` and `..._to_tag`.

    `read` makes the value that Arrow takes from the one that taosws hands over, where they differ.
    """

    arrow: pa.DataType
    perspective: str
    bind_column: str
    bind_tag: str
    read: Callable | None = None


def _integer(arrow: pa.DataType, bind: str) -> Type:
    columns = bind.replace("u_", "unsigned_") + "s"
    return Type(arrow, "integer", columns, bind)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


TIMESTAMP = Type(pa.timestamp("ms", "UTC"), "datetime", "millis_timestamps", "timestamp")
_VARCHAR = Type(pa.string(), "string", "varchar", "varchar")
TYPES = {
    "TIMESTAMP": TIMESTAMP,
    "BOOL": Type(pa.bool_(), "boolean", "bools", "bool"),
    # Perspective's `high` and `low` of the smaller unsigned types are always 0, so they are widened.
    "TINYINT": _integer(pa.int32(), "tiny_int"),
    "SMALLINT": _integer(pa.int32(), "small_int"),
    "INT": _integer(pa.int32(), "int"),
    "BIGINT": _integer(pa.int64(), "big_int"),
    "TINYINT UNSIGNED": _integer(pa.int32(), "u_tiny_int"),
    "SMALLINT UNSIGNED": _integer(pa.int32(), "u_small_int"),
    "INT UNSIGNED": _integer(pa.int64(), "u_int"),
    "BIGINT UNSIGNED": _integer(pa.uint64(), "u_big_int"),
    # Perspective's `high minus low` and the like of float32 columns are wrong, so all have 64 bits.
    "FLOAT": Type(pa.float64(), "float", "floats", "float"),
    "DOUBLE": Type(pa.float64(), "float", "doubles", "double"),
    "DECIMAL": Type(pa.float64(), "float", "decimal", "", read=float),
    "VARCHAR": _VARCHAR,
    "BINARY": _VARCHAR,
    "NCHAR": Type(pa.string(), "string", "nchar", "nchar"),
    "VARBINARY": Type(pa.string(), "string", "varbinary", "varbinary", read=bytes.hex),
    "JSON": Type(pa.string(), "string", "", "json", read=_as_text),
}


@dataclass(frozen=True)
class Column:
    """A column, or a tag, of the super table; `label` is its name in Perspective where that differs."""

    name: str
    tdengine_type: str
    is_tag: bool = False
    label: str = ""

    def __post_init__(self) -> None:
        if self.type_name not in TYPES:
            raise SystemExit(f"meters.py: column {self.name} has the type {self.tdengine_type}: "
                             f"there are {', '.join(TYPES)}")

    @property
    def type_name(self) -> str:
        """As DESCRIBE says it: in capitals, without a length."""
        name = " ".join(self.tdengine_type.upper().partition("(")[0].split())
        return {"BINARY": "VARCHAR", "INTEGER": "INT"}.get(name, name)

    @property
    def type(self) -> Type:
        return TYPES[self.type_name]

    @property
    def perspective_name(self) -> str:
        return self.label or self.name
