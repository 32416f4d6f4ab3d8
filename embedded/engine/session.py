"""One client's session: its current database and zone, its statements and open results."""

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import duckdb

from ..common import clock
from ..common.datatypes import Bound, Field
from ..common.errors import TDengineError, not_supported
from ..sql import nodes
from ..sql.parser import parse
from ..sql.planner import plan
from ..sql.tokens import count_marks
from ..storage.duckfile import Connection
from ..storage.store import Store
from . import describe
from .bound_tables import first_value
from .context import Context
from .prepared_insert import PreparedInsert
from .results import ERRORS, QueryResult, Result, translated
from .text_insert import literal_tags, run_insert


class Session(Context):
    """Runs statements, one at a time, from any thread; `interrupt` may come at any time from another thread.

    Errors: 0x0388 for an unknown database, 0xFFFF for an unknown time zone.
    """

    def __init__(self, store: Store, database: str | None = None, timezone: str | None = None,
                 user: str = "root") -> None:
        clock.zone(timezone)  # so that an unknown zone is refused now
        super().__init__(store, store.database(database).name if database else None, timezone, user)
        self._running: set[Connection] = set()
        self._results: list[QueryResult] = []

    def execute(self, sql: str) -> Result:
        """Run one statement. All errors are TDengineErrors."""
        return self.guarded(lambda: self._run(parse(sql), sql))

    def prepare(self, sql: str) -> "Statement":
        """Read a statement whose values are bound later."""
        return self.guarded(lambda: Statement(self, sql))

    def interrupt(self) -> None:
        """End the query that is running: its answer is the error 0x0328."""
        for connection in list(self._running):
            with suppress(duckdb.Error):  # it was closed meanwhile
                connection.interrupt()

    def close(self) -> None:
        """Close the results that are still open."""
        for result in self._results:
            result.close()
        self._results.clear()

    def guarded(self, call: Callable[[], Any]) -> Any:
        """What `call` returns; its errors become TDengineErrors."""
        try:
            return call()
        except ERRORS as error:
            raise translated(error) from error
        except RecursionError:
            raise TDengineError(0x2600, "syntax error near \"(\" (nested too deeply)") from None

    # ------------------------------------------------------------------ statements, each with its text

    def _run(self, statement: Any, sql: str) -> Result:
        return _RUNNERS[type(statement)](self, statement, sql)

    def query(self, statement: nodes.Select, sql: str = "") -> Result:
        result = QueryResult(plan(statement, self.store, self.environment()), self.store, self._running)
        self._results = [open_ for open_ in self._results if open_.is_open]
        if result.is_open:
            self._results.append(result)
        return result

    def _insert(self, statement: nodes.Insert, sql: str) -> Result:
        if statement.marks:
            raise TDengineError(0x0216, "syntax error near '?' (a ? needs a prepared statement)")
        return Result(run_insert(self, statement, sql))

    def _create_database(self, s: nodes.CreateDatabase, sql: str) -> Result:
        self.store.create_database(s.name, s.precision, s.if_not_exists)
        return Result()

    def _drop_database(self, s: nodes.DropDatabase, sql: str) -> Result:
        self.store.drop_database(s.name, s.if_exists)
        if self.database == s.name:
            self.database = None
        return Result()

    def _use(self, s: nodes.Use, sql: str) -> Result:
        self.database = self.store.database(s.name).name
        return Result()

    def _create_table(self, s: nodes.CreateTable, sql: str) -> Result:
        self.store.create_table(self.database_of(s.table), s.table.name, s.columns, s.tags, s.if_not_exists)
        return Result()

    def _create_subtables(self, s: nodes.CreateSubtables, sql: str) -> Result:
        for subtable in s.subtables:
            name = subtable.table
            table, tags = literal_tags(self, name, subtable.using, subtable.tag_names, subtable.tags,
                                       sql[subtable.tags_end:])
            self.store.create_subtables(self.database_of(name), table, [name.name], tags, subtable.if_not_exists)
        return Result()

    def _drop_tables(self, s: nodes.DropTables, sql: str) -> Result:
        wanted = []
        for name, if_exists in s.tables:
            database = self.database_of(name)
            if if_exists and not database.has(name.name):
                continue
            found = database.find(name.name)
            if s.super_only and not getattr(found, "is_super", False):
                raise TDengineError(0x2603, "Table does not exist")
            wanted.append((database, name.name))
        self.store.drop_tables(wanted)
        return Result()

    def _describe(self, s: nodes.Describe, sql: str) -> Result:
        return Result(0, *describe.table(self.database_of(s.table).find(s.table.name)))

    def _show(self, s: nodes.Show, sql: str) -> Result:
        return Result(0, *describe.show(self, s))


_RUNNERS = {
    nodes.Select: Session.query, nodes.Insert: Session._insert, nodes.CreateDatabase: Session._create_database,
    nodes.DropDatabase: Session._drop_database, nodes.Use: Session._use, nodes.CreateTable: Session._create_table,
    nodes.CreateSubtables: Session._create_subtables, nodes.DropTables: Session._drop_tables,
    nodes.Describe: Session._describe, nodes.Show: Session._show,
}


class Statement:
    """A prepared INSERT or SELECT. `fields` has one field for each `?` of an INSERT; a SELECT has no fields."""

    def __init__(self, session: Session, sql: str) -> None:
        self._session, self._sql = session, sql
        self._insert: PreparedInsert | None = None
        self.fields: list[Field] = []
        if re.match(r"\s*insert\b", sql, re.IGNORECASE):
            self._insert = PreparedInsert(session, parse(sql), sql)
            self.fields = self._insert.fields
            self.params = len(self.fields)
        elif re.match(r"\s*select\b", sql, re.IGNORECASE):
            self.params = count_marks(sql)
            parse(sql, [1] * self.params)  # so that bad text is refused now
        else:
            raise not_supported("preparing anything but INSERT and SELECT")
        self.is_insert = self._insert is not None

    def execute(self, tables: list[Bound]) -> Result:
        """INSERT stores all rows of all tables, or none. SELECT takes the first value of each bound column.

        Errors: 0x0200 for values that do not fit the statement.
        """
        if self._insert is not None:
            return self._session.guarded(lambda: Result(self._insert.execute(tables)))
        values = [first_value(column) for bound in tables for column in bound.columns]
        if len(values) != self.params:
            raise TDengineError(0x0200, f"{self.params} values expected, {len(values)} bound")
        return self._session.guarded(lambda: self._session.query(parse(self._sql, values)))
