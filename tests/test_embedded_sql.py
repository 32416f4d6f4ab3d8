"""The embedded database's SQL: every case of sql_cases.py, and how DuckDB is asked."""

import math
import time
from functools import partial

import pytest
from sql_cases import ANSWERS, ERRORS, REFUSED, SETUP, T

from embedded.common.datatypes import Bound
from embedded.engine.session import Session
from embedded.sql.parser import parse
from embedded.sql.planner import plan
from tests.helpers.cases import check_each
from tests.helpers.embedded_session import (
    BIND,
    bound,
    check_mistake,
    check_unsupported,
    fill,
    opened,
    refusal,
    rows,
)


@pytest.fixture(scope="module")
def filled():
    with opened(setup=SETUP) as session:
        yield session


def test_answers(filled):
    def check(sql, columns, answer):
        result = filled.execute(sql)
        assert [(column.name, column.type.name) for column in result.columns] == columns
        found = result.fetch(100)
        if "ORDER BY" not in sql and "late" not in sql:
            found, answer = sorted(found, key=repr), sorted(answer, key=repr)
        assert found == answer
        assert [type(value) for row in found for value in row] == [type(value) for row in answer for value in row]

    check_each(ANSWERS, check)


def test_mistakes(filled):
    check_each(ERRORS, partial(check_mistake, filled))


def test_what_is_not_supported_is_named(filled):
    check_each(REFUSED, partial(check_unsupported, filled))


def test_lengths(filled):
    sql = ("SELECT tbname, location, CAST(location AS VARCHAR(5)), UPPER(location), CONCAT(location, 'ab'), "
           "'abc' FROM meters")
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
        **dict.fromkeys(("BIGINT", "BIGINT UNSIGNED"), ("simple8b", "lz4", "medium")),
        "DOUBLE": ("delta-d", "lz4", "medium"),
        **dict.fromkeys(("NCHAR", "VARBINARY", "VARCHAR"), ("disabled", "zstd", "medium"))}


def _explained(session, sql):
    """The plan, and DuckDB's steps for it."""
    found = plan(parse(sql), session.store, session.environment())
    connection = session.store.file.reader()
    steps = " ".join(row[1] for row in connection.execute("EXPLAIN " + found.sql).fetchall())
    session.store.file.release(connection)
    return found, steps


def test_tags_are_looked_up_after_the_rows(session):
    """The demo's poll reads rows by time, without a join."""
    fill(session, 10)
    sql = (f"SELECT CAST(ts AS BIGINT), tbname, location, groupid, `current` FROM meters WHERE ts > {T + 2} "
           f"AND ts <= {T + 8} ORDER BY ts LIMIT 3")
    found, steps = _explained(session, sql)
    assert found.tags.names == {1: "name", 2: "t1", 3: "t0"}
    assert "tags_1" not in steps and "Top N" in steps and f"((c0 > {T + 2}) AND (c0 <= {T + 8}))" in steps
    assert rows(session, sql) == [(T + i, "d0", "x", 1, 1.0) for i in (3, 4, 5)]


@pytest.mark.parametrize("sql, condition", [
    ("SELECT LAST_ROW(*) FROM meters PARTITION BY tbname", f"(d.c0 >= {T + 9})"),
    (f"SELECT LAST(ts) FROM meters WHERE ts > {T}", f"(d.c0 >= {T + 9})"),
    ("SELECT LAST_ROW(voltage), location FROM meters WHERE location = 'x'", f"(d.c0 >= {T + 9})"),
    ("SELECT voltage FROM meters WHERE tbname = 'd0'", "d.tb IN ({d0})"),
])
def test_rows_that_cannot_matter_are_not_read(session, sql, condition):
    fill(session, 10)
    d0 = session.store.databases["power"].tables["meters"].subtables["d0"]
    assert condition.format(d0=d0) in _explained(session, sql)[0].sql
    assert rows(session, sql)


@pytest.mark.parametrize("sql", [
    f"SELECT LAST_ROW(ts) FROM meters WHERE ts < {T + 5}", "SELECT LAST_ROW(ts) FROM meters WHERE voltage < 5",
    "SELECT LAST(ts), MAX(voltage) FROM meters WHERE voltage < 5",
    "SELECT LAST_ROW(ts) FROM meters PARTITION BY voltage > 4 ORDER BY ts LIMIT 1"])
def test_an_older_row_is_found_where_it_is_the_newest_that_is_asked_for(session, sql):
    fill(session, 10)
    assert rows(session, sql)[0][0] == T + 4


def test_the_newest_rows_of_subtables_that_ended_long_ago_are_found(session):
    for i in range(20):
        session.prepare(BIND).execute([bound([T + i * 100_000, T + i * 100_000 + 1], f"d{i}")])
    newest = [(T + i * 100_000 + 1, f"d{i}") for i in range(20)]
    assert rows(session, "SELECT LAST_ROW(ts) t, tbname FROM meters PARTITION BY tbname ORDER BY t") == newest
    assert rows(session, "SELECT LAST_ROW(ts) FROM meters") == [newest[-1][:1]]
    assert rows(session, "SELECT LAST_ROW(ts) FROM meters WHERE tbname = 'd3'") == [newest[3][:1]]


def test_what_a_statement_may_copy_is_bounded(session):
    """Texts that grow eightfold, and expressions that DuckDB would copy, at each level of sub-selects."""
    fill(session, 1)
    concats = casts = "SELECT tbname x FROM meters"
    for _ in range(20):
        concats = f"SELECT CONCAT(x, x, x, x, x, x, x, x) x FROM ({concats})"
        casts = f"SELECT CAST(CONCAT(x, x) AS VARCHAR(9)) x FROM ({casts})"
    assert "65517" in refusal(session.execute, concats).message
    assert "nested too deeply" in refusal(session.execute, casts + " WHERE x > 'a'").message
    joins = "SELECT ts, voltage x FROM d0"
    for _ in range(20):
        joins = f"SELECT a.ts, a.x + b.x x FROM ({joins}) a, d0 b WHERE a.ts = b.ts".replace("b.x", "a.x")
    assert "nested too deeply" in refusal(session.execute, joins).message
    nested = "voltage"
    for _ in range(40):
        nested = f"(1 / {nested})"
    assert "nested too deeply" in refusal(session.execute, f"SELECT {nested} FROM meters").message


SUMMER_TIME = 1711846800000  # 2024-03-31 01:00 UTC: the clocks of Berlin go from 2 to 3


def test_days_of_the_functions_begin_in_the_zone_of_the_session(session):
    """TDengine's manual, "Functions": TIMETRUNCATE takes the zone of the client where nothing else is said."""
    hour = 3_600_000
    fill_at(session, [SUMMER_TIME - 2 * hour, SUMMER_TIME + 21 * hour + 1])
    berlin = Session(session.store, "power", "Europe/Berlin")
    assert rows(berlin, "SELECT TO_ISO8601(ts), TIMETRUNCATE(ts, 1d), TIMETRUNCATE(ts, 1d, 0), WEEKDAY(ts), "
                        "TO_CHAR(ts, 'dd hh24 tzh') FROM d0") == [
        ("2024-03-31T00:00:00.000+0100", SUMMER_TIME - 2 * hour, SUMMER_TIME - 25 * hour, 6, "31 00 +01"),
        ("2024-04-01T00:00:00.001+0200", SUMMER_TIME + 21 * hour, SUMMER_TIME - hour, 0, "01 00 +02")]
    constants = "SELECT CAST('2024-03-31 12:00:00' AS TIMESTAMP), TO_TIMESTAMP('2024-03-31', 'yyyy-mm-dd')"
    assert rows(berlin, constants) == [(SUMMER_TIME + 9 * hour, SUMMER_TIME - 2 * hour)]


def test_days_of_windows_begin_in_the_zone_of_the_server(session, monkeypatch):
    """As a real TDengine 3.3.7.5 answers a client in another zone."""
    fill_at(session, [SUMMER_TIME])
    shanghai = Session(session.store, "power", "Asia/Shanghai")
    for zone, start in (("Etc/UTC", 0), ("Asia/Tokyo", -9), ("America/Sao_Paulo", -21)):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        try:
            found = rows(shanghai, "SELECT _wstart FROM (SELECT _wstart, COUNT(*) FROM d0 INTERVAL(1d))")
        finally:
            monkeypatch.undo()
            time.tzset()
        midnight = SUMMER_TIME // 86_400_000 * 86_400_000
        assert found == [(midnight + start * 3_600_000,)], zone


def fill_at(session, times):
    session.prepare(BIND).execute([bound(times)])


def test_sums_of_reals_are_the_same_in_every_run(session):
    """DuckDB adds up the parts of several threads in any order."""
    count = 400_000
    values = [((i * 7919) % 1000003) / 7.0 - 7e4 for i in range(count)]
    session.execute("CREATE TABLE t (ts TIMESTAMP, v DOUBLE)")
    session.prepare("INSERT INTO t VALUES (?, ?)").execute([Bound(None, None, [list(range(T, T + count)), values])])
    found = {rows(session, "SELECT SUM(v), AVG(v) FROM t")[0] for _ in range(8)}
    assert found == {(math.fsum(values), math.fsum(values) / count)}
