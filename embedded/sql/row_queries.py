"""A SELECT without aggregates: one row of the result for each row, or for tags alone, one for each subtable."""

from dataclasses import replace

from sqlglot import exp

from .expressions import Expressions
from .partitions import Keys, partition_of
from .rows import Rows
from .series import SERIES
from .typed import Typed
from .windows import Window


class RowExpressions(Expressions):
    """Expressions over rows, with functions of rows. `keys` are those of PARTITION BY and GROUP BY.

    Where there is a window, rows are chosen in each of its windows.
    """

    def __init__(self, expressions: Expressions, rows: Rows, keys: Keys, window: Window | None) -> None:
        super().__init__(expressions.scope, expressions.environment, expressions.sub_select)
        self.of_rows, self.rows = expressions, rows
        self.partition = partition_of(rows.source, keys)
        self.names: dict[str, Typed] = {}  # _wstart and its like
        self.tags_alone = False  # whether each subtable is a row, which may be empty
        self.has_series = self.series_read_tags = False
        self.newest_first = False  # how the rows of a partition are sorted
        self.tests: list[str] = []  # see series.py
        self.alternatives: list[str] = []
        self.known: dict[exp.Anonymous, Typed] = {}  # calls of functions of rows
        if window:
            self.partition = replace(self.partition, keys=(*self.partition.keys, "d.w"))
            over = self.partition.over(order="")
            if window.columns:
                columns = {name: f"{sql} {over}" for name, sql in window.columns.items()}
                self.rows = rows.with_columns(columns, self.partition.reads_tags)
            self.names = {name: replace(value, sql=value.sql.replace("q.", "d."))
                          for name, value in window.names.items()}

    def compile(self, tree: exp.Expression) -> Typed:
        if isinstance(tree, exp.Column) and tree.name in self.names:
            return self.names[tree.name]
        return super().compile(tree)

    def function_of_rows(self, name: str, tree: exp.Anonymous) -> Typed:
        self.has_series = True
        if tree not in self.known:
            self.series_read_tags |= self.partition.reads_tags or self.rows.source.reads_tags(tree)
            self.known[tree] = SERIES[name](self, name, tree.expressions)
        return self.known[tree]

    @property
    def sorting(self) -> list[tuple[str, str]]:
        """How the rows are sorted where nothing else is said: SQL, and the words behind it.

        Rows of one subtable come in the order of time.
        """
        if not self.has_series:
            return [(self.scope.time.sql, "")] if self.rows.source.tb is not None and not self.tags_alone else []
        keys = [(key, "") for key in self.partition.keys]
        return [*keys, (self.scope.time.sql, " DESC" if self.newest_first else "")]

    @property
    def order_in_partition(self) -> str:
        """SQL by whose value the rows of a partition are sorted."""
        if self.names:
            return "d.w"
        time = self.scope.time
        return "NULL" if time is None else f"-{time.sql}" if self.newest_first else time.sql

    def limit_rows(self, order: str, limit: str) -> bool:
        """Cut the rows off before tags are joined to them. False where conditions or functions of rows forbid that."""
        if self.tags_alone or self.has_series or self.rows.on_both:
            return False
        by = f" ORDER BY {order}" if order else ""
        self.rows = Rows(self.rows.source, f"(SELECT d.*{self.rows.clause(False)}{by}{limit}) d")
        return True

    def clause(self, with_tags: bool) -> str:
        """` FROM ... WHERE ...`, and where functions of rows leave out rows, which."""
        if self.tags_alone:
            return self.rows.tags_clause()
        tests = list(dict.fromkeys(self.tests))
        if self.alternatives and "TRUE" not in self.alternatives:
            tests.append(f"({' OR '.join(self.alternatives)})")
        return (f"{self.rows.clause(with_tags or self.series_read_tags)}"
                f"{' QUALIFY ' + ' AND '.join(tests) if tests else ''}")
