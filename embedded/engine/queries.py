"""A session's questions: their plans, and the results that the client has not read to the end."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import duckdb

from ..common.errors import TDengineError
from ..sql import nodes
from ..sql.kept_plans import KeptPlans
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
        self._plans = KeptPlans(store)

    def environment(self) -> Environment:
        return replace(super().environment(),
                       system_table=lambda database, name: system_table(self, database, name))

    def plan(self, select: nodes.Select) -> Plan:
        return plan(select, self.store, self.environment())

    def kept_plan(self, sql: str) -> Plan | None:
        """The plan of a SELECT like an earlier one, where there is one."""
        return self._plans.find(sql, self.database, self.user)

    def query(self, select: nodes.Select) -> QueryResult:
        return self.answer(self.plan(select), lambda: self.plan(select))

    def answer(self, found: Plan, plan_anew: Callable[[], Plan]) -> QueryResult:
        """The answer to a plan, or to a new one where a table was altered before DuckDB began to read."""
        while (result := self._answer(found)) is None:
            found = plan_anew()
        self._results = [open_ for open_ in self._results if open_.is_open]
        if result.is_open:
            self._results.append(result)
        return result

    def _answer(self, found: Plan) -> QueryResult | None:
        """None where a table has been altered since it was planned."""
        try:
            result = QueryResult(found, self.store, self._running)
        except TDengineError as error:
            if error.code == 0x0328 or self._is_current(found):  # it was terminated
                raise
            return None
        if self._is_current(found):
            return result
        result.close()
        return None

    def _is_current(self, found: Plan) -> bool:
        with self.store.file.state:
            return found.is_current

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
