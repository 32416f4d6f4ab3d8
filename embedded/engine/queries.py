"""A session's questions: their plans, and the results that the client has not read to the end."""

from contextlib import suppress
from dataclasses import replace

import duckdb

from ..sql import nodes
from ..sql.plan import Plan
from ..sql.planner import plan
from ..sql.typed import Environment
from ..storage.duckfile import Connection
from ..storage.store import Store
from .context import Context
from .information_schema import system_table
from .results import QueryResult


class Queries(Context):
    """A context that can ask. `interrupt` may come at any time from another thread."""

    def __init__(self, store: Store, database: str | None, timezone: str | None, user: str) -> None:
        super().__init__(store, database, timezone, user)
        self._running: set[Connection] = set()
        self._results: list[QueryResult] = []

    def environment(self) -> Environment:
        return replace(super().environment(),
                       system_table=lambda database, name: system_table(self, database, name))

    def plan(self, select: nodes.Select) -> Plan:
        return plan(select, self.store, self.environment())

    def query(self, select: nodes.Select) -> QueryResult:
        result = QueryResult(self.plan(select), self.store, self._running)
        self._results = [open_ for open_ in self._results if open_.is_open]
        if result.is_open:
            self._results.append(result)
        return result

    @property
    def is_asking(self) -> bool:
        """Whether a query is running, or a result is read only in part."""
        return bool(self._running)

    def interrupt(self) -> None:
        """End the query that is running: its answer is the error 0x0328."""
        for connection in list(self._running):
            with suppress(duckdb.Error):  # it was closed meanwhile
                connection.interrupt()

    def close(self) -> None:
        """Close the results that are still open."""
        super().close()
        for result in self._results:
            result.close()
        self._results.clear()
