"""From a view's configuration to TDengine's SQL. Nothing here asks the database: answers are read elsewhere."""

import re
from dataclasses import dataclass

from bridge.history import aggregates
from bridge.history.filters import Where, where
from bridge.history.quoting import Refused
from bridge.history.tables import Table

BUCKET = re.compile(r"""\s*bucket\(\s*"([^"]*)"\s*,\s*'(\d{0,6})([smhD])'\s*\)\s*""")
STEP = re.compile(r"""\s*bucket\(\s*"([^"]*)"\s*,\s*(\d{1,9}(?:\.\d{1,9})?)\s*\)\s*""")
ALIAS = re.compile(r"""\s*"([^"]*)"\s*""")
UNITS = {"s": 1000, "m": 60_000, "h": 3_600_000, "D": 86_400_000}
WHOLE = [n * UNITS[unit] for unit, numbers in (("s", (1, 2, 5, 10, 15, 30)), ("m", (1, 2, 5, 10, 15, 30)),
                                               ("h", (1, 2, 4, 12)), ("D", (1, 7, 28))) for n in numbers]
MOST_ROWS = 50_000  # groups of a view, and rows that are drawn or exported at once
MOST_WINDOWS = 1000  # where a view is grouped by the time itself: more than a panel has room for
MOST_KEYS = 10  # each level of groups is a statement
MOST_PAGES = 4000  # windows in which flat rows are counted
SORTS = {"asc": False, "desc": True, "asc abs": False, "desc abs": True}
START = "CAST(_wstart AS BIGINT)"


def width_for(range_ms: int, most: int) -> int:
    """The width, in ms, of windows in whole units: at most so many of them cover the range, wherever it begins."""
    return next((width for width in WHOLE if range_ms <= width * (most - 1)), -(-range_ms // (most - 1)))


@dataclass(frozen=True)
class Windows:
    """A question whose rows are windows of time: their start in epoch ms is the value at `place` of each row."""

    head: str  # what stands before the WHERE
    tail: str  # what stands after it
    where: Where
    width: int
    place: int

    def sql(self, since: int | None = None, until: int | None = None) -> str:
        return self.head + self.where.within(since, until).sql() + self.tail


class ViewSql:
    """A view's configuration, checked, and the SQL that answers it. Raises Refused."""

    def __init__(self, table: Table, config: dict) -> None:
        self.table = table
        self.groups, self.splits = list(config.get("group_by") or ()), list(config.get("split_by") or ())
        self.mode = config.get("group_rollup_mode") or "rollup"
        self.flat = not self.groups and not self.splits and self.mode != "total"
        self.columns = [c for c in config.get("columns") or table.schema if c]
        self.buckets, self.steps, self.aliases = {}, {}, {}
        for label, expression in (config.get("expressions") or {}).items():
            self.read_expression(label, expression)
        if config.get("windows"):
            raise Refused("columns over rolling windows are not answered by TDengine here")
        self.where = where(table, config.get("filter") or (), config.get("filter_op"))
        self.sorts = [(label, direction) for label, direction in config.get("sort") or () if direction != "none"]
        if unknown := [direction for _, direction in self.sorts if direction not in SORTS]:
            raise Refused(f"rows are sorted, columns are not: no {unknown[0]!r} here")
        if len(self.groups + self.splits) > MOST_KEYS:
            raise Refused(f"a view groups and splits by {MOST_KEYS} columns at most here")
        for label in (*self.groups, *self.splits, *(label for label, _ in self.sorts)):
            self.kind(label)  # refuses a column that is not there
        if len({key for key in self.groups + self.splits if self.is_time(key)}) > 1:
            raise Refused("a view has one time among its groups here")
        if self.flat and self.buckets.keys() & {*self.columns}:
            raise Refused("a bucket is there to group by")
        chosen = config.get("aggregates") or {}
        self.values = [self.value(label, chosen.get(label)) for label in self.columns]
        hidden = [] if self.flat else [label for label, _ in self.sorts if label not in self.columns]
        self.valued = self.columns + hidden  # what a group's row has: what is shown, then what is sorted by only
        self.all_values = self.values + [self.value(label, chosen.get(label)) for label in hidden]

    def read_expression(self, label: str, expression: str) -> None:
        bucket, step, alias = (form.fullmatch(expression) for form in (BUCKET, STEP, ALIAS))
        if bucket and bucket[1] == self.table.time and bucket[2] != "0":
            self.buckets[label] = int(bucket[2] or 1) * UNITS[bucket[3]]
        elif step and self.table.schema.get(step[1]) in ("integer", "float") and float(step[2]):
            self.steps[label] = f"FLOOR({self.table.sql_of(step[1])} / {step[2]}) * {step[2]}"
        elif alias and alias[1] in self.table.columns:
            self.aliases[label] = alias[1]
        else:
            raise Refused("an expression is a column in double quotes here, bucket of a column and a number, or "
                          f"bucket(\"{self.table.time}\", '10m') with s, m, h or D")

    def is_time(self, key: str) -> bool:
        return key in self.buckets or self.aliases.get(key, key) == self.table.time

    def kind(self, label: str) -> str:
        """Perspective's type of a column or an expression."""
        if label in self.buckets:
            return "datetime"
        if label in self.steps:
            return "float"
        self.table.sql_of(self.aliases.get(label, label))
        return self.table.schema[self.aliases.get(label, label)]

    def sql_of(self, label: str) -> str:
        return self.steps.get(label) or self.table.sql_of(self.aliases.get(label, label))

    def read(self, label: str) -> str:
        """A column as it is selected: a time is an integer, for which no text has to be read."""
        return f"CAST({self.sql_of(label)} AS BIGINT)" if self.kind(label) == "datetime" else self.sql_of(label)

    def value(self, label: str, chosen: object) -> tuple[str, str]:
        """SQL and type of what a column shows: its values, or its aggregate."""
        kind = self.kind(label)
        if self.flat:
            return self.read(label), kind
        if label in self.buckets:
            raise Refused("a bucket is there to group by")
        name = chosen or aggregates.default(kind)
        return aggregates.aggregate(self.sql_of(label), kind, name if isinstance(name, str) else name[0])

    @property
    def grouped_by_time(self) -> bool:
        """Whether the view is grouped by the time itself, so that a width has to be chosen."""
        return any(self.is_time(key) and key not in self.buckets for key in self.groups + self.splits)

    @property
    def shape(self) -> tuple:
        """What the view makes of its answers: equal for views that make the same of the same answers."""
        keys = tuple((key, self.kind(key)) for key in self.groups + self.splits)
        return (keys, len(self.groups), self.mode, tuple(self.columns), tuple(self.valued), tuple(self.values),
                tuple(self.sorts))

    def span(self) -> str:
        """The question for the first and the last time."""
        time = self.table.sql_of(self.table.time)
        return f"SELECT CAST(FIRST({time}) AS BIGINT), CAST(LAST({time}) AS BIGINT) FROM {self.source()}"

    def count(self) -> str:
        return f"SELECT COUNT(*) FROM {self.source()}"

    def counts(self, width: int) -> Windows:
        """How many rows each window of this width has."""
        return Windows(f"SELECT {START}, COUNT(*) FROM {self.table.sql}", f" INTERVAL({width}a)", self.where, width, 0)

    def rows(self, columns: slice, limit: int, offset: int, since: int | None = None, until: int | None = None) -> str:
        """Flat rows of these columns and of a range of time, by the sorts, then newest first."""
        what = ", ".join(sql for sql, _ in self.values[columns]) or self.read(self.table.time)
        order = [f"{f'ABS({self.sql_of(label)})' if 'abs' in direction else self.sql_of(label)} "
                 f"{'DESC' if SORTS[direction] else 'ASC'}" for label, direction in self.sorts]
        return (f"SELECT {what} FROM {self.source(since, until)} ORDER BY {', '.join([*order, self.table.order()])} "
                f"LIMIT {limit} OFFSET {offset}")

    def level(self, keys: list[str], width: int) -> str | Windows:
        """The groups by these keys: the keys' values, then the aggregates'. `width`: that of windows of time itself."""
        what = [START if self.is_time(key) else self.read(key) for key in keys]
        by = [self.sql_of(key) for key in keys if not self.is_time(key)]
        times = [place for place, key in enumerate(keys) if self.is_time(key)]
        select = f"SELECT {', '.join([*what, *(sql for sql, _ in self.all_values)])} FROM {self.table.sql}"
        if not times:
            group = f" GROUP BY {', '.join(by)}" if by else ""
            # Asked for a count, TDengine also has the tags without rows, whose count is 0.
            counted = by and any(sql == aggregates.COUNT["count"] for sql, _ in self.all_values)
            return f"{select}{self.where.sql()}{group}" + (" HAVING COUNT(*) > 0" if counted else "")
        width = self.buckets.get(keys[times[0]], width)
        group = f" PARTITION BY {', '.join(by)}" if by else ""
        return Windows(select, f"{group} INTERVAL({width}a)", self.where, width, times[0])

    def extremes(self, label: str) -> str:
        """The smallest and the largest value of a column."""
        low, high = (aggregates.aggregate(self.sql_of(label), self.kind(label), name)[0] for name in ("min", "max"))
        return f"SELECT {low}, {high} FROM {self.source()}"

    def source(self, since: int | None = None, until: int | None = None) -> str:
        return self.table.sql + self.where.within(since, until).sql()
