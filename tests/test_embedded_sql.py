"""The embedded database's SQL and store, asked directly: no server, no client."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedded.common.datatypes import Bound
from embedded.common.errors import TDengineError
from embedded.sql.parser import parse
from embedded.sql.planner import plan
from embedded.engine.results import EAGER_ROWS
from embedded.engine.session import Session
from embedded.storage.store import Store
from sql_cases import ANSWERS, ERRORS, REFUSED, SETUP, T

METERS = SETUP[0]
BIND = "INSERT INTO ? USING meters (groupid, location) TAGS (?, ?) VALUES (?, ?, ?, ?)"


def _bound(times, name="d0", tags=(1, "x")) -> Bound:
    """Rows of one subtable at these times; the voltages count from 0."""
    count = len(times)
    return Bound(name, list(tags), [times, [1.0] * count, list(range(count)), [1.0] * count])


@contextmanager
def opened(folder=None, retention_s=0, setup=(METERS,)):
    """A session with its own store, in the database `power`."""
    with tempfile.TemporaryDirectory() as temporary:
        store = Store(folder or temporary, retention_s)
        session = Session(store)
        for sql in ("CREATE DATABASE IF NOT EXISTS power", "USE power", *setup):
            session.execute(sql)
        yield session
        session.close()
        store.close()


@pytest.fixture
def session():
    with opened() as session:
        yield session


@pytest.fixture(scope="module")
def filled():
    with opened(setup=SETUP) as session:
        yield session


def rows(session, sql):
    result, found = session.execute(sql), []
    while part := result.fetch(1000):
        found += part
    return found


def refusal(call, *arguments) -> TDengineError:
    with pytest.raises(TDengineError) as caught:
        call(*arguments)
    return caught.value


# ---------------------------------------------------------------------- the SQL of sql_cases

@pytest.mark.parametrize("sql, columns, answer", ANSWERS, ids=[case[0] for case in ANSWERS])
def test_answers(filled, sql, columns, answer):
    result = filled.execute(sql)
    assert [(column.name, column.type.name) for column in result.columns] == columns
    found = result.fetch(100)
    if "ORDER BY" not in sql:
        found, answer = sorted(found, key=repr), sorted(answer, key=repr)
    assert found == answer
    assert [type(value) for row in found for value in row] == [type(value) for row in answer for value in row]


@pytest.mark.parametrize("sql, code, text", ERRORS, ids=[case[0] for case in ERRORS])
def test_mistakes(filled, sql, code, text):
    error = refusal(filled.execute, sql)
    assert (hex(error.code), text in error.message) == (hex(code), True), error.message


@pytest.mark.parametrize("sql, word", REFUSED, ids=[case[0] for case in REFUSED])
def test_what_is_not_supported_is_named(filled, sql, word):
    error = refusal(filled.execute, sql)
    assert word in error.message and "embedded database does not support" in error.message


def test_lengths(filled):
    sql = "SELECT tbname, location, CAST(location AS VARCHAR(5)), UPPER(location), CONCAT(location, 'ab'), 'abc' FROM meters"
    assert [column.length for column in filled.execute(sql).columns] == [270, 24, 5, 24, 26, 3]


def test_describe(filled):
    result = filled.execute("DESCRIBE meters")
    assert [(c.name, c.type.name, c.length) for c in result.columns] == [
        ("field", "VARCHAR", 325), ("type", "VARCHAR", 20), ("length", "INT", 4), ("note", "VARCHAR", 16),
        ("encode", "VARCHAR", 12), ("compress", "VARCHAR", 12), ("level", "VARCHAR", 12)]
    assert [row[:4] for row in result.fetch(10)] == [
        ("ts", "TIMESTAMP", 8, ""), ("current", "FLOAT", 4, ""), ("voltage", "INT", 4, ""), ("phase", "FLOAT", 4, ""),
        ("groupid", "INT", 4, "TAG"), ("location", "VARCHAR", 24, "TAG")]
    assert {row[1]: row[4:] for row in filled.execute("DESCRIBE kinds").fetch(20)} == {
        "TIMESTAMP": ("delta-i", "lz4", "medium"), "BOOL": ("bit-packing", "zstd", "medium"),
        **dict.fromkeys(("TINYINT", "SMALLINT"), ("simple8b", "zlib", "medium")),
        **dict.fromkeys(("BIGINT", "BIGINT UNSIGNED"), ("simple8b", "lz4", "medium")), "DOUBLE": ("delta-d", "lz4", "medium"),
        **dict.fromkeys(("NCHAR", "VARBINARY", "VARCHAR"), ("disabled", "zstd", "medium"))}


# ---------------------------------------------------------------------- databases, sessions, time

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
        assert rows(session, "SHOW DATABASES") == []


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
    assert rows(session, "SELECT `precision` FROM information_schema.ins_databases WHERE name = 'fine'") == [(precision,)]
    assert rows(session, "SHOW CREATE DATABASE fine") == [("fine", f"CREATE DATABASE `fine` PRECISION '{precision}'")]
    assert result.fetch(1) == [(ticks, ticks + second, 1)]
    assert rows(session, "SELECT v FROM fine.t WHERE ts = '2023-11-14 22:13:20.123456789+00:00'") == [(1,)]
    (now,), = rows(session, "SELECT CAST(NOW AS BIGINT) FROM fine.t")
    assert abs(now / second - time.time()) < 60


def test_zone_of_the_session(session):
    session.execute("CREATE TABLE t (ts TIMESTAMP, v INT)")
    shanghai = Session(session.store, "power", "Asia/Shanghai")
    shanghai.execute("INSERT INTO t VALUES ('2023-11-15 06:13:20', 1)")
    assert rows(shanghai, "SELECT ts FROM t WHERE ts = '2023-11-15 06:13:20'") == [(T,)]
    assert rows(shanghai, "SELECT _wstart, COUNT(*) FROM t INTERVAL(1d)") == [(1_699_977_600_000, 1)]  # midnight there
    assert rows(shanghai, "SELECT TIMETRUNCATE(ts, 1d), TO_ISO8601(ts) FROM t") == [
        (1_699_977_600_000, "2023-11-15T06:13:20.000+0800")]
    utc = Session(session.store, "power", "UTC")
    assert rows(utc, "SELECT _wstart, COUNT(*) FROM t INTERVAL(1d)") == [(1_699_920_000_000, 1)]
    new_york = Session(session.store, "power", "America/New_York")  # its offset changes with the season
    assert rows(new_york, "SELECT _wstart, COUNT(*) FROM t INTERVAL(1d)") == [(1_699_938_000_000, 1)]
    assert "Mars" in refusal(Session, session.store, None, "Mars/Olympus").message


def test_now_is_one_instant(session):
    assert session.execute("INSERT INTO d0 USING meters TAGS (1, 'x') VALUES (NOW, 1, 1, 1) (NOW, 2, 2, 2)").affected == 1
    assert rows(session, "SELECT voltage FROM d0") == [(2,)]
    assert session.execute("INSERT INTO d0 VALUES (NOW + 1s, 1, 1, 1) (NOW - 12h, 2, 2, 2)").affected == 2


# ---------------------------------------------------------------------- INSERT

def test_upsert_keeps_what_is_not_named(session):
    session.execute(f"INSERT INTO d0 USING meters TAGS (1, 'x') VALUES ({T}, 1, 2, 3)")
    session.execute(f"INSERT INTO d0 (ts, voltage, phase) VALUES ({T}, 20, NULL)")
    assert rows(session, "SELECT * FROM d0") == [(T, 1.0, 20, None)]


def test_a_float_is_the_32_bit_one_and_found_by_its_text(session):
    session.execute(f"INSERT INTO d0 USING meters TAGS (1, 'x') VALUES ({T}, 0.1, 1, 1)")
    assert rows(session, "SELECT `current` FROM d0 WHERE `current` = 0.1 AND `current` <= 0.1") == [(0.10000000149011612,)]
    assert rows(session, "SELECT `current` FROM d0 WHERE `current` > 0.1") == []


def test_tags_of_an_existing_subtable_stay(session):
    session.execute(f"INSERT INTO d0 USING meters TAGS (1, 'x') VALUES ({T}, 1, 2, 3)")
    session.execute(f"INSERT INTO d0 USING meters TAGS (9, 'y') VALUES ({T}, 1, 2, 3)")
    assert rows(session, "SELECT TAGS groupid, location FROM meters") == [(1, "x")]


def test_several_tables_in_one_insert_are_all_or_nothing(session):
    assert session.execute(f"INSERT INTO a USING meters TAGS (1, 'x') VALUES ({T}, 1, 1, 1) ({T + 1}, 1, 1, 1) "
                           f"b USING meters (groupid) TAGS (2) (ts, voltage) VALUES ({T}, 5)").affected == 3
    assert rows(session, "SELECT tbname, location, voltage FROM meters WHERE groupid = 2") == [("b", None, 5)]
    refusal(session.execute, f"INSERT INTO c USING meters TAGS (3, 'x') VALUES ({T}, 1, 1, 1) nope VALUES ({T}, 1)")
    assert rows(session, "SHOW TABLES") == [("a",), ("b",)]


def test_insert_into_the_super_table(session):
    session.execute(f"INSERT INTO a USING meters TAGS (1, 'x') VALUES ({T}, 1, 1, 1)")
    session.execute(f"INSERT INTO meters (tbname, groupid, ts, voltage) VALUES ('a', 9, {T}, 7) ('b', 2, {T}, 8)")
    assert rows(session, "SELECT tbname, groupid, `current`, voltage FROM meters ORDER BY tbname") == [
        ("a", 1, 1.0, 7), ("b", 2, None, 8)]
    assert refusal(session.execute, f"INSERT INTO meters VALUES ({T}, 1, 1, 1)").code == 0x0216


def test_bound_rows_of_many_tables(session):
    statement = session.prepare(BIND)
    assert statement.is_insert and statement.params == 7
    assert [(f.column.name, f.bind) for f in statement.fields] == [
        ("tbname", 4), ("groupid", 2), ("location", 2), ("ts", 1), ("current", 1), ("voltage", 1), ("phase", 1)]
    batch = [Bound(f"d{d}", [d, "place"], [list(range(T, T + 30)), [0.1] * 30, [d] * 30, [None] * 30])
             for d in range(10)]
    assert statement.execute(batch).affected == 300
    assert statement.execute(batch).affected == 300  # the same rows again
    assert rows(session, "SELECT COUNT(*), SUM(voltage), COUNT(phase) FROM meters") == [(300, 1350, 0)]
    assert rows(session, "SELECT DISTINCT `current` FROM meters") == [(0.10000000149011612,)]


def test_rows_bound_with_one_timestamp_are_one_row(session):
    bound = Bound("d0", [1, "x"], [[T] * 300, [1.0] * 300, list(range(300)), [0.0] * 300])
    assert session.prepare(BIND).execute([bound]).affected == 1
    assert session.prepare(BIND).execute([bound, bound]).affected == 1
    assert rows(session, "SELECT voltage FROM d0") == [(299,)]


@pytest.mark.parametrize("count", [1, 32, 33, 34, 100])  # 33 rows of these go into one statement
def test_many_bound_rows_keep_what_is_not_named(session, count):
    session.prepare(BIND).execute([Bound("d0", [1, "x"], [[T, T + 5], [1.0, 2.0], [7, 7], [0.5, None]])])
    times, voltages = [T + i * 7 % 60 for i in range(count)], [None if i % 3 == 0 else i for i in range(count)]
    statement = session.prepare("INSERT INTO ? USING meters TAGS (?, ?) (ts, voltage) VALUES (?, ?)")
    assert statement.execute([Bound(name, [1, "x"], [times, voltages]) for name in ("d0", "d1")]).affected == 2 * len(set(times))
    last = dict(zip(times, voltages))
    expected = {T: (1.0, 7, 0.5), T + 5: (2.0, 7, None)}
    expected |= {at: (expected.get(at, (None,))[0], value, expected.get(at, (None,))[-1]) for at, value in last.items()}
    assert rows(session, "SELECT ts, `current`, voltage, phase FROM d0 ORDER BY ts") == [
        (at, *values) for at, values in sorted(expected.items())]
    assert rows(session, "SELECT ts, voltage FROM d1 ORDER BY ts") == sorted(last.items())


def test_other_forms_of_bound_insert(session):
    session.execute("CREATE TABLE d0 USING meters TAGS (1, 'x')")
    named = session.prepare("INSERT INTO power.d0 (voltage, ts) VALUES (?, ?)")
    assert [f.column.name for f in named.fields] == ["voltage", "ts"]
    assert named.execute([Bound(None, None, [[5, 6], [T, T + 1]])]).affected == 2
    late = session.prepare("INSERT INTO ? (ts, phase) VALUES (?, ?)")
    assert [(f.column and f.column.name, f.bind) for f in late.fields] == [("tbname", 4), (None, 1), (None, 1)]
    assert late.execute([Bound("d0", None, [[T], [0.5]])]).affected == 1
    assert refusal(late.execute, [Bound("nope", None, [[T], [0.5]])]).code == 0x2603
    fixed = session.prepare("INSERT INTO ? USING meters TAGS (7, 'seven') VALUES (?, ?, ?, ?)")
    assert fixed.execute([Bound("d7", None, [[T], [1.0], [7], [1.0]])]).affected == 1
    assert rows(session, "SELECT tbname, location, voltage, phase FROM meters ORDER BY ts, tbname") == [
        ("d0", "x", 5, 0.5), ("d7", "seven", 7, 1.0), ("d0", "x", 6, None)]


@pytest.mark.parametrize("tags, columns, code", [
    ([1, "a text of more than 24 bytes"], [[T], [1.0], [1], [1.0]], 0x0200),
    ([2**31, "x"], [[T], [1.0], [1], [1.0]], 0x0200),
    ([1], [[T], [1.0], [1], [1.0]], 0x0200),
    ([1, "x"], [[T], [1.0], [1]], 0x0200),
    ([1, "x"], [[T, T], [1.0], [1], [1.0]], 0x0200),
    ([1, "x"], [[T], [1.0], [2**31], [1.0]], 0x0200),
    ([1, "x"], [[T], ["text"], [1], [1.0]], 0x0200),
    ([1, "x"], [[None], [1.0], [1], [1.0]], 0x0216),
    ([1, "x"], [[10**17], [1.0], [1], [1.0]], 0x060B),
])
def test_bound_values_that_do_not_fit(session, tags, columns, code):
    assert refusal(session.prepare(BIND).execute, [Bound("d0", tags, columns)]).code == code
    assert rows(session, "SHOW TABLES") == []


@pytest.mark.parametrize("sql, code", [
    ("INSERT INTO ? USING nope TAGS (?) VALUES (?)", 0x2603), ("INSERT INTO ? USING meters TAGS (?) VALUES (?,?,?,?)", 0x0216),
    ("INSERT INTO ? USING meters TAGS (?,?) VALUES (?,?)", 0x0216), ("INSERT INTO nope VALUES (?,?)", 0x2603),
    ("INSERT INTO ? USING meters TAGS (?,?) VALUES (?,1,?,?)", 0x0216), ("DROP TABLE meters", 0x2600), ("selec ?", 0x2600),
])
def test_statements_that_cannot_be_prepared(session, sql, code):
    assert refusal(session.prepare, sql).code == code


def test_bound_select(filled):
    statement = filled.prepare("SELECT voltage FROM meters WHERE ts >= ? AND location LIKE ? AND voltage <> ? "
                               "ORDER BY ts LIMIT 5")
    assert (statement.is_insert, statement.params, statement.fields) == (False, 3, [])
    assert statement.execute([Bound(None, None, [[T], ["Palo%"], [-1]])]).fetch(9) == [(210,), (212,)]
    assert statement.execute([Bound(None, None, [["2023-11-14T22:13:30Z"], ["%"], [0]])]).fetch(9) == [(212,), (222,)]
    assert refusal(statement.execute, [Bound(None, None, [[T]])]).code == 0x0200


def test_a_table_made_anew_is_found_by_an_old_statement(session):
    statement = session.prepare(BIND)
    bound = [Bound("d0", [1, "x"], [[T], [1.0], [1], [1.0]])]
    statement.execute(bound)
    session.execute("DROP STABLE meters")
    assert refusal(statement.execute, bound).code == 0x2603
    session.execute(METERS)
    assert statement.execute(bound).affected == 1


# ---------------------------------------------------------------------- against models

_values = st.one_of(st.none(), st.integers(-2**31, 2**31 - 1))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9), st.sampled_from(["v", "w", "vw"]), _values),
                max_size=40))
def test_upsert_is_a_dict_of_rows(inserts):
    with opened(setup=["CREATE STABLE m (ts TIMESTAMP, v INT, w INT) TAGS (g INT)"]) as session:
        model: dict = {}
        for name, at, columns, value in inserts:
            text = "NULL" if value is None else str(value)
            values = ", ".join([str(T + at)] + [text] * len(columns))
            sql = f"INSERT INTO {name} USING m TAGS (1) (ts, {', '.join(columns)}) VALUES ({values})"
            assert session.execute(sql).affected == 1
            model.setdefault((name, T + at), {"v": None, "w": None}).update(dict.fromkeys(columns, value))
        assert sorted(rows(session, "SELECT tbname, ts, v, w FROM m"), key=str) == sorted(
            ((*key, row["v"], row["w"]) for key, row in model.items()), key=str)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 40), _values), min_size=1, max_size=25,
                unique_by=lambda row: row[1]))
def test_aggregates_are_those_of_python(data):
    with opened(setup=["CREATE STABLE m (ts TIMESTAMP, v INT) TAGS (g INT)"]) as session:
        statement = session.prepare("INSERT INTO ? USING m TAGS (?) VALUES (?, ?)")
        statement.execute([Bound(name, [ord(name) % 2], [[T + at], [value]]) for name, at, value in data])
        by_group: dict = {}
        for name, at, value in sorted(data, key=lambda row: row[1]):
            by_group.setdefault(ord(name) % 2, []).append((T + at, value))
        expected = []
        for group, series in by_group.items():
            found = [value for _, value in series if value is not None]
            if found:
                answers = sum(found), sum(found) / len(found), min(found), max(found), found[-1], found[0]
            else:
                answers = (None,) * 6
            expected.append((group, len(series), len(found), *answers, series[-1][1]))
        sql = ("SELECT g, COUNT(*), COUNT(v), SUM(v), AVG(v), MIN(v), MAX(v), LAST(v), FIRST(v), LAST_ROW(v) "
               "FROM m GROUP BY g")
        assert sorted(rows(session, sql)) == sorted(expected, key=lambda row: row[0])
        # by seeks the same as by a scan, but that a group with no value at all has no row
        assert sorted(rows(session, "SELECT g, LAST(v), FIRST(v) FROM m GROUP BY g")) == sorted(
            (row[0], row[7], row[8]) for row in expected if row[2])
        windows: dict = {}
        for _, at, value in data:
            windows.setdefault((T + at) // 7 * 7, []).append(value)
        assert rows(session, "SELECT _wstart, COUNT(*) FROM m INTERVAL(7a)") == sorted(
            (start, len(values)) for start, values in windows.items())


@settings(max_examples=50, deadline=None)
@given(st.floats(width=32, allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False),
       st.integers(0, 2**64 - 1), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8))
def test_values_come_back_as_they_went_in(single, double, unsigned, text):
    create = "CREATE TABLE t (ts TIMESTAMP, f FLOAT, d DOUBLE, u BIGINT UNSIGNED, n NCHAR(8), b VARBINARY(32))"
    with opened(setup=[create]) as session:
        row = (T, single, double, unsigned, text, text.encode())
        session.prepare("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)").execute([Bound(None, None, [[value] for value in row])])
        assert rows(session, "SELECT * FROM t") == [row]
        found = rows(session, f"SELECT COUNT(*) FROM t WHERE u = {unsigned} AND u >= {unsigned} AND NOT u > {unsigned}")
        assert found == [(1,)]
        quoted = text.replace("\\", "\\\\").replace("'", "''")
        assert rows(session, f"SELECT COUNT(*) FROM t WHERE n = '{quoted}'") == [(1,)]


# ---------------------------------------------------------------------- the store

def test_rows_outlive_the_store(tmp_path):
    with opened(str(tmp_path)) as session:
        session.execute(f"INSERT INTO d0 USING meters TAGS (1, 'x') VALUES ({T}, 1, 2, 3)")
    with opened(str(tmp_path)) as session:
        assert rows(session, "SELECT tbname, location, voltage FROM meters") == [("d0", "x", 2)]
        session.execute(f"INSERT INTO d1 USING meters TAGS (2, 'y') VALUES ({T}, 1, 3, 3)")
        assert rows(session, "SELECT voltage FROM meters ORDER BY voltage") == [(2,), (3,)]


_WRITER = """
import sys
from embedded.common.datatypes import Bound
from embedded.engine.session import Session
from embedded.storage.store import Store
session = Session(Store(sys.argv[1], 0), "power")
statement = session.prepare("INSERT INTO ? USING meters TAGS (?, ?) VALUES (?, ?, ?, ?)")
for n in range(10**9):
    statement.execute([Bound(f"d{n % 3}", [1, "x"], [[10**12 + n], [1.0], [n], [1.0]])])
    print(n, flush=True)
"""


def test_a_kill_loses_nothing_acknowledged(tmp_path):
    with opened(str(tmp_path)):
        pass
    root = os.path.dirname(os.path.dirname(__file__))
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=root)
    for line in writer.stdout:
        if int(line) >= 200:
            break
    writer.send_signal(signal.SIGKILL)
    acknowledged = max([int(line), *map(int, writer.stdout.read().split("\n")[:-1])])
    writer.wait()
    with opened(str(tmp_path)) as session:
        stored = [value for value, in rows(session, "SELECT voltage FROM meters ORDER BY voltage")]
        assert stored == list(range(len(stored))) and len(stored) >= acknowledged + 1


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
        assert refusal(session.prepare(BIND).execute, [_bound([now - 61_000])]).code == 0x060B
        count = 5000
        session.prepare(BIND).execute([_bound(list(range(now - 59_000, now - 59_000 + count)))])
        store = session.store
        assert store.sweep() is False
        assert rows(session, "SELECT COUNT(*) FROM meters") == [(count,)]
        store.retention_s = 56  # as if some seconds had passed
        while store.sweep():
            pass
        (left, oldest), = rows(session, "SELECT COUNT(*), MIN(ts) FROM meters")
        assert 0 < left < count and oldest >= now - 56_000
        store.retention_s = 1
        while store.sweep():
            pass
        assert rows(session, "SELECT COUNT(*) FROM meters") == [(0,)]


def test_the_file_stops_growing_where_rows_are_swept(tmp_path):
    with opened(str(tmp_path), retention_s=3600) as session:
        store, statement, at, sizes = session.store, session.prepare(BIND), int(time.time() * 1000) + 10**6, []
        for round_ in range(8):
            times = list(range(at + round_ * 20_000, at + (round_ + 1) * 20_000))
            statement.execute([_bound(times)])
            store.retention_s = (int(time.time() * 1000) - times[-1]) / 1000  # all but the newest row is old
            while store.sweep():
                pass
            store.retention_s = 3600
            store.file.writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            sizes.append(os.path.getsize(tmp_path / "embedded.db"))
        assert sizes[-1] <= sizes[1] * 1.1


# ---------------------------------------------------------------------- many at once, and large

def _fill(session, count):
    session.prepare(BIND).execute([_bound(list(range(T, T + count)))])


def test_a_large_result_is_one_state_of_the_table(session):
    count = EAGER_ROWS * 2 + 7
    _fill(session, count)
    result = session.execute("SELECT voltage FROM meters ORDER BY ts")
    session.execute(f"INSERT INTO d0 (ts, voltage) VALUES ({T + count}, -1) ({T}, -1)")
    assert rows(session, f"SELECT voltage FROM d0 WHERE ts = {T}") == [(-1,)]
    found = []
    while part := result.fetch(3001):
        found += part
    assert found == [(n,) for n in range(count)]
    assert result.fetch(10) == []


def test_tags_are_of_the_state_that_the_rows_are_of(session):
    _fill(session, EAGER_ROWS + 100)
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
    _fill(session, EAGER_ROWS * 2)
    result = session.execute("SELECT voltage FROM meters ORDER BY ts")
    result.expire(60, 600)
    assert len(result.fetch(EAGER_ROWS)) == EAGER_ROWS
    result.expire(0, 600)
    assert "left open" in refusal(result.fetch, 1).message


def test_interrupt_ends_a_query(session):
    _fill(session, 50_000)
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


@pytest.mark.parametrize("sql, reads", [
    (f"SELECT CAST(ts AS BIGINT), tbname, location, voltage FROM meters WHERE ts > {T + 10} ORDER BY ts LIMIT 1000",
     "SEARCH d USING PRIMARY KEY (c0>?)"),
    ("SELECT * FROM meters ORDER BY ts DESC LIMIT 1", "SCAN d"),
    (f"SELECT * FROM d0 WHERE ts > {T + 10} ORDER BY ts", "USING INDEX subtable_1 (tb=? AND c0>?)"),
    ("SELECT * FROM meters WHERE location = 'x'", "USING INDEX subtable_1 (tb=?)"),
    ("SELECT LAST_ROW(*) FROM meters PARTITION BY tbname", "USING COVERING INDEX subtable_1 (tb=?)"),
])
def test_the_index_is_used(session, sql, reads):
    _fill(session, 10)
    found = plan(parse(sql), session.store, session.environment())
    connection = session.store.file.reader()
    steps = " | ".join(row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + found.sql, found.parameters))
    session.store.file.release(connection)
    assert reads in steps and "TEMP B-TREE FOR ORDER" not in steps


# ---------------------------------------------------------------------- the same questions over the wire

@pytest.mark.embedded_only
def test_answers_through_taosws(connection, database):
    connection.execute(f"USE {database}")
    for sql in SETUP:
        connection.execute(sql)
    for sql, columns, answer in ANSWERS:
        result = connection.query(sql)
        assert [field.name() for field in result.fields] == [label for label, _ in columns]
        found = [tuple(row) for row in result]
        kept = [i for i, (_, kind) in enumerate(columns) if kind != "TIMESTAMP"]  # taosws makes those text
        pick = lambda given: [tuple(row[i] for i in kept) for row in given]
        found, answer = pick(found), pick(answer)
        assert found == answer if "ORDER BY" in sql else sorted(found, key=repr) == sorted(answer, key=repr), sql
