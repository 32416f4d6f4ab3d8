"""A SELECT without aggregates: one row of the result for each row, or for tags alone, one for each subtable."""

from collections.abc import Sequence

from sqlglot import exp

from .expressions import Expressions
from .rows import Rows
from .series import SERIES
from .typed import Typed


class RowExpressions(Expressions):
    """Expressions over rows, with functions of rows. `keys` are those of PARTITION BY."""

    def __init__(self, expressions: Expressions, rows: Rows, keys: Sequence[Typed]) -> None:
        super().__init__(expressions.scope, expressions.environment, expressions.sub_select)
        self.of_rows, self.rows, self.keys = expressions, rows, keys
        self.tags_alone = False  # whether each subtable is a row, which may be empty
        self.has_series = False

    def function_of_rows(self, name: str, tree: exp.Anonymous) -> Typed:
        self.has_series = True
        return SERIES[name](self.of_rows, name, tree.expressions)

    def limit_rows(self, order: str, limit: str) -> bool:
        """Cut the rows off before tags are joined to them. False where conditions or functions of rows forbid that."""
        if self.tags_alone or self.has_series or self.rows.on_both:
            return False
        by = f" ORDER BY {order}" if order else ""
        self.rows = Rows(self.rows.source, f"(SELECT d.*{self.rows.clause(False)}{by}{limit}) d")
        return True

    def clause(self, with_tags: bool) -> str:
        """` FROM ... WHERE ...`."""
        if self.tags_alone:
            return self.rows.tags_clause()
        sql = self.rows.clause(with_tags)
        if self.has_series:
            partition = f"PARTITION BY {', '.join(key.sql for key in self.keys)} " if self.keys else ""
            sql += f" WINDOW series AS ({partition}ORDER BY {self.scope.time.sql})"
        return sql
