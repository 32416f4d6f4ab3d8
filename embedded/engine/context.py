"""What a statement may ask about the session that runs it."""

import time

from ..common.catalog import Database
from ..sql import nodes
from ..sql.typed import Environment
from ..storage.store import Store


class Context:
    """The store, the current database, the time zone (None: this machine's) and the user of one session."""

    def __init__(self, store: Store, database: str | None, timezone: str | None, user: str) -> None:
        self.store, self.database, self.timezone, self.user = store, database, timezone, user

    def environment(self) -> Environment:
        """What one statement knows besides its text. Its NOW is the present."""
        return Environment(time.time_ns(), self.timezone, self.database, self.user)

    def database_of(self, name: nodes.TableName) -> Database:
        """The database of a table's name. Errors: 0x2616, 0x0388."""
        return self.store.database(name.database or self.database)
