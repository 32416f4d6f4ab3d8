"""What a meter row is, said once: every CREATE, INSERT, SELECT, Arrow and Perspective schema comes from here.

To add a column, add it to COLUMNS; then give it a value in `producer.py` (`random_rows`)
and, if you like, a place in a panel of `prsp-viewer.html`. Nothing else changes.
"""

from dataclasses import dataclass

import pyarrow as pa

SUPER_TABLE = "meters"
PERSPECTIVE_TABLE = "meters_values"


@dataclass(frozen=True)
class Type:
    """One TDengine type in the other tongues: Arrow, Perspective, taosws' `..._to_column` and `..._to_tag`."""

    arrow: pa.DataType
    perspective: str
    bind_column: str
    bind_tag: str


TYPES = {
    "TIMESTAMP": Type(pa.timestamp("ms", "UTC"), "datetime", "millis_timestamps", "timestamp"),
    "BOOL": Type(pa.bool_(), "boolean", "bools", "bool"),
    "INT": Type(pa.int32(), "integer", "ints", "int"),
    "BIGINT": Type(pa.int64(), "integer", "big_ints", "big_int"),
    "FLOAT": Type(pa.float32(), "float", "floats", "float"),
    "DOUBLE": Type(pa.float64(), "float", "doubles", "double"),
    "BINARY": Type(pa.string(), "string", "varchar", "varchar"),
    "NCHAR": Type(pa.string(), "string", "nchar", "nchar"),
}


@dataclass(frozen=True)
class Column:
    """A column, or a tag, of the super table; `label` is its name in Perspective where that differs."""

    name: str
    tdengine_type: str
    is_tag: bool = False
    label: str = ""

    @property
    def type(self) -> Type:
        return TYPES[self.tdengine_type.partition("(")[0]]

    @property
    def perspective_name(self) -> str:
        return self.label or self.name


COLUMNS = (
    Column("ts", "TIMESTAMP", label="timestamp"),  # the key, with the subtable: first, always
    Column("current", "FLOAT"),
    Column("voltage", "INT"),
    Column("phase", "FLOAT"),
    Column("groupid", "INT", is_tag=True),
    Column("location", "BINARY(24)", is_tag=True),
)
DATA = tuple(c for c in COLUMNS if not c.is_tag)
TAGS = tuple(c for c in COLUMNS if c.is_tag)

# As Perspective shows a row: the time, where it was measured, what was measured.
SHOWN = (DATA[0], *reversed(TAGS), *DATA[1:])
ARROW_SCHEMA = pa.schema([(c.perspective_name, c.type.arrow) for c in SHOWN])
PERSPECTIVE_SCHEMA = {c.perspective_name: c.type.perspective for c in SHOWN}


def create_database(database: str) -> str:
    """Makes the database where it is absent; never drops one."""
    return f"CREATE DATABASE IF NOT EXISTS `{database}`"


def create_super_table() -> str:
    """Makes the super table where it is absent, in the connection's database."""
    columns, tags = (", ".join(f"`{c.name}` {c.tdengine_type}" for c in cs) for cs in (DATA, TAGS))
    return f"CREATE STABLE IF NOT EXISTS `{SUPER_TABLE}` ({columns}) TAGS ({tags})"


def insert_rows() -> str:
    """For parameter binding: the subtable, its tags, then one row; the subtable is made on its first row."""
    tags = ", ".join(f"`{c.name}`" for c in TAGS)
    return (f"INSERT INTO ? USING `{SUPER_TABLE}` ({tags}) TAGS ({', '.join('?' * len(TAGS))})"
            f" VALUES ({', '.join('?' * len(DATA))})")


def select_newest(limit: int, since_ms: int | None = None) -> str:
    """The newest `limit` rows later than `since_ms` (epoch ms), newest first: the subtable, then SHOWN.

    The time is cast because taosws hands a TIMESTAMP over as a string, which is slow to parse.
    """
    ts = f"`{DATA[0].name}`"
    shown = ", ".join(f"CAST({ts} AS BIGINT)" if c is DATA[0] else f"`{c.name}`" for c in SHOWN)
    where = "" if since_ms is None else f" WHERE {ts} > {since_ms}"
    return f"SELECT tbname, {shown} FROM `{SUPER_TABLE}`{where} ORDER BY {ts} DESC LIMIT {limit}"
