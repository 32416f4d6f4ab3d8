"""The embedded database against models in Python, with generated rows."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sql_cases import T

from embedded.common.datatypes import Bound
from tests.helpers.embedded_session import refusal, renewed, rows

_values = st.one_of(st.none(), st.integers(-2**31, 2**31 - 1))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9), st.sampled_from(["v", "w", "vw"]), _values),
                max_size=40))
def test_upsert_is_a_dict_of_rows(store, inserts):
    with renewed(store, setup=["CREATE STABLE m (ts TIMESTAMP, v INT, w INT) TAGS (g INT)"]) as session:
        model: dict = {}
        for name, at, columns, value in inserts:
            text = "NULL" if value is None else str(value)
            values = ", ".join([str(T + at)] + [text] * len(columns))
            sql = f"INSERT INTO {name} USING m TAGS (1) (ts, {', '.join(columns)}) VALUES ({values})"
            assert session.execute(sql).affected == 1
            model.setdefault((name, T + at), {"v": None, "w": None}).update(dict.fromkeys(columns, value))
        assert sorted(rows(session, "SELECT tbname, ts, v, w FROM m"), key=str) == sorted(
            ((*key, row["v"], row["w"]) for key, row in model.items()), key=str)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 40), _values), min_size=1, max_size=25,
                unique_by=lambda row: row[1]))
def test_aggregates_are_those_of_python(store, data):
    with renewed(store, setup=["CREATE STABLE m (ts TIMESTAMP, v INT) TAGS (g INT)"]) as session:
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
        # a group with no value at all has no row
        assert sorted(rows(session, "SELECT g, LAST(v), FIRST(v) FROM m GROUP BY g")) == sorted(
            (row[0], row[7], row[8]) for row in expected if row[2])
        windows: dict = {}
        for _, at, value in data:
            windows.setdefault((T + at) // 7 * 7, []).append(value)
        assert rows(session, "SELECT _wstart, COUNT(*) FROM m INTERVAL(7a)") == sorted(
            (start, len(values)) for start, values in windows.items())


@settings(max_examples=20, deadline=None)
@given(st.floats(width=32, allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False),
       st.integers(0, 2**64 - 1), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
                                          max_size=8))
def test_values_come_back_as_they_went_in(store, single, double, unsigned, text):
    create = "CREATE TABLE t (ts TIMESTAMP, f FLOAT, d DOUBLE, u BIGINT UNSIGNED, n NCHAR(8), b VARBINARY(32))"
    with renewed(store, setup=[create]) as session:
        row = (T, single, double, unsigned, text, text.encode())
        session.prepare("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)").execute([Bound(None, None,
                                                                                  [[value] for value in row])])
        assert rows(session, "SELECT * FROM t") == [row]
        found = rows(session, f"SELECT COUNT(*) FROM t WHERE u = {unsigned} AND u >= {unsigned} AND NOT u > {unsigned}")
        assert found == [(1,)]
        quoted = text.replace("\\", "\\\\").replace("'", "''")
        assert rows(session, f"SELECT COUNT(*) FROM t WHERE n = '{quoted}'") == [(1,)]


NAN, INF = math.nan, math.inf


@pytest.mark.parametrize("values, answers", [  # SUM, AVG, STDDEV, SPREAD, MIN, MAX
    ([1.0, None, 3.0], (4.0, 2.0, 1.0, 2.0, 1.0, 3.0)),
    ([1.0, NAN, 3.0], (None, None, None, 2.0, 1.0, 3.0)),
    ([NAN, None], (None,) * 6),
    ([1.0, INF], (None, None, None, INF, 1.0, INF)),
])
@pytest.mark.parametrize("kind", ["FLOAT", "DOUBLE"])
def test_aggregates_of_what_is_no_finite_number_are_null(store, kind, values, answers):
    """MIN, MAX and SPREAD pass over NaN."""
    with renewed(store, setup=[f"CREATE TABLE t (ts TIMESTAMP, f {kind})"]) as session:
        times = [T + i for i in range(len(values))]
        session.prepare("INSERT INTO t VALUES (?, ?)").execute([Bound(None, None, [times, values])])
        found, = rows(session, "SELECT SUM(f), AVG(f), STDDEV(f), SPREAD(f), MIN(f), MAX(f) FROM t")
        assert repr(found) == repr(answers)


def test_nan_is_less_than_every_number_and_equal_to_itself(store):
    """As TDengine compares. What is computed of a NaN is NULL here."""
    values = [2.5, NAN, -INF, None, INF, 0.0]
    with renewed(store, setup=["CREATE TABLE t (ts TIMESTAMP, f FLOAT, d DOUBLE)"]) as session:
        insert = session.prepare("INSERT INTO t VALUES (?, ?, ?)")
        insert.execute([Bound(None, None, [[T + i for i in range(len(values))], values, values])])
        for column in ("f", "d"):
            def found(condition, column=column):
                answer = rows(session, f"SELECT {column} FROM t WHERE {condition.format(column)} ORDER BY ts")
                return repr([value for value, in answer])

            assert found("{} > 0") == repr([2.5, INF])
            assert found("{} < 0") == repr([NAN, -INF])
            assert found("{0} = {0}") == repr([2.5, NAN, -INF, INF, 0.0])
            assert found("{} BETWEEN 0 AND 9") == repr([2.5, 0.0])
            assert found("{} IN (2.5, 0)") == repr([2.5, 0.0])
            assert found("{} IS NULL") == repr([None])
            assert found("{} + 1 IS NULL") == repr([NAN, None])
            ordered = rows(session, f"SELECT {column} FROM t WHERE {column} IS NOT NULL ORDER BY {column}, ts DESC")
            assert repr([value for value, in ordered]) == repr([-INF, NAN, 0.0, 2.5, INF])
            for call in ("ABS({})", "CEIL({})", "ROUND({})", "SQRT({})", "-{}", "{} % 2", "{} * 2"):
                (of_nan,), = rows(session, f"SELECT {call.format(column)} FROM t WHERE ts = {T + 1}")
                assert of_nan is None
                rows(session, f"SELECT {call.format(column)} FROM t")
            for kind in ("FLOAT", "DOUBLE"):
                assert repr(rows(session, f"SELECT CAST({column} AS {kind}) FROM t ORDER BY ts")) == repr(
                    [(value,) for value in values])
            assert rows(session, f"SELECT CEIL({column}) FROM t ORDER BY ts LIMIT 5")[2::2] == [(-INF,), (INF,)]
        error = refusal(session.execute, f"INSERT INTO t VALUES ({T}, 'nan', 1)")
        assert (error.code, "invalid float data" in error.message) == (0x0216, True)
