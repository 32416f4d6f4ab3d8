"""The SQLite file of a folder: one writer at a time, readers beside it (WAL), for this process alone."""

import os
import sqlite3
import threading
from collections import deque
from contextlib import contextmanager, suppress
from typing import Any, Iterator

from .udf import register

try:
    import fcntl
except ImportError:  # Windows: nothing guards the folder
    fcntl = None

WAL_LIMIT = 64 << 20  # bytes
SPARE_READERS = 8


class SQLiteFile:
    """Errors: OSError where the folder cannot be written, or another process has it open, or SQLite is too old."""

    def __init__(self, folder: str):
        if sqlite3.sqlite_version_info < (3, 39):  # HAVING without GROUP BY
            raise OSError(f"SQLite 3.39 or newer is needed, Python brings {sqlite3.sqlite_version}")
        os.makedirs(folder, exist_ok=True)
        self._path = os.path.join(folder, "embedded.db")
        self._guard = _claim(folder)
        self.lock = threading.RLock()  # held by whoever writes
        self.writer = self._connect(cache_kib=32768)
        self.writer.execute("PRAGMA journal_mode = WAL")
        self.writer.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT}")
        self._readers: deque[sqlite3.Connection] = deque()

    def _connect(self, cache_kib: int) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=30,
                                     cached_statements=256)
        connection.execute("PRAGMA synchronous = NORMAL")  # in WAL: a killed process loses nothing
        connection.execute(f"PRAGMA cache_size = -{cache_kib}")
        connection.execute("PRAGMA case_sensitive_like = ON")
        register(connection)
        return connection

    def close(self) -> None:
        with self.lock:
            while self._readers:
                self._readers.pop().close()
            self.writer.close()
            if self._guard is not None:
                self._guard.close()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction, all or nothing."""
        with self.lock:
            self.writer.execute("BEGIN IMMEDIATE")
            try:
                yield self.writer
                self.writer.execute("COMMIT")
            except BaseException:
                if self.writer.in_transaction:  # SQLite may have rolled back by itself, as on a full disk
                    self.writer.execute("ROLLBACK")
                raise

    def reader(self) -> sqlite3.Connection:
        """A connection of the caller's own until `release`: its reads see one state of the file."""
        try:
            return self._readers.pop()
        except IndexError:
            connection = self._connect(cache_kib=8192)
            connection.execute("PRAGMA query_only = ON")
            return connection

    def release(self, connection: sqlite3.Connection) -> None:
        if len(self._readers) < SPARE_READERS:
            self._readers.append(connection)
        else:
            connection.close()

    def checkpoint(self) -> None:
        """Keep the write-ahead log short; readers of old states can put it off."""
        with suppress(FileNotFoundError):
            if os.path.getsize(self._path + "-wal") < WAL_LIMIT:
                return
            with self.lock:
                self.writer.execute("PRAGMA busy_timeout = 100")
                self.writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                self.writer.execute("PRAGMA busy_timeout = 30000")


def _claim(folder: str) -> Any:
    """Hold the folder for this process; the system lets go when the process dies, however it dies."""
    if fcntl is None:
        return None
    guard = open(os.path.join(folder, "lock"), "a")
    try:
        fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        guard.close()
        raise OSError(f"another embedded database has the folder {folder} open") from None
    return guard
