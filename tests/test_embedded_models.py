"""The embedded database against models in Python, with generated rows."""

from hypothesis import given, settings
from hypothesis import strategies as st
from sql_cases import T

from embedded.common.datatypes import Bound
from tests.helpers.embedded_session import opened, rows

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
       st.integers(0, 2**64 - 1), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
                                          max_size=8))
def test_values_come_back_as_they_went_in(single, double, unsigned, text):
    create = "CREATE TABLE t (ts TIMESTAMP, f FLOAT, d DOUBLE, u BIGINT UNSIGNED, n NCHAR(8), b VARBINARY(32))"
    with opened(setup=[create]) as session:
        row = (T, single, double, unsigned, text, text.encode())
        session.prepare("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)").execute([Bound(None, None,
                                                                                  [[value] for value in row])])
        assert rows(session, "SELECT * FROM t") == [row]
        found = rows(session, f"SELECT COUNT(*) FROM t WHERE u = {unsigned} AND u >= {unsigned} AND NOT u > {unsigned}")
        assert found == [(1,)]
        quoted = text.replace("\\", "\\\\").replace("'", "''")
        assert rows(session, f"SELECT COUNT(*) FROM t WHERE n = '{quoted}'") == [(1,)]
