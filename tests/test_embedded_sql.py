"""The embedded database's SQL: every case of sql_cases.py, and how SQLite is asked."""

import pytest
from sql_cases import ANSWERS, ERRORS, REFUSED, SETUP, T

from embedded.sql.parser import parse
from embedded.sql.planner import plan
from tests.helpers.embedded_session import fill, opened, refusal


@pytest.fixture
def session():
    with opened() as session:
        yield session



@pytest.fixture(scope="module")
def filled():
    with opened(setup=SETUP) as session:
        yield session


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


@pytest.mark.parametrize("sql, reads", [
    (f"SELECT CAST(ts AS BIGINT), tbname, location, voltage FROM meters WHERE ts > {T + 10} ORDER BY ts LIMIT 1000",
     "SEARCH d USING PRIMARY KEY (c0>?)"),
    ("SELECT * FROM meters ORDER BY ts DESC LIMIT 1", "SCAN d"),
    (f"SELECT * FROM d0 WHERE ts > {T + 10} ORDER BY ts", "USING INDEX subtable_1 (tb=? AND c0>?)"),
    ("SELECT * FROM meters WHERE location = 'x'", "USING INDEX subtable_1 (tb=?)"),
    ("SELECT LAST_ROW(*) FROM meters PARTITION BY tbname", "USING COVERING INDEX subtable_1 (tb=?)"),
])
def test_the_index_is_used(session, sql, reads):
    fill(session, 10)
    found = plan(parse(sql), session.store, session.environment())
    connection = session.store.file.reader()
    steps = " | ".join(row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + found.sql, found.parameters))
    session.store.file.release(connection)
    assert reads in steps and "TEMP B-TREE FOR ORDER" not in steps
