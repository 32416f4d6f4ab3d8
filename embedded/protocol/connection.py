"""What the server keeps for one WebSocket connection: its session, its open results and its statements."""

from collections.abc import Sequence
from typing import Any

from ..common.datatypes import Column
from ..common.decimals import digits_and_scale
from ..engine.plain_result import Result
from ..engine.session import Session
from ..storage.store import Store
from . import raw_blocks
from .prepared import Prepared
from .requests import refused


class Connection:
    """The state between requests. One thread at a time uses it; only `interrupt` may come from another."""

    MAX_OPEN = 64  # results, and as many statements: a client that forgets to free them is told so

    def __init__(self, store: Store) -> None:
        self.store = store
        self.session: Session | None = None  # until the client has logged in
        self.results: dict[int, Result] = {}  # by id
        self.blocks: dict[int, bytes] = {}  # by the result's id: a block that the JSON action `fetch` has announced
        self.statements: dict[int, Prepared] = {}  # by id
        self._last_id = 0

    def is_asking(self) -> bool:
        """Whether a question is under way, or an answer is read only in part."""
        return self.session is not None and self.session.is_asking

    def interrupt(self) -> None:
        """End the request that is running."""
        if self.session:
            self.session.interrupt()

    def close(self) -> None:
        for resource in (*self.results.values(), *self.statements.values()):
            resource.close()
        self.results, self.blocks, self.statements = {}, {}, {}
        if self.session:
            self.session.close()

    def new_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def query(self, sql: str) -> dict[str, Any]:
        """Run a statement; the fields of the reply to it."""
        result = self.session.execute(sql)
        return {"is_update": not result.columns, "affected_rows": result.affected} | self.announce(result)

    def announce(self, result: Result) -> dict[str, Any]:
        """Keep the result for fetching, under a new id. Without columns there is nothing to fetch: the id is 0."""
        reply = _row_set(result.columns, result.precision)
        if not result.columns:
            result.close()
            return {"id": 0} | reply
        if len(self.results) >= self.MAX_OPEN:
            result.close()
            raise refused(f"{self.MAX_OPEN} results are open on this connection: free some, or read them to their end")
        id_ = self.new_id()
        self.results[id_] = result
        return {"id": id_} | reply

    def next_block(self, id_: int) -> tuple[bytes | None, int]:
        """The next block of a result and its number of rows. At the end it is None, and the result is freed."""
        result = self.results.get(id_)
        if result is None:
            raise refused("result is nil")
        try:
            rows = result.fetch_batch(raw_blocks.rows_per_block(result.columns))
            if rows is not None:
                return raw_blocks.encode_block(result.columns, rows), len(rows)
        except Exception:
            self.free(id_)
            raise
        self.free(id_)
        return None, 0

    def is_small(self, id_: int) -> bool:
        """Whether fetching from a result, or closing it, needs no work in the database."""
        result = self.results.get(id_)
        return result is None or result.is_small

    def free(self, id_: int) -> None:
        """Close a result; one that is closed already, or never was, is no error."""
        result = self.results.pop(id_, None)
        self.blocks.pop(id_, None)
        if result:
            result.close()


def _row_set(columns: Sequence[Column], precision: int) -> dict[str, Any]:
    """The fields of a reply that announces rows. Without columns they are null, as taosAdapter has it."""
    per_column = columns or None
    return {
        "fields_count": len(columns),
        "fields_names": per_column and [column.name for column in columns],
        "fields_types": per_column and [column.type.code for column in columns],
        "fields_lengths": per_column and [column.shown_length for column in columns],
        "fields_precisions": per_column and [digits_and_scale(column)[0] for column in columns],
        "fields_scales": per_column and [digits_and_scale(column)[1] for column in columns],
        "precision": precision,
    }
