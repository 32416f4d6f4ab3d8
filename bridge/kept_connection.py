"""A connection to TDengine for one question after another."""

from collections.abc import Callable
from itertools import islice

import taosws

from bridge import tdengine

CLOSED = 0xE002  # the database has hung up: maybe long ago


class KeptConnection:
    """A connection that is made anew, by `connect`, where it is lost."""

    def __init__(self, connect: Callable[[], taosws.Connection]) -> None:
        self.connect = connect
        self.connection: taosws.Connection | None = None

    def query(self, sql: str, most: int | None = None) -> list[tuple]:
        """The first `most` rows, or all. Raises what `connect` and taosws raise."""
        while True:
            kept = self.connection is not None
            try:
                self.connection = self.connection or self.connect()
                return list(islice(self.connection.query(sql), most))
            except Exception as error:
                code = tdengine.error_code(error)
                if code >> 12 in (0, 0xE):  # not TDengine's own: the connection may never work again
                    self.connection = None
                if not kept or code != CLOSED:
                    raise
