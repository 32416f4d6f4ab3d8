"""The embedded database's file: what outlives a stop or a kill, and what is deleted."""

import os
import shutil
import subprocess
import sys
import time

import pytest
from sql_cases import T

from embedded.storage import metadata_copy
from embedded.storage.store import Store
from tests.helpers.databases import ROOT
from tests.helpers.embedded_kills import kill_again_and_again, stored
from tests.helpers.embedded_session import BIND, bound, opened, refusal, rows


def sweep(store):
    while store.sweep():
        pass


def test_rows_outlive_the_store(tmp_path):
    with opened(str(tmp_path)) as session:
        session.execute(f"INSERT INTO d0 USING meters TAGS (1, 'x') VALUES ({T}, 1, 2, 3)")
    with opened(str(tmp_path)) as session:
        assert rows(session, "SELECT tbname, location, voltage FROM meters") == [("d0", "x", 2)]
        session.execute(f"INSERT INTO d1 USING meters TAGS (2, 'y') VALUES ({T}, 1, 3, 3)")
        assert rows(session, "SELECT voltage FROM meters ORDER BY voltage") == [(2,), (3,)]


def test_a_kill_loses_nothing_acknowledged(tmp_path):
    assert kill_again_and_again(str(tmp_path), 3) >= 30


def test_one_process_a_folder(tmp_path):
    with opened(str(tmp_path)):
        with pytest.raises(OSError, match="another embedded database"):
            Store(str(tmp_path))


def test_rows_past_the_retention_are_refused_and_swept():
    with opened(retention_s=60) as session:
        now = int(time.time() * 1000)
        error = refusal(session.execute, f"INSERT INTO d0 USING meters TAGS (1, 'x') VALUES ({now - 61_000}, 1, 1, 1)")
        assert error.code == 0x060B
        assert error.message.startswith("Timestamp data out of range")
        assert "60 s" in error.message and "--retention" in error.message
        assert refusal(session.prepare(BIND).execute, [bound([now - 61_000])]).code == 0x060B
        count = 5000
        session.prepare(BIND).execute([bound(list(range(now - 59_000, now - 59_000 + count)))])
        store = session.store
        assert store.sweep() is False
        assert rows(session, "SELECT COUNT(*) FROM meters") == [(count,)]
        store.retention_s = 56  # as if some seconds had passed
        sweep(store)
        (left, oldest), = rows(session, "SELECT COUNT(*), FIRST(ts) FROM meters")
        assert 0 < left < count and oldest >= now - 57_000  # at most one step of deleting is late
        store.retention_s = 1
        sweep(store)
        assert rows(session, "SELECT COUNT(*) FROM meters") == [(0,)]


@pytest.mark.parametrize("retention_s, step_s", [(10, 1), (60, 1), (600, 10), (3600, 60), (7 * 86400, 10080)])
def test_old_rows_are_deleted_in_coarse_steps(monkeypatch, retention_s, step_s):
    """As TDengine drops whole files: between two steps nothing is deleted, so viewers of slow data see no change."""
    start = 1_800_000_000 // step_s * step_s
    with opened(retention_s=retention_s) as session:
        def oldest_at(second):
            monkeypatch.setattr(time, "time_ns", lambda: int(second * 10**9))
            sweep(session.store)
            (oldest, count), = rows(session, "SELECT FIRST(ts), COUNT(*) FROM meters")
            assert count == 2 * step_s - (oldest // 1000 - start)
            return oldest // 1000 - start

        monkeypatch.setattr(time, "time_ns", lambda: start * 10**9)
        session.prepare(BIND).execute([bound([1000 * (start + i) for i in range(2 * step_s)])])
        assert oldest_at(start + retention_s) == 0
        assert oldest_at(start + retention_s + step_s - 0.01) == 0
        assert oldest_at(start + retention_s + step_s) == step_s
        assert oldest_at(start + retention_s + 2 * step_s - 0.01) == step_s
        # what the step has not reached yet is refused all the same
        error = refusal(session.prepare(BIND).execute, [bound([1000 * (start + step_s)])])
        assert error.code == 0x060B


def test_the_file_stops_growing_where_rows_are_swept(tmp_path):
    with opened(str(tmp_path), retention_s=3600) as session:
        store, statement, at, sizes = session.store, session.prepare(BIND), int(time.time() * 1000) + 10**6, []
        for round_ in range(8):
            times = list(range(at + round_ * 20_000, at + (round_ + 1) * 20_000))
            statement.execute([bound(times)])
            store.retention_s = (int(time.time() * 1000) - times[-1]) / 1000  # all but the last second is old
            sweep(store)
            store.retention_s = 3600
            store.file.checkpoint(0)
            sizes.append(os.path.getsize(tmp_path / "embedded.duckdb"))
        assert sizes[-1] <= sizes[1] * 1.1


_FULL_DISK = """
import resource, signal, sys
from embedded.common.datatypes import Bound
from embedded.common.errors import TDengineError
from tests.helpers.embedded_frames import INSERT
from tests.helpers.embedded_kills import BASE, opened
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
session = opened(sys.argv[1])

def write(n):
    times = list(range(BASE + 1000 * n, BASE + 1000 * n + 900))
    columns = [times, [1.0] * 900, [n] * 900, [1.0] * 900]
    session.prepare(INSERT).execute([Bound("d0", [1, "x"], columns)])

def count():
    return session.execute("SELECT COUNT(*) FROM meters").fetch(1)[0][0]

resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
written = 0
try:
    while True:
        write(written)
        written += 1
except TDengineError as error:
    print(error.message)
assert 0 < written < 100 and count() == 900 * written, (written, count())
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
write(written)
print(count())
"""


def test_a_full_disk_refuses_writes_and_loses_nothing(tmp_path):
    """A limit for the size of files stands for the end of the disk. The writer ends without closing its file."""
    program = _FULL_DISK + "import os; sys.stdout.flush(); os._exit(0)"
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, capture_output=True, text=True,
                          timeout=60)
    said, count = done.stdout.splitlines()
    assert "embedded.duckdb" in said and "too large" in said, done.stderr
    assert len(stored(str(tmp_path))) == int(count)


def test_a_kill_in_the_middle_of_a_checkpoint_leaves_a_file_that_opens(tmp_path):
    """As if only the first half of the metadata had been written over."""
    path = str(tmp_path / "killed" / "embedded.duckdb")
    with opened(str(tmp_path / "first")) as session:
        session.prepare(BIND).execute([bound([T, T + 1])])
        session.store.file.checkpoint(0)
        session.prepare(BIND).execute([bound([T + 2])])
        metadata_copy.save(session.store.file.reader(), str(tmp_path / "first" / "embedded.duckdb"))
        shutil.copytree(tmp_path / "first", tmp_path / "killed")
    with open(path + ".metadata", "rb") as copy, open(path, "r+b") as file:
        file.seek(12288 + 262144 * int.from_bytes(copy.read(8), "little"))
        file.write(b"x" * 131072)
    with opened(str(tmp_path / "killed")) as session:
        assert rows(session, "SELECT COUNT(*) FROM meters") == [(3,)]
    assert not os.path.exists(path + ".metadata")
