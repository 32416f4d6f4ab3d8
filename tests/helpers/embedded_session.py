"""The embedded database's engine asked directly, without server and client."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from embedded.session import Session
from embedded.store import Store
from tests.helpers.embedded_frames import METERS


@contextmanager
def opened(folder: str = "", retention_s: int = 0, setup: list[str] = (METERS,)) -> Iterator[Session]:
    """A session with a store of its own, in the database `power`."""
    with tempfile.TemporaryDirectory() as temporary:
        store = Store(folder or temporary, retention_s)
        session = Session(store)
        for sql in ("CREATE DATABASE IF NOT EXISTS power", "USE power", *setup):
            session.execute(sql)
        yield session
        session.close()
        store.close()


def rows(session: Session, sql: str) -> list[tuple]:
    """All rows of an answer."""
    result, found = session.execute(sql), []
    while part := result.fetch(1000):
        found += part
    return found
