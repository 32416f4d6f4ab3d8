"""A grouped view's rows: levels of groups become one Arrow table, in Perspective's order and with its names."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial

import pyarrow as pa

from bridge.history.tables import ARROW
from bridge.history.view_sql import SORTS, ViewSql

Path = tuple  # the values of a group's keys
KEPT_ROWS = 200_000  # of all answers together whose pivots are kept: the oldest are forgotten first
_kept: dict[tuple, tuple[list, "Pivot"]] = {}  # by the view's shape: the answers, and what became of them


def pivot(view: ViewSql, depths: Iterable[int], answers: list[list]) -> "Pivot":
    """The pivot of a level's rows for each depth, then, where the view is sorted, of its totals for each.

    Viewers whose views are equal share it: it is made again when the answers are other ones.
    """
    kept = _kept.pop(view.shape, None)
    if kept is None or kept[0] != answers:
        levels = dict(zip(depths, answers))
        kept = answers, Pivot(view, levels, dict(zip(depths, answers[len(levels):])))
    _kept[view.shape] = kept
    while len(_kept) > 1 and sum(len(rows) for answers, _ in _kept.values() for rows in answers) > KEPT_ROWS:
        del _kept[next(iter(_kept))]
    return kept[1]


def array(values: Iterable, kind: str) -> pa.Array:
    """Values as taosws has them, as an Arrow column of Perspective's type."""
    if kind == "float":
        values = [None if value is None else float(value) for value in values]
    elif kind == "string":
        values = [value if value is None or isinstance(value, str) else as_text(value) for value in values]
    return pa.array(values, ARROW[kind])


def as_text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else json.dumps(value)


def label(value: object, kind: str) -> str:
    """A split's value as Perspective writes it in a column's name."""
    if value is None:
        return "null"
    if kind == "datetime":
        return f"{datetime.fromtimestamp(value / 1000, UTC):%Y-%m-%d %H:%M:%S}.{value % 1000:03}"
    return str(value).lower() if kind == "boolean" else str(value)


def natural(value: object) -> tuple:
    return value is not None, value  # nothing comes first


class Pivot:
    """`levels` has the rows of each depth, `totals` the same without splits, for the sorts."""

    def __init__(self, view: ViewSql, levels: dict[int, list], totals: dict[int, list]) -> None:
        self.view = view
        splits = len(view.splits)
        cells: dict[Path, dict[Path, list]] = {}  # the aggregates of a row's path and a split's
        if 0 in levels:
            cells[()] = {}  # the total has a row even where there are none
        for depth, rows in levels.items():
            for row in rows:
                cells.setdefault(tuple(row[:depth]), {})[tuple(row[depth:depth + splits])] = row[depth + splits:]
        self.totals = {tuple(row[:depth]): row[depth:] for depth, rows in totals.items() for row in rows}
        found = sorted({split for row in cells.values() for split in row}, key=lambda s: [natural(v) for v in s])
        self.columns = {}  # by name: the split, and the place among the aggregates
        for split in found or [()] * (not splits):
            names = [label(value, view.kind(key)) for key, value in zip(view.splits, split)]
            self.columns |= {"|".join([*names, c]): (split, place) for place, c in enumerate(view.columns)}
        depth, paths = len(view.groups), self.ordered(cells)
        if view.mode == "flat" and depth:
            paths = [path for path in paths if len(path) == depth]
        self.paths = paths
        arrays = {}
        if view.mode == "rollup" and depth:
            arrays["__GROUPING_ID__"] = pa.array([2 ** (depth - len(path)) - 1 for path in paths], pa.int64())
        for place, key in enumerate(view.groups):
            arrays[f"__ROW_PATH_{place}__"] = array([p[place] if len(p) > place else None for p in paths],
                                                    view.kind(key))
        for name, (split, place) in self.columns.items():
            rows = [cells[path].get(split) for path in paths]
            arrays[name] = array([row and row[place] for row in rows], view.values[place][1])
        self.table = pa.table(arrays)

    @property
    def schema(self) -> dict[str, str]:
        return {name: self.view.values[place][1] for name, (_, place) in self.columns.items()}

    def ordered(self, paths: Iterable[Path]) -> list[Path]:
        """Each parent before its children; these by the sorts, then by their own keys."""
        children: dict[Path, set[Path]] = {}
        for path in paths:
            for depth in range(len(path)):
                children.setdefault(path[:depth], set()).add(path[:depth + 1])
        found, stack = [], [()]
        while stack:
            path = stack.pop()
            found.append(path)
            stack += reversed(self.sorted(children.get(path, ())))
        return found if () in paths else found[1:]

    def sorted(self, siblings: Iterable[Path]) -> list[Path]:
        siblings = sorted(siblings, key=lambda path: natural(path[-1]))
        for name, direction in reversed(self.view.sorts):
            siblings.sort(key=partial(self.rank, self.view.valued.index(name), "abs" in direction),
                          reverse=SORTS[direction])
        return siblings

    def rank(self, place: int, absolute: bool, path: Path) -> tuple:
        value = (self.totals.get(path) or {place: None})[place]
        return natural(abs(value) if absolute and value is not None else value)
