"""`sh run.sh` where a TDengine answers: it shows the rows, or says why it cannot, and ends all that it started."""

import socket

import pytest

from tests.helpers.programs import now_ms
from tests.helpers.waiting import wait_for
from tests.helpers.whole_demo import WholeDemo


@pytest.fixture
def start(tmp_path):
    """A function that starts the demo, with these environment variables; the demo is ended after the test."""
    started = []

    def start(**environment) -> WholeDemo:
        started.append(WholeDemo(tmp_path, **environment))
        return started[-1]
    yield start
    for demo in started:
        if demo.process.poll() is None:
            demo.end()


def test_port_in_use_is_named(start, power_dsn):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        demo = start(TDENGINE_DSN=power_dsn, PRODUCER="no", PERSPECTIVE_PORT=taken.getsockname()[1])
        assert demo.wait(60) == 1
        assert "choose another with --perspective-port or PERSPECTIVE_PORT" in demo.text()


def test_shows_the_rows_of_the_database_that_answers_and_writes_none(start, power_dsn, power, write):
    write(0, now_ms())
    demo = start(TDENGINE_DSN=power_dsn, PRODUCER="no")
    demo.runs()
    assert f"using taosws://root:***@{power_dsn.rpartition('@')[2]}, version 3." in demo.text()
    assert demo.listening() == [demo.port]
    wait_for(lambda: demo.status()["rows_seen"] == 1, what="the row")
    assert not (demo.tree / "logs" / "producer.log").exists()
    assert list(power.query("SELECT COUNT(*) FROM meters")) == [(1,)]
    demo.process.terminate()
    demo.stopped()


@pytest.mark.parametrize("columns", ("current FLOAT, voltage INT, phase FLOAT, energy BIGINT", "reading DOUBLE"))
def test_a_table_with_other_columns_gets_no_producer(start, power_dsn, power, columns):
    power.execute(f"CREATE STABLE meters (ts TIMESTAMP, {columns}) TAGS (groupid INT, location BINARY(24))")
    demo = start(TDENGINE_DSN=power_dsn)
    assert demo.wait(60) == 1
    assert "PRODUCER=no sh run.sh shows the rows of a table of your own" in demo.text()
    assert not (demo.tree / "logs" / "producer.log").exists()
