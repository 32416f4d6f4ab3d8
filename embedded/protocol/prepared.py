"""What the server keeps for one prepared statement of a connection: stmt2, and the old stmt of older examples.

Both collect `Bound` tables until their exec, which stores them all together. A client of the old stmt sends them
in small steps: the table's name, its tags, columns, and `add_batch`, which adds what was bound so far.
"""

from collections.abc import Sequence

from ..common.datatypes import BIND_TAG, Bound, Field
from ..common.errors import TDengineError
from ..engine.bound_tables import BoundTables
from ..engine.plain_result import Result
from ..engine.session import Session, Statement
from .binding import check_name, decode_bind, marks
from .wire import Buffer

MAX_BOUND_BYTES = 512 << 20  # that wait for one exec: eight messages of the greatest size


def usage_error(what: str) -> TDengineError:
    return TDengineError(0x0217, f"Stmt API usage error: {what}")


class Prepared:
    """One statement, from its init to its close."""

    def __init__(self) -> None:
        self.statement: Statement | None = None  # until it is prepared
        self.result: Result | None = None  # of a SELECT, from its exec until the client takes it
        self.name: str | None = None  # old stmt: what was set last
        self.tags: list | None = None  # old stmt: what was set last
        self.refusal: TDengineError | None = None  # stmt2: why it must be prepared anew
        self.reset()

    def reset(self) -> None:
        """Drop the tables that are bound and not executed."""
        self.not_added: list[Bound] = []  # old stmt: bound since the last `add_batch`
        self.tables: list[Bound | BoundTables] = []
        self.bytes = 0

    def prepare(self, session: Session, sql: str) -> None:
        self.close()
        self.statement = session.prepare(sql)

    @property
    def fields(self) -> Sequence[Field] | None:
        """What each `?` stands for; None for a SELECT, where a `?` has no type. Error: 0x0217."""
        if self.statement is None:
            raise usage_error("not prepared")
        return self.statement.fields if self.statement.is_insert else None

    def keep(self, into: list, tables: list[Bound | BoundTables], size: int) -> None:
        """Add bound tables to a list; `size` is that of their message, in bytes. Error: 0xFFFF for too many."""
        self.bytes += size
        if self.bytes > MAX_BOUND_BYTES:
            self.reset()
            raise TDengineError(0xFFFF, f"more than {MAX_BOUND_BYTES} bytes bound: execute more often")
        into += tables

    def bind(self, body: Buffer) -> None:
        """stmt2: whole tables, as a message has them.

        After a bind that does not fit the statement, TDengine gives the same error (0x0200) for every later bind and
        exec, until the statement is prepared anew.
        """
        self._check_usable()
        try:
            tables = decode_bind(body, self.fields)
        except TDengineError as error:
            if error.code == 0x0200:
                self.refusal = error
            raise
        self.keep(self.tables, tables, len(body))

    def _check_usable(self) -> None:
        if self.refusal:
            raise TDengineError(self.refusal.code, self.refusal.message)

    def bind_columns(self, columns: list[list], size: int) -> None:
        """Old stmt: columns for the table and the tags that were set last."""
        check_name(self.name is not None, self.fields)
        marks(self.fields, BIND_TAG, len(self.tags or ()))
        self.keep(self.not_added, [Bound(self.name, self.tags, columns)], size)

    def add_batch(self) -> None:
        self.tables += self.not_added
        self.not_added = []

    def execute(self) -> int:
        """How many rows are stored. Errors: 0x0217, and those of the statement."""
        self._check_usable()
        if self.statement is None or self.not_added:
            raise usage_error("bound rows were not added" if self.not_added else "not prepared")
        tables = self.tables
        self.close_result()
        self.reset()
        result = self.statement.execute(tables)
        if result.columns:
            self.result = result
        return result.affected

    def take_result(self) -> Result:
        """The rows of a SELECT, once. Error: 0x0217."""
        if self.result is None:
            raise usage_error("no result")
        result, self.result = self.result, None
        return result

    def close_result(self) -> None:
        if self.result:
            self.result.close()
            self.result = None

    def close(self) -> None:
        self.close_result()
        self.reset()
        self.statement = self.name = self.tags = self.refusal = None
