"""What a statement may ask about the session that runs it."""

import itertools
import time
import weakref
from typing import ClassVar

from ..common import clock
from ..common.catalog import SYSTEM_DATABASES, Database
from ..common.errors import TDengineError
from ..sql import nodes
from ..sql.typed import Environment
from ..storage.store import Store


class Context:
    """The store, the current database, the time zone (None: this machine's) and the user of one session."""

    _numbers = itertools.count(1)
    _open: ClassVar[weakref.WeakValueDictionary[int, "Context"]] = weakref.WeakValueDictionary()

    def __init__(self, store: Store, database: str | None, timezone: str | None, user: str) -> None:
        self.store, self.database, self.timezone, self.user = store, database, timezone, user
        self.number, self.since = next(self._numbers), clock.now(0)
        self._open[self.number] = self

    def close(self) -> None:
        self._open.pop(self.number, None)

    def sessions(self) -> list["Context"]:
        """The open sessions of the same store."""
        found = [reference() for reference in self._open.valuerefs()]
        return [session for session in found if session is not None and session.store is self.store]

    def environment(self) -> Environment:
        """What one statement knows besides its text. Its NOW is the present."""
        return Environment(time.time_ns(), self.timezone, self.database, self.user)

    def known_database(self, name: str) -> str:
        """The name of a database that there is; it may be one of TDengine's own. Error: 0x0388."""
        return name if name in SYSTEM_DATABASES else self.store.database(name).name

    def database_of(self, name: nodes.TableName) -> Database:
        """The database of a table's name. Errors: 0x2616, 0x0388, 0x0200 for one of TDengine's own."""
        wanted = name.database or self.database
        if wanted in SYSTEM_DATABASES:
            raise TDengineError(0x0200, f"Cannot write to the system database: `{wanted}`.`{name.name}`")
        return self.store.database(wanted)
