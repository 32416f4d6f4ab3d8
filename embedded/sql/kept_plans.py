"""Plans that are kept: a question that differs from an earlier one only in its numbers is not planned anew.

The shape of a statement is its text with marks in the place of the whole numbers that something is compared with. Its
plan is made with these marks, and kept if all that the planner has looked at stays as it is until the catalog changes.
"""

import re
from dataclasses import replace
from typing import NoReturn

from ..common.errors import TDengineError
from ..storage.store import Store
from .parser import parse
from .plan import Plan
from .planner import plan
from .tokens import count_marks
from .typed import Environment, Mark, NotKept

_MOST_PLANS, _LONGEST_SHAPE = 64, 4096  # of one session; characters
_SELECT = re.compile(r"\s*select\b", re.IGNORECASE)
# A quoted text, which may have a sign of comparison in it, or a number. Longer numbers may be no BIGINT.
_NUMBER = re.compile(r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`)|(?<=[<>=])(\s*)(0|[1-9]\d{0,17})(?![\w.])""",
                     re.DOTALL)


class _Lasting(Environment):
    """What a statement knows that stays the same: not the time, nor the zone, which gives times their meaning."""

    def __init__(self, database: str | None, user: str) -> None:
        self.database, self.user = database, user

    def __getattr__(self, name: str) -> NoReturn:
        raise NotKept(name)

    @property
    def server_zone(self) -> NoReturn:
        raise NotKept("the zone of the server")


class _Catalog:
    """A store without its rows."""

    def __init__(self, store: Store) -> None:
        self.databases, self.database = store.databases, store.database

    def newest_times(self, table: object) -> NoReturn:
        raise NotKept("the newest times")


class KeptPlans:
    """The plans of one session. One thread at a time uses them."""

    def __init__(self, store: Store) -> None:
        self._store, self._version = store, -1  # that of the catalog
        self._plans: dict[tuple[str, str | None], tuple[Plan, list[str]] | None] = {}  # by shape and database

    def find(self, sql: str, database: str | None, user: str) -> Plan | None:
        """The plan of a SELECT; None where it cannot be kept, or where there is an error to be told."""
        if len(sql) > _LONGEST_SHAPE or not _SELECT.match(sql) or "?" in sql or "\0" in sql:
            return None
        numbers: list[str] = []

        def marked(found: re.Match) -> str:
            if found[1]:
                return found[0]
            numbers.append(found[3])
            return found[2] + "?"

        shape = _NUMBER.sub(marked, sql), database
        if self._version != self._store.file.version or len(self._plans) >= _MOST_PLANS:
            self._version, self._plans = self._store.file.version, {}
        if shape not in self._plans:
            self._plans[shape] = self._planned(shape[0], len(numbers), database, user)
        kept = self._plans[shape]
        if kept is None:
            return None
        found, parts = kept
        return replace(found, sql="".join(numbers[int(part)] if i % 2 else part for i, part in enumerate(parts)))

    def _planned(self, shape: str, numbers: int, database: str | None, user: str) -> tuple[Plan, list[str]] | None:
        """The plan, and its SQL in parts: between two of text there is one with the position of a number."""
        try:
            if count_marks(shape) != numbers:  # a comment with a quote in it: some marks stand in quoted text
                return None
            select = parse(shape, [Mark(i) for i in range(numbers)])
            found = plan(select, _Catalog(self._store), _Lasting(database, user))
        except (NotKept, TDengineError, ValueError):
            return None
        if any("?" in column.name or "\0" in column.name for column in found.columns):  # there was a number in it
            return None
        return found, found.sql.split("\0")
