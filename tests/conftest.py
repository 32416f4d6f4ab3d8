"""The fixtures that many tests use: a database, and the page in Chromium.

The database is the one that `TDENGINE_DSN` names, else an embedded database.
"""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import PurePath

import hypothesis
import pytest
import taosws
from xdist.scheduler import LoadScopeScheduling

import meters
from tests.helpers.browser import browser, open_page, shared  # noqa: F401 (fixtures)
from tests.helpers.databases import Embedded
from tests.helpers.embedded_session import session, store  # noqa: F401 (fixtures)
from tests.helpers.faults import fast_power, fast_server  # noqa: F401 (fixtures)
from tests.helpers.meter_rows import write_row
from tests.helpers.programs import Server, now_ms

# The modules that open the page in Chromium. All tests of one queue run in one worker, one after the other.
QUEUES = {"test_faults_page.py": "one", "test_page.py": "two", "test_bounds_page.py": "two",
          "test_viewers_page.py": "three",
          "test_reverse_proxy.py": "three", "test_status_line.py": "three", "test_examples.py": "three",
          "test_readme.py": "three", "test_history_page.py": "two", "test_sheets_page.py": "one",
          "test_layouts_page.py": "one"}
# The modules whose tests share a server, or load statsmodels: all tests of one run in one worker.
SHARING = {"test_bounds_http.py", "test_bounds_logs.py", "test_engine.py", "test_faults.py", "test_faults_rows.py",
           "test_history.py", "test_history_messages.py", "test_history_trouble.py", "test_rows.py", "test_server.py",
           "test_trend.py", "test_viewers.py"}
# These have long tests: started last, they would run alone in the end.
LONG = {"test_fuzz.py", "test_poller.py", "test_wide_rows.py"}
_numbers = itertools.count()

hypothesis.settings.register_profile("tests", deadline=None)  # machines are shared: the time limit is pytest's
hypothesis.settings.load_profile("tests")


@pytest.fixture
def start_embedded(tmp_path):
    """A function that starts an embedded database with these options; all are ended after the test."""
    started = []

    def start(*options: str) -> Embedded:
        started.append(Embedded(tmp_path / f"embedded-{len(started)}.log", *options))
        return started[-1]

    yield start
    for embedded in started:
        if embedded.process.poll() is None:
            embedded.end()


@pytest.fixture(scope="session")
def embedded(tmp_path_factory):
    """One embedded database for all tests that leave it as it was."""
    embedded = Embedded(tmp_path_factory.mktemp("embedded") / "log", "--retention=0")
    yield embedded
    assert embedded.end() == 0, embedded.log.read_text()


@pytest.fixture(scope="session")
def dsn(request) -> str:
    """A DSN without a database: `TDENGINE_DSN`, or the embedded database's."""
    return os.environ.get("TDENGINE_DSN") or request.getfixturevalue("embedded").dsn


@pytest.fixture
def connection(dsn):
    return taosws.connect(dsn)


@contextmanager
def new_database(connection: taosws.Connection) -> Iterator[str]:
    """The name of a database that is there meanwhile."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    connection.execute(f"CREATE DATABASE {name}")
    yield name
    connection.execute(f"DROP DATABASE IF EXISTS {name}")


@pytest.fixture
def database(connection) -> str:
    """The name of a database that is there for one test."""
    with new_database(connection) as name:
        yield name


@pytest.fixture
def power_dsn(dsn, database) -> str:
    """A DSN that names the test's own database."""
    return f"{dsn}/{database}"


@pytest.fixture
def power(power_dsn):
    """A connection whose current database is the test's own."""
    return taosws.connect(power_dsn)


@pytest.fixture
def write(power):
    """A function that writes one row of a meter at a time in epoch ms, with its voltage."""
    power.execute(meters.create_super_table())
    return partial(write_row, power)


@pytest.fixture(scope="module")
def module_dsn(dsn) -> str:
    """A DSN that names a database for all tests of a module, which share a server."""
    with new_database(taosws.connect(dsn)) as name:
        yield f"{dsn}/{name}"


@pytest.fixture(scope="module")
def module_power(module_dsn):
    """A connection whose current database is the module's."""
    return taosws.connect(module_dsn)


@pytest.fixture(scope="module")
def server(module_dsn, module_power, tmp_path_factory):
    """A server for all tests of a module that leave it as it is: its database has one row, and gets no more."""
    module_power.execute(meters.create_super_table())
    write_row(module_power, 0, now_ms())
    with Server(tmp_path_factory.mktemp("server"), module_dsn) as server:
        yield server


class ThreeBrowsers(LoadScopeScheduling):
    """How `pytest -n 4` shares the tests out: first the queues, then all others, each to the next free worker.

    A page that draws keeps more than a core busy. With four of them at a time none was drawn in time, on two cores.
    """

    def _split_scope(self, nodeid: str) -> str:
        module = PurePath(nodeid.partition("::")[0]).name
        return QUEUES.get(module, module if module in SHARING else nodeid)


def pytest_xdist_make_scheduler(config, log):
    return ThreeBrowsers(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem):
    """Ends the browser before a module that opens no page: `asyncio.run()` fails in a thread where Playwright runs."""
    try:
        return (yield)
    finally:
        if not nextitem or nextitem.path.name not in QUEUES:
            shared.end()


def pytest_collection_modifyitems(items):
    for item in items:
        assert "browser" not in item.fixturenames or item.path.name in QUEUES, f"{item.path.name} belongs to a queue"
    items.sort(key=lambda item: item.path.name not in LONG)
    if os.environ.get("TDENGINE_DSN"):
        for item in items:
            if "embedded_only" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="TDENGINE_DSN is set"))
