"""INSERT into the embedded database, by text and by binding, and SELECT with bound values."""

import pytest
from sql_cases import SETUP, T

from embedded.common.datatypes import Bound
from tests.helpers.embedded_session import BIND, METERS, bound, opened, refusal, rows


@pytest.fixture(scope="module")
def filled():
    with opened(setup=SETUP) as session:
        yield session


def test_upsert_keeps_what_is_not_named(session):
    session.execute(f"INSERT INTO d0 USING meters TAGS (1, 'x') VALUES ({T}, 1, 2, 3)")
    session.execute(f"INSERT INTO d0 (ts, voltage, phase) VALUES ({T}, 20, NULL)")
    assert rows(session, "SELECT * FROM d0") == [(T, 1.0, 20, None)]


def test_a_float_is_the_32_bit_one_and_found_by_its_text(session):
    session.execute(f"INSERT INTO d0 USING meters TAGS (1, 'x') VALUES ({T}, 0.1, 1, 1)")
    found = rows(session, "SELECT `current` FROM d0 WHERE `current` = 0.1 AND `current` <= 0.1")
    assert found == [(0.10000000149011612,)]
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
    assert statement.execute([Bound(name, [1, "x"], [times, voltages])
                              for name in ("d0", "d1")]).affected == 2 * len(set(times))
    last = dict(zip(times, voltages, strict=True))
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
    ("INSERT INTO ? USING nope TAGS (?) VALUES (?)", 0x2603), ("INSERT INTO ? USING meters TAGS (?) VALUES (?,?,?,?)",
                                                               0x0216),
    ("INSERT INTO ? USING meters TAGS (?,?) VALUES (?,?)", 0x0216), ("INSERT INTO nope VALUES (?,?)", 0x2603),
    ("INSERT INTO ? USING meters TAGS (?,?) VALUES (?,1,?,?)", 0x0216), ("DROP TABLE meters", 0x2600),
    ("selec ?", 0x2600),
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


def test_a_bound_name_may_be_quoted_and_bring_its_database(session):
    session.execute("CREATE DATABASE other")
    session.execute("CREATE TABLE other.plain (ts TIMESTAMP, v INT)")
    session.execute("CREATE TABLE `other`.`a.b` (ts TIMESTAMP, v INT)")
    insert = session.prepare("INSERT INTO ? VALUES (?, ?)")
    for at, name in enumerate(["other.plain", "`other`.`plain`", "other.`plain`", "other.`a.b`"]):
        assert insert.execute([Bound(name, None, [[T + at], [at]])]).affected == 1
    assert rows(session, "SELECT v FROM other.plain ORDER BY ts") == [(0,), (1,), (2,)]
    assert rows(session, "SELECT v FROM other.`a.b`") == [(3,)]
    for name, code in (("plain", 0x2603), ("nowhere.plain", 0x0388), ("other.`plain", 0x0200), ("a.b.c", 0x0200)):
        assert refusal(insert.execute, [Bound(name, None, [[T], [1]])]).code == code

    using = session.prepare(BIND)
    for name in ("`D-1`", "power.d2", "`power`.`D-3`", "Upper"):
        assert using.execute([bound([T], name)]).affected == 1
    assert rows(session, "SHOW TABLES") == [("D-1",), ("d2",), ("D-3",), ("Upper",)]
    assert refusal(using.execute, [bound([T], "other.d4")]).code == 0x2618


@pytest.mark.parametrize("number", ["1e30", "-1e30", "1e400", "1e999999999", "-1e-999999999", "1e5"])
def test_numbers_of_any_size_are_refused_or_stored(session, number):
    session.execute("CREATE TABLE t (ts TIMESTAMP, i INT, d DOUBLE, b BOOL, p DECIMAL(10, 2), q DECIMAL(38, 38), x "
                    "VARCHAR(9))")
    fits = {"1e5": "idbp", "1e30": "db", "-1e30": "db", "1e400": "b", "1e999999999": "b", "-1e-999999999": "idbpq"}
    for column in "idbpqx":
        insert = f"INSERT INTO t (ts, {column}) VALUES ({T}, {number})"
        if column in fits[number]:
            assert session.execute(insert).affected == 1
        else:
            assert refusal(session.execute, insert).code in (0x0216, 0x2600)


@pytest.mark.parametrize("text, stored", [("2.7", 3), ("2.5", 3), ("-2.5", -3), ("-0.4", 0), ("'2.4'", 2), ("1e2", 100),
                                          ("2147483647.4", 2**31 - 1)])
def test_a_fraction_in_a_column_of_integers_is_rounded(session, text, stored):
    session.execute(f"INSERT INTO d0 USING meters TAGS (1, 'x') VALUES ({T}, 1, {text}, 1)")
    assert rows(session, "SELECT voltage FROM d0") == [(stored,)]


def test_a_number_that_is_too_large_after_rounding_is_refused(session):
    insert = f"INSERT INTO d0 USING meters TAGS (1, 'x') VALUES ({T}, 1, 2147483647.5, 1)"
    assert "int data overflow" in refusal(session.execute, insert).message


def test_a_row_that_is_older_than_the_database_keeps_is_refused(session):
    session.execute("CREATE TABLE t (ts TIMESTAMP, v INT)")
    assert refusal(session.execute, "INSERT INTO t VALUES (5, 1)").code == 0x060B
    assert refusal(session.prepare("INSERT INTO t VALUES (?, ?)").execute,
                   [Bound(None, None, [[T, 5], [1, 1]])]).code == 0x060B
    assert rows(session, "SELECT COUNT(*) FROM t") == [(0,)]


@pytest.mark.parametrize("value", ["99999999999999999999", "'99999999999999999999'"])
def test_a_time_that_no_integer_of_64_bits_holds_is_refused(session, value):
    session.execute("CREATE TABLE t (ts TIMESTAMP, at TIMESTAMP)")
    assert refusal(session.execute, f"INSERT INTO t VALUES ({T}, {value})").code == 0x060B
