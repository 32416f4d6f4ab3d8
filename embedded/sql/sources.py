"""What a SELECT reads from (a table, a sub-select, or nothing), and what the names in it mean there."""

from dataclasses import dataclass, field

from ..common import datatypes as t
from ..common.catalog import Subtable, Table
from ..common.datatypes import Column
from ..common.errors import TDengineError
from .typed import Typed, typed

TBNAME_LENGTH = 270


def no_column(name: str) -> TDengineError:
    return TDengineError(0x2602, f"Invalid column name: {name}")


@dataclass
class Source:
    """The names and their SQL. There, `d` are the rows of a table, `g` its subtables with their tags, `s` a sub-select.

    This class itself is the source of a SELECT without FROM.
    """

    precision: int = 0
    names: dict[str, Typed] = field(default_factory=dict)
    star: list[tuple[str, Typed]] = field(default_factory=list)  # the columns that * stands for
    data: list[tuple[str, Typed]] = field(default_factory=list)  # the columns that LAST(*) stands for
    qualifiers: set[str] = field(default_factory=set)
    time: Typed | None = None  # the timestamp of a row
    table: Table | None = None
    tb: int | None = None  # where the rows are those of one subtable: its number
    window: dict[str, Typed] = field(default_factory=dict)  # _wstart and its like, where there is INTERVAL

    def resolve(self, name: str, qualifier: tuple[str, ...] = ()) -> Typed:
        """The column of that name. `qualifier` is what stands before it: `t` in `t.ts`.

        Errors: 0x2602 (no such column), 0x2603 (no such table), 0x2658 (_wstart or its like without a window).
        """
        if qualifier and qualifier[-1] not in self.qualifiers:
            raise TDengineError(0x2603, "Table does not exist")
        if name in self.names:
            return self.names[name]
        if name in ("_c0", "_rowts") and self.time is not None:
            return self.time
        if name in ("_wstart", "_wend", "_wduration"):
            if name not in self.window:
                raise TDengineError(0x2658, "Invalid windows pc")
            return self.window[name]
        raise no_column(name)

    def from_clause(self, text: str) -> str:
        """FROM, without the word itself, for a statement whose other parts are `text`."""
        return ""

    def conditions(self, parts: list[str]) -> list[str]:
        """The terms of WHERE, in the form that SQLite answers fastest."""
        return parts


class TableSource(Source):
    """A super table, a normal table, or one subtable."""

    tags_alone = False  # whether the statement reads only tags: then each subtable is a row, and may be empty

    def __init__(self, table: Table, subtable: Subtable | None, name: str, alias: str | None) -> None:
        columns = [(c.name, typed(f"d.c{i}", c.type, c.length)) for i, c in enumerate(table.columns)]
        tags = [(c.name, typed(f"g.t{i}", c.type, c.length)) for i, c in enumerate(table.tags)]
        super().__init__(table.precision, dict(columns + tags), columns + ([] if subtable else tags), columns,
                         {alias or name}, columns[0][1], table, subtable.tb if subtable else None)
        self.names["tbname"] = typed("g.name", t.VARCHAR, TBNAME_LENGTH)

    def from_clause(self, text: str) -> str:
        if "d." not in text and self.tags_alone:
            return f"tags_{self.table.id} g"
        # tags are joined only where they are read
        join = f" CROSS JOIN tags_{self.table.id} g ON g.tb = d.tb" if "g." in text else ""
        return f"data_{self.table.id} d{join}"

    def conditions(self, parts: list[str]) -> list[str]:
        if self.tags_alone:
            return parts + ([f"g.tb = {self.tb}"] if self.tb is not None else [])
        of_tags = [part for part in parts if "g." in part and "d." not in part]
        rest = [part for part in parts if part not in of_tags]
        if self.tb is not None:
            return [f"d.tb = {self.tb}"] + parts
        if of_tags:
            rest.append(f"d.tb IN (SELECT g.tb FROM tags_{self.table.id} g WHERE {' AND '.join(of_tags)})")
        return rest


class SubSelect(Source):
    """A sub-select: `sql` gives its columns as o0, o1, ... Its timestamp is its first column of that type."""

    def __init__(self, sql: str, columns: list[Column], precision: int, alias: str | None) -> None:
        found = [(c.name, typed(f"s.o{i}", c.type, c.length)) for i, c in enumerate(columns)]
        first: dict[str, Typed] = {}
        for name, value in found:
            first.setdefault(name, value)
        times = [value for _, value in found if value.type is t.TIMESTAMP]
        super().__init__(precision, first, found, found, {alias} if alias else set(), times[0] if times else None)
        self.sql = sql

    def from_clause(self, text: str) -> str:
        return f"({self.sql}) s"
