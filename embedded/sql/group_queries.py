"""A SELECT with aggregates: the groups `q` are computed from rows, and the select list from the groups.

The groups have a column for each aggregate (a0, a1, ...) and each key (k0, k1, ...). Where the groups are subtables,
or each picks one row, they have its subtable, `tb`: then the tags are joined to the groups, which are few.
"""

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from ..common.errors import TDengineError, not_supported
from .aggregates import AGGREGATES, ROW_PICKERS, aggregate_calls, refuse_star, unless_nan
from .expressions import Expressions
from .neighbours import NEIGHBOURS
from .partitions import partition_of
from .rows import Rows
from .typed import Typed
from .windows import Window


class Groups(Expressions):
    """Expressions over groups, and the SQL of the groups. `calls` are all calls of aggregates of the statement.

    `keys` are those of GROUP BY and PARTITION BY: each as it is written, and compiled.
    """

    def __init__(self, expressions: Expressions, rows: Rows, keys: Sequence[tuple[exp.Expression, Typed]],
                 window: Window | None, calls: Sequence[exp.Anonymous], by_group: bool) -> None:
        super().__init__(expressions.scope, expressions.environment, expressions.sub_select)
        self.of_rows, self.rows, self.window, self.calls, self.by_group = expressions, rows, window, calls, by_group
        self.by_subtable = any(key.sql == "g.name" for _, key in keys)
        self.reads_tags = False  # whether the expression that was compiled last needs the tags beside the groups
        self.columns: dict[str, str] = {}  # of the groups: name by SQL over rows
        self.grouping = [] if not self.by_subtable else [self._column("d.tb", "tb")]
        source = rows.source
        self.rows_read_tags = any(source.reads_tags(call) for call in calls)
        for tree, key in keys:
            if not self.by_subtable or source.reads_rows(tree):
                self.rows_read_tags |= source.reads_tags(tree)
                self.grouping.append(self._column(key.sql, f"k{len(self.grouping)}"))
        self.partition = partition_of(source, keys)
        self.has_start = False  # whether WHERE says from when on the rows are
        self.is_keyed = bool(keys or window)
        if window:
            self.grouping += [self._column("d.w", "w"), *map(self._column, window.keys)]
            for name, sql in window.columns.items():
                self._column(sql, name)

    def _column(self, sql: str, name: str = "") -> str:
        """The SQL of a column of the groups."""
        return "q." + self.columns.setdefault(sql, name or f"a{len(self.columns)}")

    # ------------------------------------------------------------------ expressions

    def compile(self, tree: exp.Expression) -> Typed:
        if isinstance(tree, exp.Anonymous) and tree.name.lower() == "cols":
            if isinstance(tree.expressions[1], exp.Var):
                raise not_supported("COLS inside an expression")
            return self._column_of_row(*tree.expressions)
        names_window = self.window and any(column.name in self.window.names for column in tree.find_all(exp.Column))
        if names_window and isinstance(tree, exp.Column):
            return self.window.names[tree.name]
        if not names_window and not aggregate_calls(tree):
            value = self.of_rows.compile(tree)
            if value.is_const:
                return value
            if value.sql in self.columns:
                return replace(value, sql=f"q.{self.columns[value.sql]}", raw=None)
            if self.by_subtable and not self.rows.source.reads_rows(tree):
                self.reads_tags = True
                return value
            if isinstance(tree, exp.Column):
                return self._beside_aggregate(tree, value)
        return super().compile(tree)

    def aggregate(self, name: str, tree: exp.Anonymous) -> Typed:
        refuse_star(tree)
        if name in ROW_PICKERS and self.scope.time is None:
            raise not_supported(f"{name.upper()} over a sub-select without a timestamp")
        value = NEIGHBOURS[name](self, name, tree.expressions) if name in NEIGHBOURS else \
            AGGREGATES[name](self.of_rows, name, tree.expressions)
        return replace(value, sql=self._column(value.sql), raw=None)

    def _beside_aggregate(self, tree: exp.Column, value: Typed) -> Typed:
        """A column that is no key: its value in the row that the statement's only row-picking function picks.

        Errors: 0x260A, 0x260C where no function picks one row.
        """
        picks = {*self.calls}
        name = self.calls[0].name.lower() if self.calls else ""
        if len(picks) != 1 or name not in (*ROW_PICKERS, "min", "max"):
            if self.window:
                raise TDengineError(0x2667, f"Invalid usage of expr: {tree.name}")
            if self.by_group:
                raise TDengineError(0x260A, "Not a GROUP BY expression")
            raise TDengineError(0x260C, "Not a single-group group function")
        pick = self._pick(self.calls[0])
        if self.rows.source.reads_tags(tree):
            self._column(f"coalesce({pick.format('d.tb')}, min(d.tb))", "tb")  # where all are NULL, it is any row
            self.reads_tags = True
            return value
        return replace(value, sql=self._column(pick.format(value.sql)))

    def _column_of_row(self, call: exp.Anonymous, tree: exp.Expression) -> Typed:
        """COLS(call, tree). Error: 0x2627 for an aggregate inside."""
        if aggregate_calls(tree):
            raise TDengineError(0x2627, "Aggregate functions do not support nesting")
        value = self.of_rows.compile(tree)
        self.rows_read_tags |= self.rows.source.reads_tags(tree)
        return replace(value, sql=self._column(self._pick(call).format(value.sql)), raw=None)

    def _pick(self, call: exp.Anonymous) -> str:
        """SQL of an aggregate of `{}`, its value in the row that the call picks."""
        name = call.name.lower()
        picked = self.of_rows.compile(call.expressions[0])
        argument = picked.sql
        order = argument if name in ("min", "max") else self.scope.time.sql
        pick = f"arg_{'min' if name in ('min', 'first') else 'max'}_null({{}}, {order})"
        if name in ("last", "first"):
            pick += f" FILTER (WHERE {argument} IS NOT NULL)"
        elif name != "last_row":
            pick += unless_nan(picked)
        return pick

    # ------------------------------------------------------------------ SQL

    @property
    def order_in_partition(self) -> str:
        """SQL by whose value the groups of a partition are sorted."""
        return "q.w" if self.window else "NULL"

    @property
    def sorting(self) -> list[tuple[str, str]]:
        """How the groups are sorted where nothing else is said: SQL, and the words behind it."""
        return [(key, "") for key in self.grouping] if self.window else []

    def limit_rows(self, order: str, limit: str) -> bool:
        """Groups are few: they are cut off after tags are joined to them."""
        return False

    def clause(self, with_tags: bool) -> str:
        """` FROM ...`: the groups, and where `with_tags` says so their tags."""
        columns = ", ".join(f"{sql} AS {name}" for sql, name in self.columns.items()) or "count(*) AS a0"
        named = {f"q.{name}": sql for sql, name in self.columns.items()}
        # keys stand there by name, for DuckDB would take a number for a position
        grouping = ", ".join(column.removeprefix("q.") if column.startswith("q.k") else named[column]
                             for column in self.grouping)
        sql = f"SELECT {columns}{self.rows.clause(self.rows_read_tags)}{f' GROUP BY {grouping}' if grouping else ''}"
        presence = self._presence()
        return (f" FROM ({sql}{f' HAVING {presence}' if presence else ''}) q"
                f"{self.rows.tags_join('q') if with_tags else ''}")

    def _presence(self) -> str:
        """TDengine gives no row where LAST and FIRST find no value, nor over no rows; COUNT alone gives 0 there."""
        names = {call.name.lower() for call in self.calls}
        if names and names <= {"last", "first"}:
            values = {self.of_rows.compile(call.expressions[0]).sql for call in self.calls}
            return "(" + " + ".join(f"count({value})" for value in sorted(values)) + ") > 0"
        return "" if self.is_keyed or names & {"count", "hyperloglog"} else "count(*) > 0"
