"""A view that is open: which questions its answers take, and what they make of them."""

import time

import pyarrow as pa

from bridge.history.folds import Folds
from bridge.history.known import Known
from bridge.history.pivot import Pivot, array, pivot
from bridge.history.quoting import Refused
from bridge.history.view_sql import MOST_PAGES, MOST_ROWS, ViewSql, width_for
from bridge.viewer_requests import EXPAND, SET_DEPTH

NEAR_ROWS = 5000  # rows below the newest that are found without counts
NEAR_MS, FURTHER = 10_000, 8  # the newest rows are looked for in the last 10 s, then in 8 times as much, and so on
FURTHEST_MS = 10**11
UNKNOWN_ROWS = 1000  # the size of a view, until its rows are counted


class View:
    """One viewer's view. Each method raises Missing until all questions that it takes are answered."""

    def __init__(self, sql: ViewSql, known: Known) -> None:
        self.sql, self.known = sql, known
        self.pivot: Pivot | None = None
        self.folds = Folds()
        self.rows: pa.Table | None = None  # of a grouped view: those that are shown
        self.cut = False  # whether there were more rows than MOST_ROWS where all were wanted

    def read_anew(self) -> None:
        """What the view has read may be old: it is read anew."""
        self.pivot = self.rows = None

    def looks_at_now(self) -> bool:
        """Whether new rows may belong to the view."""
        until = self.sql.where.until
        return until is None or until > time.time() * 1000

    def schema(self) -> dict[str, str]:
        """The columns and their types; those of a split view are known when it is read."""
        shown = dict(zip(self.sql.columns, (kind for _, kind in self.sql.values)))
        return self.grouped().schema if self.sql.splits else shown

    def size(self) -> int:
        if not self.sql.flat:
            return self.shown().num_rows
        counted = self.known.soon(self.sql.count())
        return UNKNOWN_ROWS if counted is None else counted[0][0] if counted else 0

    def grouped(self) -> Pivot:
        if self.pivot is None:
            view, width = self.sql, self.width() if self.sql.grouped_by_time else 0
            depths = range(len(view.groups) if view.mode == "flat" and not view.sorts else 0, len(view.groups) + 1)
            questions = [view.level(view.groups[:depth] + view.splits, width) for depth in depths]
            sorts = [view.level(view.groups[:depth], width) for depth in depths if view.sorts]
            answers = self.known(*questions, *sorts)
            if max(map(len, answers)) > MOST_ROWS:
                raise Refused(f"more than {MOST_ROWS} groups: filter, or group by less or by a wider bucket")
            self.pivot = pivot(view, depths, answers)
        return self.pivot

    def shown(self) -> pa.Table:
        """The rows of a grouped view, without those in closed groups."""
        if self.rows is None:
            self.rows = self.grouped().table.take(pa.array(self.folds.shown(self.pivot.paths), pa.int64()))
        return self.rows

    def fold(self, kind: int, number: int) -> int:
        """Closes or opens the group of a row, or groups from a depth on; how many rows that hides or shows."""
        if self.sql.flat or self.sql.mode != "rollup":
            return 0
        before, paths = self.size(), self.grouped().paths
        places = self.folds.shown(paths)
        if kind == SET_DEPTH:
            self.folds.set_depth(number)
        elif number < len(places):
            path = paths[places[number]]
            self.folds.open(path) if kind == EXPAND else self.folds.close(path, paths)
        self.rows = None
        return abs(self.size() - before)

    def width(self) -> int:
        """How wide windows of the time itself are."""
        since, until = self.sql.where.since, self.sql.where.until
        if since is None:
            (first, last), = self.known(self.sql.span())[0] or [[0, 0]]
            since = first or 0
            until = last or 0 if until is None else until
        return width_for((self.known.now if until is None else until) - since, self.known.windows)

    def data(self, start: int, end: int | None, columns: slice) -> pa.Table:
        """The rows [start, end) as Arrow; of flat ones MOST_ROWS at most."""
        if not self.sql.flat:
            table = self.shown()
            names = [name for name in table.column_names if name not in self.grouped().columns]
            names += list(self.grouped().columns)[columns]
            return table.select(names).slice(start, None if end is None else max(0, end - start))
        most = start + MOST_ROWS
        rows = self.flat_rows(start, most + 1 if end is None else max(start, min(most, end)), columns)
        self.cut = len(rows) > MOST_ROWS
        rows = rows[:MOST_ROWS]
        shown = list(zip(self.sql.columns, self.sql.values))[columns]
        return pa.table({c: array([row[i] for row in rows], kind) for i, (c, (_, kind)) in enumerate(shown)})

    def flat_rows(self, start: int, end: int, columns: slice) -> list[list]:
        count = end - start
        if self.sql.sorts and end > MOST_ROWS + 1:
            raise Refused(f"sorted rows are shown down to row {MOST_ROWS}: filter, or sort by nothing")
        if self.sql.sorts:
            return self.known(self.sql.rows(columns, count, start))[0]
        if end > NEAR_ROWS:
            return self.far_rows(start, count, columns)
        until = self.known.now // NEAR_MS * NEAR_MS  # in steps, so that all who look now ask the same
        until = min(until, self.sql.where.until if self.sql.where.until is not None else until)
        back, rows = NEAR_MS, []
        while back < FURTHEST_MS and (self.sql.where.since is None or until - back > self.sql.where.since):
            rows, = self.known(self.sql.rows(columns, count, start, since=until - back))
            if len(rows) == count:
                return rows
            back *= FURTHER
        return self.known(self.sql.rows(columns, count, start))[0]

    def far_rows(self, start: int, count: int, columns: slice) -> list[list]:
        """Rows far below the newest: by the counts of windows of time, since a deep OFFSET takes seconds."""
        (first, last), = self.known(self.sql.span())[0] or [[0, 0]]
        windows = self.sql.counts(width_for((last or 0) - (first or 0), MOST_PAGES))
        before, oldest, newest, offset = 0, None, None, 0
        for at, rows in reversed(sorted(self.known(windows)[0])):
            if newest is None and before + rows > start:
                newest, offset = at + windows.width, start - before
            before, oldest = before + rows, at
            if before >= start + count:
                break
        if newest is None:
            return []
        return self.known(self.sql.rows(columns, count, offset, oldest, newest))[0]

    def extremes(self, name: str) -> tuple:
        if self.sql.flat:
            (found,), = [self.known(self.sql.extremes(name))[0][:1] or [[None, None]]]
            return tuple(found)
        column = self.grouped().table[name]
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.int64())
        values = column.drop_null().to_pylist()
        return (min(values), max(values)) if values else (None, None)
