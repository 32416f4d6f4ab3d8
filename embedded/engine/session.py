"""One client's session: its current database and zone, and its statements."""

import re
from collections.abc import Callable
from typing import Any

from ..common import clock
from ..common.datatypes import Bound, Field
from ..common.errors import TDengineError, not_supported
from ..sql import nodes
from ..sql.parser import parse
from ..sql.tokens import count_marks
from ..storage.store import Store
from .bound_tables import first_value
from .duckdb_errors import ERRORS, translated
from .plain_result import Result
from .prepared_insert import PreparedInsert
from .queries import Queries
from .statements import RUNNERS


class Session(Queries):
    """Runs statements, one at a time, from any thread; `interrupt` may come at any time from another thread.

    Errors: 0x0388 for an unknown database, 0xFFFF for an unknown time zone.
    """

    def __init__(self, store: Store, database: str | None = None, timezone: str | None = None,
                 user: str = "root") -> None:
        clock.zone(timezone)  # so that an unknown zone is refused now
        super().__init__(store, None, timezone, user)
        self.database = self.known_database(database) if database else None

    def execute(self, sql: str) -> Result:
        """Run one statement. All errors are TDengineErrors."""
        return self.guarded(lambda: self._run(sql))

    def prepare(self, sql: str) -> "Statement":
        """Read a statement whose values are bound later."""
        return self.guarded(lambda: Statement(self, sql))

    def guarded(self, call: Callable[[], Any]) -> Any:
        """What `call` returns; its errors become TDengineErrors."""
        try:
            return call()
        except ERRORS as error:
            raise translated(error) from error
        except RecursionError:
            raise TDengineError(0x2600, "syntax error near \"(\" (nested too deeply)") from None

    def _run(self, sql: str) -> Result:
        if (kept := self.kept_plan(sql)) is not None:
            return self.answer(kept, lambda: self.plan(parse(sql)))
        statement = parse(sql)
        if isinstance(statement, nodes.Select):
            return self.query(statement)
        done = RUNNERS[type(statement)](self, statement, sql)
        return done if isinstance(done, Result) else Result(done or 0)


class Statement:
    """A prepared INSERT or SELECT. `fields` has one field for each `?` of an INSERT; a SELECT has no fields."""

    def __init__(self, session: Session, sql: str) -> None:
        self._session, self._sql = session, sql
        self._insert: PreparedInsert | None = None
        self.fields: list[Field] = []
        if re.match(r"\s*(insert|import)\b", sql, re.IGNORECASE):
            statement = parse(sql)
            if isinstance(statement, nodes.InsertSelect):
                raise not_supported("preparing INSERT ... SELECT")
            self._insert = PreparedInsert(session, statement, sql)
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
