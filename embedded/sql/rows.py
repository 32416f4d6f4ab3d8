"""The rows that a SELECT reads: FROM and WHERE in DuckDB's SQL."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from .expressions import Expressions
from .sources import Source


@dataclass(frozen=True)
class Rows:
    """`rows` stands in FROM as `d`, the tags beside it as `g`. `on_rows`, `on_tags` and `on_both` are conditions.

    `subtables` are the numbers of the subtables that the rows are of, where the statement names them.
    """

    source: Source
    rows: str
    subtables: tuple[int, ...] | None = None
    on_rows: tuple[str, ...] = ()
    on_tags: tuple[str, ...] = ()
    on_both: tuple[str, ...] = ()

    def clause(self, with_tags: bool) -> str:
        """` FROM ... WHERE ...`, or nothing for a SELECT without FROM. Tags are joined only where they are read."""
        tests = [*self._of_subtables("d"), *self.on_rows]
        if not self.rows:
            return _where(tests)
        if with_tags or self.on_both:
            return f" FROM {self.rows}{self.tags_join()}{_where([*tests, *self.on_tags, *self.on_both])}"
        if self.on_tags:
            tests.append(f"d.tb IN (SELECT g.tb{self.tags_clause()})")
        return f" FROM {self.rows}{_where(tests)}"

    def tags_clause(self) -> str:
        """The subtables without their rows: ` FROM ... WHERE ...`."""
        return f" FROM tags_{self.source.table.id} g{_where([*self._of_subtables('g'), *self.on_tags])}"

    def tags_join(self, rows: str = "d") -> str:
        """The join of rows, or of groups, that have a column `tb`."""
        return f" JOIN tags_{self.source.table.id} g ON g.tb = {rows}.tb"

    def _of_subtables(self, alias: str) -> list[str]:
        if self.subtables is None:
            return []
        return [f"{alias}.tb IN ({', '.join(map(str, self.subtables))})" if self.subtables else "FALSE"]

    @property
    def is_empty(self) -> bool:
        """Whether a condition holds for no row whatever is stored: then even COUNT(*) has no answer."""
        return "FALSE" in self.on_rows

    def with_condition(self, sql: str) -> "Rows":
        return replace(self, on_rows=(*self.on_rows, sql))

    def with_column(self, name: str, sql: str, reads_tags: bool = False) -> "Rows":
        """The same rows with one more column, `d.<name>`. Its SQL may call DuckDB's window functions."""
        return self.with_columns({name: sql}, reads_tags)

    def with_columns(self, columns: dict[str, str], reads_tags: bool = False) -> "Rows":
        chosen = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
        return Rows(self.source, f"(SELECT d.*, {chosen}{self.clause(reads_tags)}) d")


def _where(tests: Sequence[str]) -> str:
    return " WHERE " + " AND ".join(tests) if tests else ""


def rows_of(source: Source, where: exp.Expression | None, expressions: Expressions) -> Rows:
    """The rows of the source for which the condition holds."""
    parts: dict[str, list[str]] = {"on_rows": [], "on_tags": [], "on_both": []}
    subtables = None if source.tb is None else {source.tb}
    for tree in conjuncts(where):
        sql, named = expressions.condition(tree), _named_subtables(source, tree)
        if named is not None:
            subtables = named if subtables is None else subtables & named
            continue
        kind = "on_rows" if not source.reads_tags(tree) else "on_both" if source.reads_rows(tree) else "on_tags"
        parts[kind].append(sql)
    numbers = None if subtables is None else tuple(sorted(subtables))
    return Rows(source, source.rows, numbers, **{name: tuple(found) for name, found in parts.items()})


def _named_subtables(source: Source, tree: exp.Expression) -> set[int] | None:
    """The numbers of the subtables that `tbname = 'x'` or `tbname IN ('x', ...)` names; None for other conditions."""
    if not isinstance(tree, (exp.EQ, exp.In)) or source.table is None or not (
            isinstance(tree.this, exp.Column) and tree.this.name == "tbname"):
        return None
    names = [tree.expression] if isinstance(tree, exp.EQ) else tree.expressions
    if not names or not all(isinstance(name, exp.Literal) and name.is_string for name in names):
        return None
    return {source.table.subtables[name.this] for name in names if name.this in source.table.subtables}


def conjuncts(tree: exp.Expression | None) -> list[exp.Expression]:
    """The conditions that AND joins, one by one."""
    if tree is None:
        return []
    if isinstance(tree, exp.Paren):
        return conjuncts(tree.this)
    if isinstance(tree, exp.And):
        return conjuncts(tree.this) + conjuncts(tree.expression)
    return [tree]
