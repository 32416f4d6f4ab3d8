"""What the tests share: a database to talk to, and ways to wait.

The database is the one that `TDENGINE_DSN` names, else an embedded database, started as a process of its own
(taosws holds the GIL in every call, so a server in the test's process could not answer).
"""

import itertools
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import hypothesis
import pytest
import taosws

import meters
import producer as generator

ROOT = Path(__file__).parents[1]
_numbers = itertools.count()

hypothesis.settings.register_profile("tests", deadline=None)  # machines are shared: the time limit is pytest's
hypothesis.settings.load_profile("tests")


def wait_for(condition, seconds: float = 10, what: str = "the condition"):
    """The first true value of `condition()`; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not come within {seconds} s"
        time.sleep(0.01)
    return value


class Embedded:
    """An embedded database in a process of its own, its output in a file."""

    def __init__(self, log: Path, *options: str):
        self.log = log
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "embedded", "--port=0", *options], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
        try:
            self.port = int(wait_for(self._announced, what="the embedded database")[1])
        except BaseException:
            self.end()
            raise
        self.dsn = f"taosws://root:taosdata@localhost:{self.port}"
        self.http = f"http://localhost:{self.port}"

    def _announced(self):
        assert self.process.poll() is None, self.log.read_text()
        return re.search(r"on localhost:(\d+)", self.log.read_text())

    def connect(self, database: str = "", **options: str):
        """A connection: keep it as long as its results, or their fetch waits for a socket that is gone."""
        query = "&".join(f"{name}={value}" for name, value in options.items())
        return taosws.connect(f"{self.dsn}/{database}?{query}")

    def kill(self):
        """As a crash would: SIGKILL."""
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        """Ask it to stop; its exit status."""
        self.process.terminate()
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


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


@pytest.fixture
def database(connection) -> str:
    """The name of a database that is there for one test."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    connection.execute(f"CREATE DATABASE {name}")
    yield name
    connection.execute(f"DROP DATABASE IF EXISTS {name}")


@pytest.fixture
def power_dsn(dsn, database) -> str:
    """A DSN that names the test's own database."""
    return f"{dsn}/{database}"


@pytest.fixture
def power(power_dsn):
    """A connection whose current database is the test's own."""
    return taosws.connect(power_dsn)


@pytest.fixture
def write(power_dsn, power):
    """A function that writes one row of a meter at a time in epoch ms, with its voltage."""
    power.execute(meters.create_super_table())

    def write(meter: int, ts: int, voltage: int = 220):
        groupid, location = generator.tags(meter).values()
        power.execute(f"INSERT INTO d_bind_{meter} USING meters (groupid, location) TAGS ({groupid}, '{location}') "
                      f"VALUES ({ts}, 10.5, {voltage}, 0.5)")
    return write


def pytest_collection_modifyitems(items):
    if os.environ.get("TDENGINE_DSN"):
        for item in items:
            if "embedded_only" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="TDENGINE_DSN is set"))
