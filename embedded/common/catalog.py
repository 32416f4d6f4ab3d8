"""What exists: databases, super tables, normal tables, subtables. `storage/tables.py` keeps it in the file."""

from dataclasses import dataclass, field

from . import datatypes as t
from .clock import UNITS
from .datatypes import Column
from .errors import TDengineError

SYSTEM_DATABASES = ("information_schema", "performance_schema")  # these have no tables in the file
DEFAULT_KEEP_MINUTES = 3650 * 1440
_MOST_COLUMNS, _MOST_TAGS = 4096, 128
_MOST_BYTES, _MOST_TAG_BYTES = 65517, 16382  # of a text, without its length


@dataclass(eq=False)
class Table:
    """A super table, or a normal table, which has no tags.

    A normal table is stored as a super table whose only subtable bears its name.
    """

    id: int
    name: str
    precision: int
    columns: tuple[Column, ...]
    tags: tuple[Column, ...]
    subtables: dict[str, int] = field(default_factory=dict)  # name -> tb, the subtable's number in the whole file

    @property
    def is_super(self) -> bool:
        return bool(self.tags)


@dataclass(frozen=True, eq=False)
class Subtable:
    """A subtable, or the rows of a normal table."""

    tb: int
    name: str
    table: Table


@dataclass(eq=False)
class Database:
    """`keep_minutes` is how old a row may be when it is written."""

    id: int
    name: str
    precision: int
    tables: dict[str, Table] = field(default_factory=dict)
    subtables: dict[str, Subtable] = field(default_factory=dict)
    keep_minutes: int = DEFAULT_KEEP_MINUTES

    @property
    def keep_ticks(self) -> int:
        return self.keep_minutes * 60 * UNITS[self.precision]

    def find(self, name: str) -> Table | Subtable:
        """The super table, subtable or normal table of that name. Error: 0x2603."""
        found = self.subtables.get(name) or self.tables.get(name)
        if found is None:
            raise TDengineError(0x2603, "Table does not exist")
        return found

    def has(self, name: str) -> bool:
        return name in self.tables or name in self.subtables

    def add_subtable(self, table: Table, name: str, tb: int) -> None:
        table.subtables[name] = tb
        self.subtables[name] = Subtable(tb, name, table)

    def remove(self, entry: Table | Subtable) -> None:
        """Remove a table with its subtables, or one subtable."""
        if isinstance(entry, Subtable) and entry.table.is_super:
            self.subtables.pop(entry.name, None)
            entry.table.subtables.pop(entry.name, None)
            return
        table = entry if isinstance(entry, Table) else entry.table
        self.tables.pop(table.name, None)
        for name in table.subtables:
            self.subtables.pop(name, None)


def check_columns(columns: tuple[Column, ...], tags: tuple[Column, ...]) -> None:
    """TDengine's rules for the columns of a table. Errors: 0x2600, 0x263C, 0x263F to 0x2643."""
    if columns[0].type is not t.TIMESTAMP:
        raise TDengineError(0x2641, "First column must be timestamp")
    if len(columns) < 2:
        raise TDengineError(0x263F, "Illegal number of columns")
    if len(columns) > _MOST_COLUMNS:
        raise TDengineError(0x2640, "Too many columns")
    if len(tags) > _MOST_TAGS:
        raise TDengineError(0x2643, "Invalid number of tag columns")
    names = [column.name for column in columns + tags]
    if len(set(names)) < len(names) or "tbname" in names:
        raise TDengineError(0x263C, "Duplicated column names")
    for column in columns + tags:
        check_length(column)
    json_tags = [tag for tag in tags if tag.type is t.JSON]
    if json_tags and len(tags) > 1 or any(column.type is t.JSON for column in columns):
        raise TDengineError(0x2600, 'syntax error near "JSON" (only a tag can be JSON, and then it is the only tag)')


def check_length(column: Column) -> None:
    """Error: 0x2642 for a text, or a VARBINARY, that may be longer than TDengine's longest."""
    length = column.length * (4 if column.type is t.NCHAR else 1)
    if column.type.variable and not 0 < length <= (_MOST_TAG_BYTES if column.is_tag else _MOST_BYTES):
        raise TDengineError(0x2642, "Invalid column length for var length type")
