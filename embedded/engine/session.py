"""One client's connection to the store: its current database and zone, its statements and results."""

import re
import sqlite3
import time
from typing import Any

from ..common import clock
from . import describe
from ..sql import nodes
from ..common.datatypes import Bound
from ..sql.parser import marks, parse
from ..common.errors import TDengineError, not_supported
from ..sql.typed import Environment
from .inserts import PreparedInsert, literal_tags, run_insert
from ..sql.planner import plan
from .results import QueryResult, Result, refused
from ..storage.store import Store

class Session:
    """Errors: 0x0388 for an unknown database. One call at a time, from any thread; `interrupt` at any time."""

    def __init__(self, store: Store, database: str | None = None, timezone: str | None = None, user: str = "root"):
        self._store, self.user = store, user
        self._running: set[sqlite3.Connection] = set()
        self._results: list[QueryResult] = []
        clock.zone(timezone)  # refuse an unknown one now
        self.timezone = timezone
        self.database = None
        if database:
            self.database = store.database(database).name

    def execute(self, sql: str) -> Result:
        """Run one statement. Every refusal is a TDengineError."""
        return self._guarded(lambda: self._run(parse(sql), sql))

    def prepare(self, sql: str) -> "Statement":
        return self._guarded(lambda: Statement(self, sql))

    def interrupt(self) -> None:
        """End the query under way: it answers 0x0328."""
        for connection in list(self._running):
            try:
                connection.interrupt()
            except sqlite3.ProgrammingError:
                pass  # closed meanwhile

    def close(self) -> None:
        for result in self._results:
            result.close()
        self._results.clear()

    # ------------------------------------------------------------------

    def _guarded(self, call: Any) -> Any:
        try:
            return call()
        except sqlite3.Error as error:
            raise refused(error) from error
        except RecursionError:
            raise TDengineError(0x2600, "syntax error near \"(\" (nested too deeply)") from None

    def environment(self) -> Environment:
        return Environment(time.time_ns(), self.timezone, self.database, self.user)

    def locate(self, name: nodes.TableName) -> Any:
        """The database of a table's name."""
        return self._store.database(name.database or self.database)

    def _run(self, statement: Any, sql: str) -> Result:
        return _RUNNERS[type(statement)](self, statement, sql)

    def query(self, statement: nodes.Select, sql: str = "") -> Result:
        found = plan(statement, self._store, self.environment())
        result = QueryResult(found, self._store, self._running)
        self._results = [open_ for open_ in self._results if open_.is_open]
        if result.is_open:
            self._results.append(result)
        return result

    def _insert(self, statement: nodes.Insert, sql: str) -> Result:
        if statement.marks:
            raise TDengineError(0x0216, "syntax error near '?' (a ? needs a prepared statement)")
        return Result(run_insert(self, statement, sql))

    def _create_database(self, s: nodes.CreateDatabase, sql: str) -> Result:
        self._store.create_database(s.name, s.precision, s.if_not_exists)
        return Result()

    def _drop_database(self, s: nodes.DropDatabase, sql: str) -> Result:
        self._store.drop_database(s.name, s.if_exists)
        if self.database == s.name:
            self.database = None
        return Result()

    def _use(self, s: nodes.Use, sql: str) -> Result:
        self.database = self._store.database(s.name).name
        return Result()

    def _create_table(self, s: nodes.CreateTable, sql: str) -> Result:
        self._store.create_table(self.locate(s.table), s.table.name, s.columns, s.tags, s.if_not_exists)
        return Result()

    def _create_subtables(self, s: nodes.CreateSubtables, sql: str) -> Result:
        for one in s.subtables:
            table, tags = literal_tags(self, one.table, one.using, one.tag_names, one.tags, sql[one.tags_end:])
            self._store.create_subtable(self.locate(one.table), table, one.table.name, tags, one.if_not_exists)
        return Result()

    def _drop_tables(self, s: nodes.DropTables, sql: str) -> Result:
        wanted = []
        for name, if_exists in s.tables:
            database = self.locate(name)
            known = name.name in database.tables or name.name in database.subtables
            if not known and if_exists:
                continue
            found = database.find(name.name)
            if s.super_only and not getattr(found, "is_super", False):
                raise TDengineError(0x2603, "Table does not exist")
            wanted.append((database, name.name))
        self._store.drop_tables(wanted)
        return Result()

    def _describe(self, s: nodes.Describe, sql: str) -> Result:
        return Result(0, *describe.table(self.locate(s.table).find(s.table.name)))

    def _show(self, s: nodes.Show, sql: str) -> Result:
        return Result(0, *describe.show(self, self._store, s))


_RUNNERS = {
    nodes.Select: Session.query, nodes.Insert: Session._insert, nodes.CreateDatabase: Session._create_database,
    nodes.DropDatabase: Session._drop_database, nodes.Use: Session._use, nodes.CreateTable: Session._create_table,
    nodes.CreateSubtables: Session._create_subtables, nodes.DropTables: Session._drop_tables,
    nodes.Describe: Session._describe, nodes.Show: Session._show,
}


class Statement:
    """A prepared INSERT or SELECT. `fields` has one Field a `?` of an INSERT, in order; SELECT has none."""

    def __init__(self, session: Session, sql: str):
        self._session, self._sql = session, sql
        self._insert: PreparedInsert | None = None
        self.fields: list = []
        if re.match(r"\s*insert\b", sql, re.IGNORECASE):
            self._insert = PreparedInsert(session, parse(sql), sql)
            self.fields = self._insert.fields
            self.params = len(self.fields)
        elif re.match(r"\s*select\b", sql, re.IGNORECASE):
            self.params = marks(sql)
            parse(sql, [1] * self.params)  # refuse bad text now
        else:
            raise not_supported("preparing anything but INSERT and SELECT")
        self.is_insert = self._insert is not None

    def execute(self, tables: list[Bound]) -> Result:
        """INSERT: all rows of all tables, or none. SELECT: one Bound, one value a column.

        Errors: 0x0200 for values that do not fit the statement.
        """
        if self._insert is not None:
            return self._session._guarded(lambda: Result(self._insert.execute(tables)))
        values = [column[0] for bound in tables for column in bound.columns]
        if len(values) != self.params:
            raise TDengineError(0x0200, f"{self.params} values expected, {len(values)} bound")
        return self._session._guarded(lambda: self._session.query(parse(self._sql, values)))
