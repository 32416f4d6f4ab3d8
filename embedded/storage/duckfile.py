"""The DuckDB file of a folder: one writer at a time, and readers beside it. No other process may use it."""

import os
import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO

import duckdb
import pyarrow as pa

from . import metadata_copy
from .functions import register

try:
    import fcntl
except ImportError:  # Windows has no such locks: two processes could open one folder there
    fcntl = None

DATABASE_FILE = "embedded.duckdb"
WAL_LIMIT = 8 << 20  # bytes of the write-ahead log; then the sweep writes them to the file, and commits wait for it
TEMPORARY_TIMES = 8  # what questions may put on the disk, as a multiple of the memory
SPARE_READERS = 8  # connections kept open for the next questions

Connection = duckdb.DuckDBPyConnection


class Transaction:
    """Changes of the file, which are committed all together or not at all."""

    def __init__(self, connection: Connection) -> None:
        self.execute = connection.execute
        self._connection = connection
        self._published: list[Callable[[], None]] = []
        self.changes_catalog = False

    def then(self, publish: Callable[[], None], of_rows: bool = False) -> None:
        """Call this once the changes are committed, before any reader sees them.

        `of_rows` says that it leaves the catalog as it is.
        """
        self._published.append(publish)
        self.changes_catalog |= not of_rows

    def publish(self) -> None:
        for call in self._published:
            call()

    def rows(self, sql: str) -> pa.Table:
        return self._connection.sql(sql).to_arrow_table()

    def with_rows(self, given: pa.Table, sql: str) -> None:
        """Run a statement that reads the table `given`: DuckDB finds it among the variables of its caller."""
        self.execute(sql)


class DuckFile:
    """Connections to the file `embedded.duckdb` of a folder. `memory_mb` bounds what DuckDB itself takes.

    Errors: OSError where the folder cannot be written, or another process has it open.
    """

    def __init__(self, folder: str, memory_mb: int) -> None:
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, DATABASE_FILE)
        temporary = os.path.join(folder, "temporary")
        self._path, self._wal = path, path + ".wal"
        self._folder_lock = lock_folder(folder)
        self.lock = threading.RLock()  # a thread that writes, or changes the catalog, holds it
        self.version = 0  # of the catalog
        self.state = threading.Lock()  # held for a moment: by a commit, and by a reader that picks the state it reads
        shutil.rmtree(temporary, ignore_errors=True)  # a process that was killed leaves its own there
        try:
            config = {
                "memory_limit": f"{memory_mb * 7 // 8}MB",  # the rest is for what DuckDB itself does not count
                "temp_directory": temporary,
                "max_temp_directory_size": f"{TEMPORARY_TIMES * memory_mb}MB",
                "default_null_order": "nulls_first_on_asc_last_on_desc",
                "checkpoint_threshold": "1TB",  # a commit that also checkpoints would take too long: the sweep does it
                "autoinstall_known_extensions": False, "autoload_known_extensions": False}
            try:
                self._root = duckdb.connect(path, config=config)
            except duckdb.Error:
                if not metadata_copy.restore(path):
                    raise
                self._root = duckdb.connect(path, config=config)
            metadata_copy.forget(path)
            register(self._root)
        except (duckdb.Error, OSError) as error:
            self._unlock()
            raise OSError(str(error)) from error
        self._writer = self._root.cursor()
        self._readers: deque[Connection] = deque()
        self._in_transaction: set[Connection] = set()  # of those that are in use

    def close(self) -> None:
        with self.lock:
            with suppress(duckdb.Error):  # DuckDB would do it without a copy of the metadata
                self.checkpoint(0)
            while self._readers:
                self._readers.pop().close()
            self._writer.close()
            self._root.close()
            self._unlock()

    def _unlock(self) -> None:
        if self._folder_lock is not None:
            self._folder_lock.close()

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """One transaction, all or nothing. It is on the disk when this ends."""
        with self.lock:
            self._writer.begin()
            try:
                transaction = Transaction(self._writer)
                yield transaction
                with self.state:
                    self._writer.commit()
                    transaction.publish()
                    self.version += transaction.changes_catalog
            except BaseException:
                with suppress(duckdb.Error):  # a commit that failed has rolled back already
                    self._writer.rollback()
                raise

    def reader(self) -> Connection:
        """A connection that belongs to the caller until `release`."""
        try:
            return self._readers.pop()
        except IndexError:
            connection = self._root.cursor()
            # a name that is no table would be looked up among Python's variables
            connection.execute("SET SESSION python_enable_replacements = false")
            return connection

    def begin(self, connection: Connection) -> None:
        """Begin a transaction that sees the present state until `release`: DuckDB picks it at the first look."""
        connection.begin()
        self._in_transaction.add(connection)
        connection.execute("SELECT id FROM databases LIMIT 0").fetchall()

    def release(self, connection: Connection) -> None:
        if connection in self._in_transaction:
            self._in_transaction.discard(connection)
            connection.rollback()
        if len(self._readers) < SPARE_READERS:
            self._readers.append(connection)
        else:
            connection.close()

    def checkpoint(self, limit: int = WAL_LIMIT) -> None:
        """Put the write-ahead log into the file once it is long. Readers go on; writers wait."""
        with suppress(FileNotFoundError):
            if os.path.getsize(self._wal) < limit:
                return
            connection = self.reader()
            with self.lock, suppress(duckdb.TransactionException):  # somebody reads an old state: it is tried again
                metadata_copy.save(connection, self._path)
                connection.execute("CHECKPOINT")
                metadata_copy.forget(self._path)
            self.release(connection)


def lock_folder(folder: str) -> IO | None:
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
