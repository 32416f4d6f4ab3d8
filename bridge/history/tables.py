"""The tables that are hosted: the database's super tables and normal tables, and what their columns are.

The super table of `meters.py` has the labels of `meters.py`. A super table has `tbname`, the subtable of a row, too.
"""

from dataclasses import dataclass

import pyarrow as pa

import meters
from bridge.columns import TYPES, Type
from bridge.history import quoting

ARROW = {"integer": pa.int32(), "float": pa.float64(), "string": pa.string(), "boolean": pa.bool_(),
         "datetime": pa.timestamp("ms")}
SUBTABLE = "tbname"


def kind_of(type: Type) -> str:
    """Perspective's type. Its integers have 32 bits, so wider ones are floats: from 2**53 on they are rounded."""
    return "float" if type.arrow in (pa.int64(), pa.uint64()) else type.perspective


@dataclass
class Table:
    """A hosted table. `columns` has SQL and Perspective's type by Perspective's name; the first is the rows' time."""

    name: str
    columns: dict[str, tuple[str, str]]

    @property
    def sql(self) -> str:
        return quoting.name(self.name)

    @property
    def time(self) -> str:
        """Perspective's name of the rows' time."""
        return next(iter(self.columns))

    @property
    def schema(self) -> dict[str, str]:
        return {label: kind for label, (_, kind) in self.columns.items()}

    def sql_of(self, label: str) -> str:
        if label not in self.columns:
            raise quoting.Refused(f"the table {self.name} has no column {label}")
        return self.columns[label][0]

    def order(self) -> str:
        """Newest first, in the same order each time: rows of one millisecond by their subtable."""
        return f"{self.columns[self.time][0]} DESC" + (f", {SUBTABLE}" if SUBTABLE in self.columns else "")


def precision(database: str) -> str:
    """The question for the unit in which the database counts time."""
    return f"SELECT `precision` FROM information_schema.ins_databases WHERE name = {quoting.text(database)}"


def list_tables(database: str) -> tuple[str, str]:
    """Two questions: the database's super tables, and its normal tables."""
    known = quoting.text(database)
    return (f"SELECT stable_name FROM information_schema.ins_stables WHERE db_name = {known}",
            f"SELECT table_name FROM information_schema.ins_tables WHERE db_name = {known} AND type = 'NORMAL_TABLE'")


def describe(name: str) -> str:
    return f"DESCRIBE {quoting.name(name)}"


def described(name: str, rows: list[tuple]) -> Table:
    """The table that DESCRIBE's answer tells of. Columns of a type that the demo does not know are left out."""
    labels = {c.name: c.perspective_name for c in meters.COLUMNS} if name == meters.SUPER_TABLE else {}
    columns = {}
    for column, type_name, *_ in rows:
        type = TYPES.get(type_name.partition("(")[0])
        if type and "`" not in column:
            columns[labels.get(column, column)] = quoting.name(column), kind_of(type)
    if any(note == "TAG" for _, _, _, note, *_ in rows):
        columns[SUBTABLE] = SUBTABLE, "string"
    return Table(name, columns)
