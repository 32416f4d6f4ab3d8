"""What faults may not change: each is said in words, and after it viewers have the newest rows, each once."""

import statistics
import threading
import time
from collections import Counter
from contextlib import suppress

import pytest
import taosws

from tests.helpers.live_rows import shown, stored
from tests.helpers.programs import Server
from tests.helpers.viewers import CopyViewer, Viewer
from tests.helpers.waiting import wait_for

FAST = "--interval-ms=100", "--tdengine-timeout-s=1"
FEW = *FAST, "--rows-per-interval=60"
RECOVERY_S = 20  # it is 5 s; machines are shared


@pytest.fixture(scope="module")
def fast_server(module_dsn, tmp_path_factory):
    """One server for all faults of a module after which it is as before."""
    with Server(tmp_path_factory.mktemp("server"), module_dsn, *FAST) as server:
        yield server


@pytest.fixture
def fast_power(module_dsn, fast_server):
    """A connection to the database of `fast_server`, which has no table yet."""
    power = taosws.connect(module_dsn)
    power.execute("DROP TABLE IF EXISTS meters")
    trouble(fast_server, "the super table does not exist yet")
    return power


def now_shown(server) -> list[tuple] | None:
    """The rows that a viewer finds who comes now. None where the server closes the connection meanwhile."""
    found = []

    def look():
        with suppress(Exception), Viewer(server.port) as viewer:
            found.append(shown(viewer))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(2)
    return found[0] if found else None


def equal(rows: list[tuple] | None, newest: list[tuple], limit: int) -> bool:
    """Whether these are the newest rows, each once. Of the oldest millisecond any row may be the last to stay."""
    cut = newest[0][0] if len(newest) == limit else -1
    return rows is not None and len(rows) == len(newest) and (
        Counter(row for row in rows if row[0] > cut) == Counter(row for row in newest if row[0] > cut))


def check_rows(server, power, limit: int = 10_000, seconds: float = RECOVERY_S, engine: bool = False) -> None:
    """Waits until a new viewer's copy has exactly the database's newest rows, each once; then the engine's table, too.

    Nothing may be written meanwhile.
    """
    newest = stored(power, limit)
    what = "the database's newest rows, each once"
    with CopyViewer(server.port) as copy:
        wait_for(lambda: equal(copy.rows, newest, limit), seconds, what)
    if engine:
        wait_for(lambda: equal(now_shown(server), newest, limit), seconds, what)


def check_stayed(viewer, power, limit: int = 10_000) -> None:
    """A viewer that was there all the time is still connected, and has the database's newest rows."""
    assert viewer.closed is None
    assert equal(shown(viewer), stored(power, limit), limit)


def check_answers(server, viewer) -> None:
    """A viewer's question, and /status, are answered at once."""
    table = viewer.table()
    for ask in (table.size, server.status):
        seconds = []
        for _ in range(9):
            started = time.monotonic()
            ask()
            seconds.append(time.monotonic() - started)
        assert statistics.median(seconds) < 0.2


def trouble(server, words: str = "") -> str:
    """Waits until /status says a trouble with these words, and returns all it says. The log has to say it too."""
    def said():
        status = server.status()
        error = status["last_error"] or status["waiting"]
        return error and words in error and error
    error = wait_for(said, RECOVERY_S, f"{words!r} in /status")
    server.says(error, 5)
    return error


def check_flows(server, after: str = "") -> None:
    """Waits until /status says no trouble. Where there was one, `after`, the log says that it is over."""
    def flows():
        status = server.status()
        return status["last_error"] is None and status["waiting"] is None
    wait_for(flows, RECOVERY_S, "the end of the trouble in /status")
    if after:
        wait_for(lambda: "rows are flowing" in server.text().rpartition(after)[2], 5, "the trouble's end in the log")
