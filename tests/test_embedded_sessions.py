"""Sessions of the embedded database: databases, zones, precisions, NOW, and several sessions at once."""

import threading
import time
from datetime import datetime

import pytest
from sql_cases import T

from embedded.common.datatypes import Bound
from embedded.common.errors import TDengineError
from embedded.engine.results import EAGER_ROWS
from embedded.engine.session import Session
from tests.helpers.embedded_session import BIND, fill, opened, refusal, rows


def test_no_database():
    with opened() as other:
        session = Session(other.store)
        assert rows(session, "SELECT DATABASE()") == [(None,)]
        assert refusal(session.execute, "SELECT * FROM meters").code == 0x2616
        assert refusal(Session, other.store, "nowhere").code == 0x0388
        assert rows(session, "SELECT COUNT(*) FROM power.meters") == [(0,)]
        session.execute("USE power")
        assert rows(session, "SELECT DATABASE()") == [("power",)]
        assert refusal(session.execute, "CREATE DATABASE power").code == 0x0381
        session.execute("DROP DATABASE power")
        assert rows(session, "SELECT DATABASE()") == [(None,)]
        assert rows(session, "SHOW USER DATABASES") == []


def test_it_announces_itself(session):
    (version,), = rows(session, "SELECT SERVER_VERSION()")
    assert version.endswith(".embedded")
    assert tuple(map(int, version.split(".")[:3])) >= (3, 3, 2)


@pytest.mark.parametrize("precision, ticks", [
    ("ms", 1_700_000_000_123), ("us", 1_700_000_000_123_456), ("ns", 1_700_000_000_123_456_789)])
def test_precision(session, precision, ticks):
    session.execute(f"CREATE DATABASE fine PRECISION '{precision}'")
    session.execute("CREATE TABLE fine.t (ts TIMESTAMP, v INT)")
    session.execute("INSERT INTO fine.t VALUES ('2023-11-14T22:13:20.123456789Z', 1)")
    result = session.execute("SELECT ts, ts + 1s, v FROM fine.t")
    second = {"ms": 10**3, "us": 10**6, "ns": 10**9}[precision]
    assert result.precision == ("ms", "us", "ns").index(precision)
    assert rows(session, "SELECT `precision` FROM information_schema.ins_databases WHERE name = 'fine'") == [(precision,
                                                                                                              )]
    assert rows(session, "SHOW CREATE DATABASE fine") == [
        ("fine", f"CREATE DATABASE `fine` KEEP 3650d,3650d,3650d PRECISION '{precision}'")]
    assert result.fetch(1) == [(ticks, ticks + second, 1)]
    assert rows(session, "SELECT v FROM fine.t WHERE ts = '2023-11-14 22:13:20.123456789+00:00'") == [(1,)]
    (now,), = rows(session, "SELECT CAST(NOW AS BIGINT) FROM fine.t")
    assert abs(now / second - time.time()) < 60


def test_zone_of_the_session(session):
    session.execute("CREATE TABLE t (ts TIMESTAMP, v INT)")
    shanghai = Session(session.store, "power", "Asia/Shanghai")
    shanghai.execute("INSERT INTO t VALUES ('2023-11-15 06:13:20', 1)")
    assert rows(shanghai, "SELECT ts FROM t WHERE ts = '2023-11-15 06:13:20'") == [(T,)]
    assert rows(shanghai, "SELECT TIMETRUNCATE(ts, 1d), TO_ISO8601(ts) FROM t") == [
        (1_699_977_600_000, "2023-11-15T06:13:20.000+0800")]
    # Days of INTERVAL begin in the server's zone, as in TDengine: not in that of the connection.
    midnight = datetime.fromtimestamp(T / 1000).replace(hour=0, minute=0, second=0, microsecond=0)
    for zone in ("Asia/Shanghai", "UTC", "America/New_York"):
        other = Session(session.store, "power", zone)
        assert rows(other, "SELECT _wstart, COUNT(*) FROM t INTERVAL(1d)") == [(midnight.timestamp() * 1000, 1)]
    assert "Mars" in refusal(Session, session.store, None, "Mars/Olympus").message


def test_now_is_the_databases_clock(session):
    for sql in ("SELECT CAST(NOW() AS BIGINT)", "SELECT CAST(NOW AS BIGINT)"):
        result = session.execute(sql)
        assert [column.type.name for column in result.columns] == ["BIGINT"]
        (now,), = result.fetch(2)
        assert abs(now - time.time() * 1000) < 5000


def test_now_is_one_instant(session):
    two_rows = "INSERT INTO d0 USING meters TAGS (1, 'x') VALUES (NOW, 1, 1, 1) (NOW, 2, 2, 2)"
    assert session.execute(two_rows).affected == 1
    assert rows(session, "SELECT voltage FROM d0") == [(2,)]
    assert session.execute("INSERT INTO d0 VALUES (NOW + 1s, 1, 1, 1) (NOW - 12h, 2, 2, 2)").affected == 2


def test_a_large_result_is_one_state_of_the_table(session):
    count = EAGER_ROWS * 2 + 7
    fill(session, count)
    result = session.execute("SELECT voltage FROM meters ORDER BY ts")
    session.execute(f"INSERT INTO d0 (ts, voltage) VALUES ({T + count}, -1) ({T}, -1)")
    assert rows(session, f"SELECT voltage FROM d0 WHERE ts = {T}") == [(-1,)]
    found = []
    while part := result.fetch(3001):
        found += part
    assert found == [(n,) for n in range(count)]
    assert result.fetch(10) == []


def test_tags_are_of_the_state_that_the_rows_are_of(session):
    fill(session, EAGER_ROWS + 100)
    session.execute(f"INSERT INTO d1 USING meters TAGS (NULL, 'y') VALUES ({T + EAGER_ROWS + 100}, 1, 2, 3)")
    sql = "SELECT location, voltage, groupid, tbname FROM meters ORDER BY ts"
    expected = session.execute(sql + ", tbname").fetch(9) + rows(session, sql)[9:]
    result = session.execute(sql)
    found = result.fetch(EAGER_ROWS)
    session.execute("DROP TABLE d0")
    session.execute("DROP TABLE d1")
    while part := result.fetch(1000):
        found += part
    assert found == expected and found[-1] == ("y", 2, None, "d1")
    assert rows(session, sql) == []


def test_an_abandoned_result_is_ended(session):
    fill(session, EAGER_ROWS * 2)
    result = session.execute("SELECT voltage FROM meters ORDER BY ts")
    result.expire(60, 600)
    assert len(result.fetch(EAGER_ROWS)) == EAGER_ROWS
    result.expire(0, 600)
    assert "left open" in refusal(result.fetch, 1).message


def test_interrupt_ends_a_query(session):
    fill(session, 50_000)
    slow = "SELECT COUNT(*) FROM (SELECT STDDEV(voltage) FROM meters GROUP BY voltage % 9999, ts)"
    answers = []

    def ask():
        try:
            while True:
                rows(session, slow)
        except TDengineError as error:
            answers.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not answers:
        assert time.monotonic() < deadline
        session.interrupt()
        time.sleep(0.01)
    thread.join()
    assert answers[0].code == 0x0328
    assert rows(session, "SELECT COUNT(*) FROM meters") == [(50_000,)]


def test_sessions_write_and_read_at_once(session):
    store, errors = session.store, []

    def work(number):
        try:
            own = Session(store, "power")
            statement = own.prepare(BIND)
            for turn in range(40):
                times = list(range(T + turn * 10, T + turn * 10 + 10))
                statement.execute([Bound(f"d{number}", [number, "x"], [times, [1.0] * 10, [number] * 10, [1.0] * 10])])
                assert rows(own, f"SELECT COUNT(*) FROM d{number}") == [((turn + 1) * 10,)]
            own.close()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert rows(session, "SELECT tbname, COUNT(*) FROM meters GROUP BY tbname ORDER BY tbname") == [
        (f"d{n}", 400) for n in range(4)]
