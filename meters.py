"""What a meter row is, said once: every CREATE, INSERT, SELECT, Arrow and Perspective schema comes from here.

To add a column, add it to COLUMNS; then give it a value in `simulation.py` (`random_rows`)
and, if you like, a place in a panel of `prsp-viewer.html`. The demo needs no other change. A table that exists already
does not get the column by itself: add it there by ALTER STABLE, or drop the table.

To show rows of your own, name your table and its columns here, and start by `PRODUCER=no sh run.sh`.
"""

import math
import operator
from collections.abc import Sequence

import pyarrow as pa

from bridge.columns import TIMESTAMP, Column

SUPER_TABLE = "meters"  # or a subtable, or a normal table, which has no tags
PERSPECTIVE_TABLE = "meters_values"

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
    """Makes the super table where it is absent, in the connection's database; without tags, a normal table."""
    columns, tags = (", ".join(f"`{c.name}` {c.tdengine_type}" for c in cs) for cs in (DATA, TAGS))
    if not TAGS:
        return f"CREATE TABLE IF NOT EXISTS `{SUPER_TABLE}` ({columns})"
    return f"CREATE STABLE IF NOT EXISTS `{SUPER_TABLE}` ({columns}) TAGS ({tags})"


def insert_rows() -> str:
    """For parameter binding: the subtable, its tags, then one row; the subtable is made on its first row."""
    values = f"VALUES ({', '.join('?' * len(DATA))})"
    if not TAGS:
        return f"INSERT INTO `{SUPER_TABLE}` {values}"
    tags = ", ".join(f"`{c.name}`" for c in TAGS)
    return f"INSERT INTO ? USING `{SUPER_TABLE}` ({tags}) TAGS ({', '.join('?' * len(TAGS))}) {values}"


TIME = f"`{DATA[0].name}`"
# Times are cast because taosws hands a TIMESTAMP over as a string, which is slow to parse.
_ROW = ", ".join(f"CAST(`{c.name}` AS BIGINT)" if c.type is TIMESTAMP else f"`{c.name}`" for c in SHOWN)
_FLOATS = [i for i, c in enumerate(SHOWN) if c.type.arrow == pa.float64()]
_READ = {i: c.type.read for i, c in enumerate(SHOWN) if c.type.read}


def _between(after_ms: int, until_ms: int) -> str:
    return f"FROM `{SUPER_TABLE}` WHERE {TIME} > {after_ms} AND {TIME} <= {until_ms}"


def select_rows(after_ms: int, until_ms: int, limit: int | None = None) -> str:
    """The first `limit` rows of (after, until], or all, ascending: SHOWN's columns, times in epoch ms."""
    return f"SELECT {_ROW} {_between(after_ms, until_ms)} ORDER BY {TIME}" + (f" LIMIT {limit}" if limit else "")


def select_newest(after_ms: int) -> str:
    """The time (epoch ms) of the newest row after a time; no row where there is none."""
    return f"SELECT CAST(LAST({TIME}) AS BIGINT) FROM `{SUPER_TABLE}` WHERE {TIME} > {after_ms}"


def count_rows(after_ms: int, until_ms: int) -> str:
    """How many rows there are of (after, until] (epoch ms)."""
    return f"SELECT COUNT(*) {_between(after_ms, until_ms)}"


def count_windows(after_ms: int, until_ms: int, width_ms: int) -> str:
    """The same by windows of time: (start in epoch ms, rows) of each that has rows."""
    return f"SELECT CAST(_wstart AS BIGINT), COUNT(*) {_between(after_ms, until_ms)} INTERVAL({width_ms}a)"


def read_rows(rows: list[tuple]) -> list[tuple]:
    """The rows of `select_rows`, as taosws hands them over, in values that Arrow takes."""
    if rows and _READ:
        columns = list(zip(*rows))
        for i, read in _READ.items():
            columns[i] = [None if value is None else read(value) for value in columns[i]]
        rows = list(zip(*columns))
    return _one_nan(rows)


def _one_nan(rows: list[tuple]) -> list[tuple]:
    """The rows with the same object for each NaN: then equal rows are equal, though NaN is not equal to itself."""
    for i in _FLOATS:
        values = [row[i] for row in rows]
        if any(map(operator.ne, values, values)):
            rows = [(*row[:i], math.nan if row[i] != row[i] else row[i], *row[i + 1:]) for row in rows]
    return rows


def to_arrow(rows: Sequence[tuple]) -> bytes:
    """Rows in SHOWN's order, times in epoch ms, as one Arrow IPC stream."""
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
    columns = [column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
               for column in pa.ipc.open_stream(stream).read_all().columns]
    return _one_nan(list(zip(*(column.to_pylist() for column in columns))))


class Mismatch(Exception):
    """The database keeps something else than COLUMNS."""


def check(described: list[tuple], precision: str, exactly: bool = False) -> None:
    """Compares COLUMNS with what DESCRIBE answers: (name, type, length, note, ...) of each column.

    Raises Mismatch, which names the column. `exactly`: the table may have no other columns either.
    """
    if precision != "ms":
        raise Mismatch(f"the database counts time in {precision}, meters.py in ms: "
                       "choose another database in TDENGINE_DSN")
    found = {name: f"{kind.partition('(')[0]} {'tag' if note == 'TAG' else 'column'}"
             for name, kind, _, note, *_ in described}
    for c in COLUMNS:
        role = "tag" if c.is_tag else "column"
        if c.name not in found:
            hint = "add it there, or take it out of meters.py"
            if c.name.lower() in found:  # TDengine takes names in small letters, but for those in backticks
                hint = f"it has {c.name.lower()}, so write it like this in meters.py"
            raise Mismatch(f"{role} {c.name} is missing in the database: {hint}")
        if found[c.name] != f"{c.type_name} {role}":
            raise Mismatch(f"{role} {c.name} is {found[c.name]} in the database, {c.type_name} {role} in meters.py: "
                           "change one of them")
    if exactly and (others := found.keys() - {c.name for c in COLUMNS}):
        raise Mismatch(f"`{SUPER_TABLE}` has other columns in the database ({', '.join(sorted(others))}): "
                       "it is not this demo's table, so nothing is written into it")
