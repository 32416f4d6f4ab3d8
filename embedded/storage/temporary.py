"""The folder of a database that is not kept; and the folders that killed processes have left behind."""

import os
import shutil
import tempfile
from contextlib import closing, suppress
from pathlib import Path

from .duckfile import DATABASE_FILE, lock_folder

_PREFIX = "embedded-"
_MARK = "removed-at-exit"  # a file in such a folder: a folder that somebody has chosen by --folder has none


def temporary_folder() -> tempfile.TemporaryDirectory:
    """A context whose value is the path of a new folder, which is removed at its end. Clears what others have left."""
    if hasattr(os, "getuid"):  # Windows has no users of this kind, and no locks
        for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
            _remove_leftover(folder)
    folder = tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True)
    Path(folder.name, _MARK).touch()
    return folder


def _remove_leftover(folder: Path) -> None:
    """Remove the folder if it is one of this user's, and the process that made it has ended."""
    with suppress(OSError):  # it is in use, or somebody else removes it
        if folder.lstat().st_uid == os.getuid() and (folder / _MARK).is_file() and (folder / DATABASE_FILE).is_file():
            with closing(lock_folder(str(folder))):  # a process has locked it before it made the file
                shutil.rmtree(folder, ignore_errors=True)
