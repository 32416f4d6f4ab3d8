"""The statements of TDengine's SQL, as `parser.parse` returns them.

The scalar expressions in them are sqlglot trees. Every function call is an `Anonymous` node, and a duration
(`12h`) is an unquoted `Column` whose name begins with a digit. The target of CAST is in `meta["target"]`, and the
sub-select of IN in `meta["select"]`, of a `Var`. Nobody changes a node once it is parsed.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlglot.expressions import Expression

from ..common.datatypes import Column


class TableName(NamedTuple):
    database: str | None  # None: the session's current database
    name: str


MARK = object()  # a `?` in an INSERT


@dataclass(frozen=True)
class Item:
    """One entry of a select list. `label` is its AS name, or else its text, in lower case outside of quotes."""

    expression: Expression
    label: str
    aliased: bool


@dataclass(frozen=True)
class Order:
    expression: Expression
    descending: bool
    nulls_first: bool


@dataclass(frozen=True)
class Fill:
    """What stands in windows without rows: NULL, VALUE, PREV, NEXT, LINEAR ... `values` are those of VALUE."""

    mode: str
    values: tuple[Expression, ...] = ()


@dataclass(frozen=True)
class Window:
    """`INTERVAL(10s, 2s)`: its word and what stands in its parentheses; SLIDING, FILL, TRUE_FOR where there are any.

    RANGE, EVERY and FILL of INTERP are of the kind RANGE; EVERY stands in the place of SLIDING.
    """

    kind: str
    arguments: tuple[Expression, ...]
    sliding: Expression | None = None
    fill: Fill | None = None
    true_for: Expression | None = None


@dataclass(frozen=True)
class Join:
    """`a JOIN b ON condition`, or `a, b`. Each table has the alias that stands behind it."""

    tables: "tuple[tuple[TableName | Select | Union, str | None], ...]"
    condition: Expression | None


@dataclass(frozen=True)
class Union:
    """Two SELECTs with equally many columns, one below the other; without `all`, equal rows are one."""

    first: "Select"
    second: "Select"
    all: bool


@dataclass(frozen=True)
class Select:
    items: tuple[Item, ...]
    distinct: bool = False
    tags_only: bool = False
    source: "TableName | Select | Union | Join | None" = None
    alias: str | None = None
    where: Expression | None = None
    partition: tuple[Expression, ...] = ()
    window: Window | None = None
    group: tuple[Expression, ...] = ()
    having: Expression | None = None
    order: tuple[Order, ...] = ()
    slimit: int | None = None
    soffset: int = 0
    limit: int | None = None
    offset: int = 0


@dataclass(frozen=True)
class Rows:
    """One table's part of an INSERT. A value is a plain Python value, MARK, or an expression.

    Row r stands in the SQL text from `spots[r][0]` to `spots[r][1]`; error messages quote the text from there.
    """

    table: TableName | None  # None: the name is a `?`
    using: TableName | None
    tag_names: tuple[str, ...] | None
    tags: tuple[Any, ...]
    columns: tuple[str, ...] | None
    rows: list[list[Any]]
    spots: list[tuple[int, int]]
    tags_end: int = 0  # where the tags end in the SQL text


@dataclass(frozen=True)
class Insert:
    tables: tuple[Rows, ...]
    marks: int  # how many `?` the text has


@dataclass(frozen=True)
class InsertSelect:
    """INSERT INTO table (columns) SELECT ...; `columns` is None for all of them."""

    table: TableName
    columns: tuple[str, ...] | None
    select: Select


@dataclass(frozen=True)
class Delete:
    table: TableName
    where: Expression | None


@dataclass(frozen=True)
class CreateDatabase:
    name: str
    if_not_exists: bool
    precision: int
    keep_minutes: int


@dataclass(frozen=True)
class AlterDatabase:
    name: str
    keep_minutes: int | None  # None: it stays as it is


@dataclass(frozen=True)
class CreateTable:
    """A super table where there are tags, and a normal table where there are none."""

    table: TableName
    if_not_exists: bool
    columns: tuple[Column, ...]
    tags: tuple[Column, ...]


@dataclass(frozen=True)
class Subtable:
    table: TableName
    if_not_exists: bool
    using: TableName
    tag_names: tuple[str, ...] | None
    tags: tuple[Any, ...]
    tags_end: int


@dataclass(frozen=True)
class CreateSubtables:
    subtables: tuple[Subtable, ...]


@dataclass(frozen=True)
class DropDatabase:
    name: str
    if_exists: bool


@dataclass(frozen=True)
class DropTables:
    tables: tuple[tuple[TableName, bool], ...]  # (table, if_exists)
    super_only: bool


@dataclass(frozen=True)
class AlterTable:
    """ADD, DROP, MODIFY or RENAME (the `action`) of a column or a tag.

    `column` is what ADD and MODIFY name, `new_name` what RENAME names.
    """

    table: TableName
    super_only: bool
    action: str
    is_tag: bool
    name: str
    column: Column | None
    new_name: str | None = None


@dataclass(frozen=True)
class SetTags:
    table: TableName
    tags: tuple[tuple[str, Any], ...]  # names and new values, which are as in an INSERT


@dataclass(frozen=True)
class Use:
    name: str


@dataclass(frozen=True)
class Describe:
    table: TableName


@dataclass(frozen=True)
class Show:
    """`what` are the words that say what is shown, such as DATABASES, TABLE TAGS or CREATE TABLE."""

    what: str
    database: str | None = None
    like: str | None = None
    table: TableName | None = None
    kind: str | None = None  # NORMAL, CHILD, USER or SYSTEM
    tags: tuple[str, ...] = ()  # of SHOW TABLE TAGS a, b FROM
