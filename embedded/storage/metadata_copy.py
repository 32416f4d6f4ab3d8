"""A copy of the blocks that DuckDB's checkpoint writes over.

DuckDB 2.0.1 writes a checkpoint into free blocks, and then lets the file's header point to them. But metadata goes into
the blocks where the old metadata is, which still counts. A process that is killed while it writes such a block (256
KiB) leaves a file that does not open. So these blocks are copied before, and put back if the file does not open.
"""

import os
import struct

import duckdb

_FIRST, _SIZE = 3 * 4096, 262_144  # of DuckDB's blocks, in bytes
_NUMBER = struct.Struct("<Q")


def save(connection: duckdb.DuckDBPyConnection, path: str) -> None:
    """Copy the metadata of the DuckDB file `path`, before a checkpoint. No other checkpoint may run."""
    found = connection.execute("SELECT DISTINCT block_id FROM pragma_metadata_info()").fetchall()
    with open(path, "rb") as file, open(path + ".new", "wb") as copy:
        for number, in found:
            file.seek(_FIRST + number * _SIZE)
            copy.write(_NUMBER.pack(number) + file.read(_SIZE).ljust(_SIZE, b"\0"))
        copy.flush()
        os.fsync(copy.fileno())
    os.replace(path + ".new", path + ".metadata")


def forget(path: str) -> None:
    """The checkpoint has come to its end, or the file has opened."""
    if os.path.exists(path + ".metadata"):
        os.remove(path + ".metadata")


def restore(path: str) -> bool:
    """Put the copy back into a file that does not open. False where there is none."""
    if not os.path.exists(path + ".metadata"):
        return False
    with open(path + ".metadata", "rb") as copy, open(path, "r+b") as file:
        while head := copy.read(_NUMBER.size):
            file.seek(_FIRST + _NUMBER.unpack(head)[0] * _SIZE)
            file.write(copy.read(_SIZE))
        file.flush()
        os.fsync(file.fileno())
    return True
