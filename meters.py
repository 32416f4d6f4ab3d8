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


TIME = f"`{DATA[0].name}`"
# The time is cast because taosws hands a TIMESTAMP over as a string, which is slow to parse.
_ROWS = ", ".join(f"CAST({TIME} AS BIGINT)" if c is DATA[0] else f"`{c.name}`" for c in SHOWN)


def select_newest(limit: int) -> str:
    """The newest `limit` rows, newest first: SHOWN's columns, the time in epoch ms."""
    return f"SELECT {_ROWS} FROM `{SUPER_TABLE}` ORDER BY {TIME} DESC LIMIT {limit}"


def select_after(since_ms: int, limit: int) -> str:
    """The first `limit` rows later than `since_ms` (epoch ms), ascending: SHOWN's columns, the time in epoch ms."""
    return f"SELECT {_ROWS} FROM `{SUPER_TABLE}` WHERE {TIME} > {since_ms} ORDER BY {TIME} LIMIT {limit}"


def select_time(place: int) -> str:
    """The time (epoch ms) of the row in this place, counted from the newest, whose place is 0."""
    return f"SELECT CAST({TIME} AS BIGINT) FROM `{SUPER_TABLE}` ORDER BY {TIME} DESC LIMIT 1 OFFSET {place}"


def count_rows(after_ms: int, until_ms: int) -> str:
    """How many rows there are of a stretch of time, its end included (epoch ms)."""
    return f"SELECT COUNT(*) FROM `{SUPER_TABLE}` WHERE {TIME} > {after_ms} AND {TIME} <= {until_ms}"


def to_arrow(rows: list[tuple]) -> bytes:
    """Rows in SHOWN's order, times in epoch ms, as one Arrow IPC stream. Raises pa.ArrowException for a value of another type."""
    columns = zip(*rows) if rows else [[] for _ in SHOWN]
    arrays = [pa.array(values, field.type) for values, field in zip(columns, ARROW_SCHEMA)]
    return arrow_stream(pa.record_batch(arrays, schema=ARROW_SCHEMA))


def arrow_stream(rows: pa.RecordBatch | pa.Table) -> bytes:
    """As one Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write(rows)
    return sink.getvalue().to_pybytes()


def from_arrow(stream: bytes) -> list[tuple]:
    """The rows again."""
    table = pa.ipc.open_stream(stream).read_all()
    time, *others = table.columns
    return list(zip(time.cast(pa.int64()).to_pylist(), *(column.to_pylist() for column in others)))


class Mismatch(Exception):
    """The database keeps something else than COLUMNS."""


def check(described: list[tuple], precision: str) -> None:
    """Compares COLUMNS with what DESCRIBE answers (name, type, length, note, ...). Raises Mismatch, which names the column."""
    if precision != "ms":
        raise Mismatch(f"the database counts time in {precision}, meters.py in ms: choose another database in TDENGINE_DSN")
    found = {name: (kind, "tag" if note == "TAG" else "column") for name, kind, _, note, *_ in described}
    for c in COLUMNS:
        kind, role = c.tdengine_type.partition("(")[0].replace("BINARY", "VARCHAR"), "tag" if c.is_tag else "column"
        if c.name not in found:
            raise Mismatch(f"{role} {c.name} is missing in the database: add it there, or take it out of meters.py")
        if found[c.name] != (kind, role):
            raise Mismatch(f"{role} {c.name} is {' '.join(found[c.name])} in the database, {kind} {role} in meters.py: change one of them")
