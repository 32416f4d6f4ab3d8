"""The embedded database, asked directly: a store in a folder of its own and a session, no server and no client."""

import tempfile
from contextlib import contextmanager

import pytest
from sql_cases import SETUP, T

from embedded.common.datatypes import Bound
from embedded.common.errors import TDengineError
from embedded.engine.session import Session
from embedded.storage.store import Store

METERS = SETUP[0]
BIND = "INSERT INTO ? USING meters (groupid, location) TAGS (?, ?) VALUES (?, ?, ?, ?)"


@contextmanager
def opened(folder=None, retention_s=0, setup=(METERS,), **options):
    """A session with a store of its own, in the database `power`."""
    with tempfile.TemporaryDirectory() as temporary:
        store = Store(folder or temporary, retention_s, **options)
        session = Session(store)
        for sql in ("CREATE DATABASE IF NOT EXISTS power", "USE power", *setup):
            session.execute(sql)
        yield session
        session.close()
        store.close()


@pytest.fixture(scope="session")
def store():
    """One store for all tests that leave nothing but databases in it."""
    with opened() as session:
        yield session.store


@pytest.fixture
def session(store):
    """A session of its own for each test, in the database `power`."""
    with renewed(store) as session:
        yield session


@contextmanager
def renewed(store, setup=(METERS,)):
    """A session in a new database `power`, the only one of this store; a new store would take ten times as long."""
    session = Session(store)
    for name, in rows(session, "SHOW USER DATABASES"):
        session.execute(f"DROP DATABASE `{name}`")
    for sql in ("CREATE DATABASE power", "USE power", *setup):
        session.execute(sql)
    yield session
    session.close()


def rows(session, sql):
    """All rows of the answer."""
    result, found = session.execute(sql), []
    while part := result.fetch(1000):
        found += part
    return found


def refusal(call, *arguments) -> TDengineError:
    """The error with which a call is refused."""
    with pytest.raises(TDengineError) as caught:
        call(*arguments)
    return caught.value


def check_mistake(session, sql: str, code: int, text: str) -> None:
    """A wrong statement gets this code, and this text is in its message."""
    error = refusal(session.execute, sql)
    assert (hex(error.code), text in error.message) == (hex(code), True), error.message


def check_unsupported(session, sql: str, word: str) -> None:
    """A statement of TDengine's that the embedded database does not know is refused in words, with this one."""
    error = refusal(session.execute, sql)
    assert word in error.message and "embedded database does not support" in error.message


def bound(times, name="d0", tags=(1, "x")) -> Bound:
    """Rows of one subtable of `meters` at these times; the voltages count from 0."""
    count = len(times)
    return Bound(name, list(tags), [times, [1.0] * count, list(range(count)), [1.0] * count])


def fill(session, count):
    """So many rows in `d0`, one a millisecond from T on."""
    session.prepare(BIND).execute([bound(list(range(T, T + count)))])
