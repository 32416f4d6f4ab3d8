"""The SQLite file of a folder: one writer at a time, and readers beside it (WAL). No other process may use it."""

import os
import sqlite3
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

from .sqlite_functions import register

try:
    import fcntl
except ImportError:  # Windows has no such locks: two processes could open one folder there
    fcntl = None

WAL_LIMIT = 64 << 20  # bytes of the write-ahead log; then the sweep shortens it
SPARE_READERS = 8  # connections kept open for the next questions; each has a cache of 8 MiB
WRITER_CACHE_KIB, READER_CACHE_KIB = 32768, 8192


class SQLiteFile:
    """Connections to the file `embedded.db` of a folder.

    Errors: OSError where the folder cannot be written, or another process has it open, or SQLite is too old.
    """

    def __init__(self, folder: str) -> None:
        if sqlite3.sqlite_version_info < (3, 39):  # older ones refuse HAVING without GROUP BY
            raise OSError(f"SQLite 3.39 or newer is needed, Python brings {sqlite3.sqlite_version}")
        os.makedirs(folder, exist_ok=True)
        self._path = os.path.join(folder, "embedded.db")
        self._folder_lock = _lock_folder(folder)
        self.lock = threading.RLock()  # a thread that writes, or changes the catalog, holds it
        self.writer = self._connect(WRITER_CACHE_KIB)
        self.writer.execute("PRAGMA journal_mode = WAL")
        self.writer.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT}")
        self._readers: deque[sqlite3.Connection] = deque()

    def _connect(self, cache_kib: int) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=30,
                                     cached_statements=256)
        connection.execute("PRAGMA synchronous = NORMAL")  # with WAL, a process that is killed loses nothing
        connection.execute(f"PRAGMA cache_size = -{cache_kib}")
        connection.execute("PRAGMA case_sensitive_like = ON")
        register(connection)
        return connection

    def close(self) -> None:
        with self.lock:
            while self._readers:
                self._readers.pop().close()
            self.writer.close()
            if self._folder_lock is not None:
                self._folder_lock.close()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction, all or nothing."""
        with self.lock:
            self.writer.execute("BEGIN IMMEDIATE")
            try:
                yield self.writer
                self.writer.execute("COMMIT")
            except BaseException:
                if self.writer.in_transaction:  # on a full disk SQLite rolls back by itself
                    self.writer.execute("ROLLBACK")
                raise

    def reader(self) -> sqlite3.Connection:
        """A connection that belongs to the caller until `release`."""
        try:
            return self._readers.pop()
        except IndexError:
            connection = self._connect(READER_CACHE_KIB)
            connection.execute("PRAGMA query_only = ON")
            return connection

    def release(self, connection: sqlite3.Connection) -> None:
        if len(self._readers) < SPARE_READERS:
            self._readers.append(connection)
        else:
            connection.close()

    def checkpoint(self) -> None:
        """Shorten the write-ahead log once it is long; SQLite puts that off while somebody reads an old state."""
        with suppress(FileNotFoundError):
            if os.path.getsize(self._path + "-wal") < WAL_LIMIT:
                return
            with self.lock:
                self.writer.execute("PRAGMA busy_timeout = 100")
                self.writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                self.writer.execute("PRAGMA busy_timeout = 30000")


def _lock_folder(folder: str) -> IO | None:
    """Lock the folder for this process. The system unlocks it when the process ends, in whatever way."""
    if fcntl is None:
        return None
    lock = open(os.path.join(folder, "lock"), "a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise OSError(f"another embedded database has the folder {folder} open") from None
    return lock
