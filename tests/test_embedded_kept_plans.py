"""Plans that the embedded database keeps: they answer as new ones would, whatever has changed meanwhile."""

import re

import pytest
import sql_cases
import statistics_cases
from sql_cases import T

import meters
from embedded.common.errors import TDengineError
from embedded.engine.session import Session
from embedded.sql.parser import parse
from tests.helpers.embedded_session import fill, opened, refusal, rows
from tests.helpers.waiting import wait_for


@pytest.mark.parametrize("cases", [sql_cases, statistics_cases], ids=lambda cases: cases.__name__)
def test_a_kept_plan_is_that_of_a_new_one(cases):
    """For every statement there is, after one that differs from it in its numbers."""
    kept = 0
    with opened(setup=cases.SETUP) as session:
        for sql, *_ in cases.ANSWERS:
            for other in (re.sub(r"\d+", lambda digits: str(int(digits[0]) + 1), sql), sql):
                found = session.kept_plan(other)
                if found is not None:
                    assert found == session.plan(parse(other)), other
                    kept += 1
    assert kept > 20


def test_a_poll_is_planned_once(session, monkeypatch):
    fill(session, 50)
    assert len(rows(session, meters.select_rows(T - 1, T + 9, 100))) == 10
    monkeypatch.setattr(session, "plan", None)
    for first in range(T, T + 40):
        assert [row[0] for row in rows(session, meters.select_rows(first, first + 10, 100))] == list(
            range(first + 1, first + 11))


def test_numbers_elsewhere_make_another_plan(session):
    fill(session, 60)
    for sql, answers in (
            ("SELECT voltage FROM d0 WHERE voltage >= 5 ORDER BY ts LIMIT {}", {1: [(5,)], 2: [(5,), (6,)]}),
            ("SELECT voltage + {0} FROM d0 WHERE voltage = 5", {1: [(6.0,)], 2: [(7.0,)]}),
            ("SELECT COUNT(*) FROM d0 WHERE voltage < {} INTERVAL(1d)", {1: [(1,)], 2: [(2,)]}),
            ("SELECT voltage FROM d0 WHERE voltage = {} -- it's\n AND 'a > 1' = CONCAT('a > ', '1')",
             {1: [(1,)], 2: [(2,)]}),
            ("SELECT voltage FROM d0 WHERE voltage = {} AND location <> 'a = 1'", {1: [(1,)], 2: [(2,)]})):
        for number, answer in answers.items():
            assert rows(session, sql.format(number)) == answer, (sql, number)
    for number in (5, 6):
        assert session.execute(f"SELECT voltage > {number} FROM d0").columns[0].name == f"voltage > {number}"


def test_numbers_that_are_looked_at(session):
    """A FLOAT is compared with a FLOAT, too large a number is no BIGINT, and an error quotes its own statement."""
    fill(session, 3)
    for number in (2**31, 2**53 + 1, 2**63, 2**64 - 1):
        for sql in (f"SELECT voltage FROM d0 WHERE voltage < {number}", f"SELECT 1 FROM d0 WHERE phase < {number}"):
            assert len(rows(session, sql)) == 3, sql
    for number in (10**20, 10**21):
        assert str(number) in refusal(rows, session, f"SELECT voltage FROM d0 WHERE voltage < {number}").message


@pytest.mark.parametrize("sql, answer", [
    ("ALTER TABLE meters DROP COLUMN `current`", 7), ("ALTER TABLE meters ADD COLUMN extra INT", 7),
    ("ALTER STABLE meters RENAME TAG groupid g", 7), ("DROP TABLE d0", 0x2603), ("DROP TABLE meters", 0x2603),
    ("DROP DATABASE power", 0x0388),
])
def test_the_catalog_changes(session, sql, answer):
    """The change is another client's."""
    fill(session, 10)
    asked = "SELECT voltage FROM d0 WHERE voltage = 7"
    assert rows(session, asked) == [(7,)]
    Session(session.store, "power").execute(sql)
    found = rows(session, asked) if answer == 7 else refusal(rows, session, asked).code
    assert found == ([(7,)] if answer == 7 else answer)


def test_another_table_of_the_same_name(session):
    fill(session, 10)
    asked = "SELECT tbname, voltage FROM meters WHERE voltage > 7"
    assert len(rows(session, asked)) == 2
    session.execute("DROP TABLE meters")
    session.execute("CREATE STABLE meters (ts TIMESTAMP, phase INT, voltage DOUBLE) TAGS (groupid INT)")
    session.execute(f"INSERT INTO d7 USING meters TAGS (1) VALUES ({T}, 1, 8.5)")
    assert rows(session, asked) == [("d7", 8.5)]
    named = "SELECT voltage FROM meters WHERE tbname = 'd8' AND voltage > 0"
    assert rows(session, named) == []
    session.execute(f"INSERT INTO d8 USING meters TAGS (1) VALUES ({T}, 1, 4.5)")
    assert rows(session, named) == [(4.5,)]


def test_another_database_and_another_zone(session):
    fill(session, 10)
    asked = "SELECT voltage FROM d0 WHERE voltage > 8"
    assert rows(session, asked) == [(9,)]
    for sql in ("CREATE DATABASE other", "USE other", "CREATE TABLE d0 (ts TIMESTAMP, voltage INT)",
                f"INSERT INTO d0 VALUES ({T}, 10)"):
        session.execute(sql)
    assert rows(session, asked) == [(10,)]
    session.execute("USE power")
    assert rows(session, asked) == [(9,)]
    hours = []
    for session.timezone in ("Asia/Tokyo", "Europe/London"):
        hours.append(rows(session, "SELECT TO_CHAR(ts, 'hh24') FROM d0 WHERE voltage = 9"))
    assert hours[0] != hours[1]


def test_now_goes_on(session):
    first = rows(session, "SELECT NOW() WHERE 2 > 1")
    wait_for(lambda: rows(session, "SELECT NOW() WHERE 2 > 1") > first, 10, "a later NOW")


@pytest.mark.parametrize("change, answer", [("DROP COLUMN `current`", [(7,)]), ("DROP COLUMN voltage", 0x2602),
                                            ("ADD COLUMN extra INT", [(7,)])])
def test_a_table_is_altered_between_the_plan_and_the_answer(session, monkeypatch, change, answer):
    """The columns after the dropped one have moved up: the old plan would read the wrong one, or none."""
    fill(session, 10)
    plan, plans = session.plan, []

    def plan_and_alter(select):
        plans.append(plan(select))
        if len(plans) == 1:
            Session(session.store, "power").execute(f"ALTER TABLE meters {change}")
        return plans[-1]

    monkeypatch.setattr(session, "plan", plan_and_alter)
    asked = parse("SELECT voltage FROM d0 WHERE CAST(voltage AS BIGINT) = 7")
    try:
        found = session.query(asked).fetch(10)
    except TDengineError as error:
        found = error.code
    assert found == answer
