"""Questions that Perspective's engine cannot bear: they end it, and nobody notices but those that query it, too."""

import contextlib
import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import perspective
import pytest

from tests.helpers.guests import NO_VALUE, REFUSED, TOO_MUCH, ask, doubled
from tests.helpers.programs import Server, now_ms, producer
from tests.helpers.viewers import CopyViewer, Viewer
from tests.helpers.waiting import wait_for

QUESTION_S = 3
NOTICED_S = 2  # less than a question may take; on a quiet machine rows have a gap of 0.3 s


def memory_mb(process: int) -> float:
    with open(f"/proc/{process}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def engine(server: Server) -> int:
    """The process number of the newest engine."""
    return int(re.findall(r"engine started, process (\d+)", server.text())[-1])


def check_that_nobody_notices(server: Server, copy: CopyViewer, question) -> tuple[str, float]:
    """What `question` returns, and the most memory that an engine took, in MB. Rows and /status come meanwhile."""
    newest, came, most = None, time.monotonic(), 0.0
    with ThreadPoolExecutor() as pool:
        asking = pool.submit(question)
        while not asking.done():
            asked = time.monotonic()
            assert server.status()["last_error"] is None and time.monotonic() - asked < NOTICED_S
            if newest != copy.rows[-1]:
                newest, came = copy.rows[-1], time.monotonic()
            assert time.monotonic() - came < NOTICED_S
            try:
                most = max(most, memory_mb(engine(server)))
            except (IndexError, OSError):  # none is there at the moment
                pass
            time.sleep(0.05)
    return asking.result(), most


@pytest.fixture
def serve(power_dsn, tmp_path):
    """A function that starts a server with rows that come, and these options."""
    with ExitStack() as stack:
        def start(*options: str) -> tuple[Server, CopyViewer]:
            stack.enter_context(producer(tmp_path, power_dsn))
            server = stack.enter_context(Server(tmp_path, power_dsn, f"--question-s={QUESTION_S}", *options))
            copy = stack.enter_context(CopyViewer(server.port))
            wait_for(lambda: copy.rows, what="rows")
            return server, copy
        yield start


def test_a_question_that_takes_too_long(serve):
    server, copy = serve()
    with Viewer(server.port) as other:
        other.table().view()
        answer, most = check_that_nobody_notices(server, copy, lambda: ask(server.port, TOO_MUCH))
        assert f"this question took longer than {QUESTION_S} s (QUESTION_S)" in answer and most < 2048
        code, reason = wait_for(lambda: other.closed, what="the end of the connection")
        assert code == 1012 and reason == "another viewer's question was too much for the engine"
    with Viewer(server.port) as again:
        assert again.table().view().num_rows() > 0
    assert not copy.closed and server.status()["refused_requests"] == 1
    assert "Traceback" not in server.text() and len(server.text()) < 100_000


def test_a_question_that_takes_too_much_memory(serve):
    server, copy = serve("--engine-memory-mb=300")
    answer, most = check_that_nobody_notices(server, copy, lambda: ask(server.port, TOO_MUCH))
    assert re.search("bad_alloc|realloc failed|ENGINE_MEMORY_MB", answer) and most < 300  # the engine has several words
    wait_for(lambda: not ask(server.port, {}), what="an answer")  # an engine that has run out of memory may end later


def test_views_that_make_each_update_slow(serve):
    """They are the fault of the viewer that has them, not of those that have others."""
    server, copy = serve("--table-limit=300")  # each tick brings as many rows: an update takes longer than a new view
    wait_for(lambda: len(copy.rows) == 300, what="a full table")
    with Viewer(server.port) as honest, Viewer(server.port, **{"X-Forwarded-For": "192.0.2.7"}) as guest:
        honest.table().view(group_by=["location"])
        table, slow = guest.table(), {"expressions": {"x": doubled(18)}, "columns": ["x"]}

        def ask_until_it_ends() -> None:
            with contextlib.suppress(perspective.PerspectiveError, ConnectionError):
                while True:
                    table.view(**slow)

        check_that_nobody_notices(server, copy, ask_until_it_ends)
        said = [wait_for(lambda: viewer.closed, what="the end of the connection") for viewer in (guest, honest)]
    assert said == [(1012, "your views are too much: an update of the table took longer than 3 s (QUESTION_S)"),
                    (1012, "another viewer's views were too much for the engine")]
    assert server.status()["refused_requests"] == 1


def test_three_strikes(server):
    """A filter without a value ends the engine at once. A reverse proxy says who it was."""
    hostile = {"X-Forwarded-For": "192.0.2.9"}
    for _ in range(3):
        assert "ended the engine" in ask(server.port, NO_VALUE, **hostile)
    with pytest.raises(Exception, match="503"):
        Viewer(server.port, **hostile).__enter__()
    with Viewer(server.port, **{"X-Forwarded-For": "192.0.2.7"}) as other, CopyViewer(server.port) as copy:
        assert other.table().size() == 1
        wait_for(lambda: copy.rows, what="rows")


def test_what_no_panel_asks_never_comes_to_the_engine(server):
    with Viewer(server.port) as viewer:
        viewer.table()
        engines = server.text().count("engine started")
        for name, config in REFUSED.items():
            assert re.search("may have (64 entries|4096 characters) here", ask(server.port, config)), name
            assert server.text().count("engine started") == engines, name


def test_the_server_ends_while_the_engine_is_busy(power_dsn, write, tmp_path):
    write(0, now_ms())
    with Server(tmp_path, power_dsn, "--question-s=60") as server, Viewer(server.port) as viewer:
        viewer.table()
        os.kill(engine(server), signal.SIGSTOP)
        assert server.end(5) == 0
        wait_for(lambda: not os.path.exists(f"/proc/{engine(server)}"), what="the end of the engine")
