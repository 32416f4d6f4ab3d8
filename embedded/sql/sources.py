"""What a SELECT reads from (a table, a sub-select, or nothing), and what the names in it mean there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from ..common import datatypes as t
from ..common.catalog import Subtable, Table
from ..common.datatypes import Column, duck_type
from ..common.errors import TDengineError
from .typed import Typed, typed

TBNAME_LENGTH = 270


def no_column(name: str) -> TDengineError:
    return TDengineError(0x2602, f"Invalid column name: {name}")


def no_table() -> TDengineError:
    return TDengineError(0x2603, "Table does not exist")


@dataclass
class Source:
    """The names and their SQL. There, `d` are the rows, and `g` the subtables with their tags, where there are any.

    This class itself is the source of a SELECT without FROM.
    """

    precision: int = 0
    columns: dict[str, Typed] = field(default_factory=dict)  # of the rows
    tags: dict[str, Typed] = field(default_factory=dict)  # of the subtables, with tbname
    star: list[str] = field(default_factory=list)  # the columns that * stands for
    data: list[str] = field(default_factory=list)  # the columns that LAST(*) stands for
    qualifiers: set[str] = field(default_factory=set)
    time: Typed | None = None  # the timestamp of a row
    table: Table | None = None
    tb: int | None = None  # where the rows are those of one subtable: its number
    rows: str = ""  # what stands in FROM for the rows
    query_range: Callable[[], tuple[int | None, int | None]] | None = None  # the first and last tick of WHERE
    weights: dict[str, int] = field(default_factory=dict)  # see `weight`; a column that is not named here has 1

    def resolve(self, name: str, qualifier: tuple[str, ...] = ()) -> Typed:
        """The column of that name. `qualifier` is what stands before it: `t` in `t.ts`.

        Errors: 0x2602 (no such column), 0x2603 (no such table), 0x2658 (_wstart or its like without a window).
        """
        if qualifier and qualifier[-1] not in self.qualifiers:
            raise no_table()
        found = self.columns.get(name) or self.tags.get(name)
        if found is not None:
            return found
        if name in ("_c0", "_rowts") and self.time is not None:
            return self.time
        if name in ("_qstart", "_qend", "_qduration") and self.query_range is not None:
            first, last = (limit if limit is not None else end
                           for limit, end in zip(self.query_range(), (-2**63, 2**63 - 1), strict=True))
            value = {"_qstart": first, "_qend": last, "_qduration": min(last - first, 2**63 - 1)}[name]
            kind = t.BIGINT if name == "_qduration" else t.TIMESTAMP
            return Typed(f"('{value}'::BIGINT)", kind, kind.size, value)
        if name in ("_wstart", "_wend", "_wduration"):
            raise TDengineError(0x2658, "_WSTART, _WEND and _WDURATION can only be used in window query")
        raise no_column(name)

    def cast(self, sql: str, target: Column) -> str:
        """A value in DuckDB's type of the target. Columns mostly have it: binding a cast would take DuckDB longer."""
        wanted = duck_type(target)
        for value in (*self.columns.values(), *self.tags.values()):
            if value.sql == sql and duck_type(Column("", value.type, value.length)) == wanted:
                return sql
        return f"{sql}::{wanted}"

    def star_of(self, qualifier: str) -> list[tuple[str, str]]:
        """The columns of `*` or `t.*`: (qualifier, name). Error: 0x2603."""
        if qualifier and qualifier not in self.qualifiers:
            raise no_table()
        return [(qualifier, name) for name in self.star]

    def weight(self, tree: exp.Expression) -> int:
        """How many names an expression stands for where those of a sub-select stand for what they are made of."""
        return 1 + sum(self.weights.get(column.name, 1) for column in tree.find_all(exp.Column))

    def reads_tags(self, tree: exp.Expression) -> bool:
        """Whether an expression names a tag, or tbname."""
        return any(column.name in self.tags for column in tree.find_all(exp.Column))

    def reads_rows(self, tree: exp.Expression) -> bool:
        """Whether an expression names a column of the rows."""
        return any(column.name in self.columns or column.name in ("_c0", "_rowts")
                   for column in tree.find_all(exp.Column))


def table_source(found: Table | Subtable, name: str, alias: str | None) -> Source:
    """A super table, a normal table, or one subtable."""
    subtable = found if isinstance(found, Subtable) else None
    table = subtable.table if subtable else found
    columns = {c.name: typed(f"d.c{i}", c.type, c.length) for i, c in enumerate(table.columns)}
    tags = {c.name: typed(f"g.t{i}", c.type, c.length) for i, c in enumerate(table.tags)}
    star = [*columns, *(() if subtable else tags)]
    return Source(table.precision, columns, tags | {"tbname": typed("g.name", t.VARCHAR, TBNAME_LENGTH)}, star,
                  list(columns), {alias or name}, columns[table.columns[0].name], table,
                  subtable.tb if subtable else None, f"data_{table.id} d")


def derived_source(rows: str, columns: Sequence[Column], precision: int, qualifiers: set[str], letter: str) -> Source:
    """A sub-select or a table of information_schema: its columns are called <letter>0, <letter>1, ...

    Its timestamp is its first column of that type.
    """
    values = [typed(f"d.{letter}{i}", c.type, c.length) for i, c in enumerate(columns)]
    names = [c.name for c in columns]
    times = [value for value in values if value.type is t.TIMESTAMP]
    found = dict(zip(reversed(names), reversed(values), strict=True))  # the first one of a name counts
    return Source(precision, found, {}, names, names, qualifiers, times[0] if times else None, rows=f"{rows} d")


class Joined(Source):
    """Several sources side by side: their rows have the columns j0, j1, ... of them all."""

    def __init__(self, parts: Sequence[tuple[str, Source, str]]) -> None:
        """`parts`: what a source is called, the source, and the SQL of its rows, ` FROM ...`."""
        self.parts: dict[str, Source] = {}
        texts, number = [], 0
        for i, (name, part, clause) in enumerate(parts):
            if name in self.parts:
                raise TDengineError(0x2663, f"Not unique table/alias: {name}")
            found = part.columns | part.tags
            new = {column: replace(value, sql=f"d.j{number + k}") for k, (column, value) in enumerate(found.items())}
            chosen = [f"{old.sql} AS {new[column].sql.removeprefix('d.')}" for column, old in found.items()]
            texts.append(f"(SELECT {', '.join(chosen)}{clause}) p{i}")
            time = next((new[column] for column, old in found.items() if part.time and old.sql == part.time.sql), None)
            self.parts[name] = Source(part.precision, new, {}, part.star, part.data, {name}, time)
            number += len(found)
        first = next(iter(self.parts.values()))
        columns = {column: value for part in reversed(self.parts.values()) for column, value in part.columns.items()}
        super().__init__(first.precision, columns, {}, [], [], set(self.parts), first.time,
                         rows=f"(SELECT * FROM {', '.join(texts)}) d")
        self.weights = {column: weight for _, part, _ in parts for column, weight in part.weights.items()}

    def resolve(self, name: str, qualifier: tuple[str, ...] = ()) -> Typed:
        """Error: 0x2604 for a name that more than one of the sources has."""
        if qualifier and qualifier[-1] in self.parts:
            return self.parts[qualifier[-1]].resolve(name)
        if sum(name in part.columns for part in self.parts.values()) > 1:
            raise TDengineError(0x2604, f"Column ambiguously defined: {name}")
        return super().resolve(name, qualifier)

    def star_of(self, qualifier: str) -> list[tuple[str, str]]:
        if qualifier:
            if qualifier not in self.parts:
                raise no_table()
            return self.parts[qualifier].star_of(qualifier)
        return [(name, column) for name, part in self.parts.items() for column in part.star]
