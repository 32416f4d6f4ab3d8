"""The embedded database's windows and statistics: every case of statistics_cases.py, and a few through the client."""

import math
import time
from datetime import datetime
from datetime import time as dt_time
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from statistics_cases import ANSWERS, APPROXIMATE, ERRORS, ODD, REFUSED, SETUP, T

from embedded.common.datatypes import Bound
from tests.helpers.cases import check_each
from tests.helpers.embedded_session import check_mistake, check_unsupported, opened, rows


@pytest.fixture(scope="module")
def filled():
    with opened(setup=SETUP) as session:
        session.prepare("INSERT INTO odd VALUES (?, ?, ?)").execute([Bound(None, None, ODD)])
        yield session


def same(found, wanted) -> bool:
    """Whether two answers are equal. Reals may differ by a hundred millionth: TDengine reckons TWA less exactly."""
    if isinstance(wanted, tuple | list):
        return len(found) == len(wanted) and all(map(same, found, wanted))
    if type(found) is not type(wanted):
        return False
    return math.isclose(found, wanted, rel_tol=1e-8) if isinstance(wanted, float) else found == wanted


def test_answers(filled):
    def check(sql, columns, answer):
        result = filled.execute(sql)
        assert [(column.name, column.type.name) for column in result.columns] == columns
        found = result.fetch(100)
        if "ORDER BY" not in sql:
            found, answer = sorted(found, key=repr), sorted(answer, key=repr)
        assert same(found, answer), (found, answer)

    check_each(ANSWERS, check)


def test_percentiles_are_near(filled):
    def check(sql, values, within):
        found = rows(filled, sql)
        if values is None:
            assert found == []
            return
        (row,) = found
        assert all(type(value) is float and abs(value - wanted) <= within
                   for value, wanted in zip(row, values, strict=True)), row

    check_each(APPROXIMATE, check)


def test_mistakes(filled):
    check_each(ERRORS, partial(check_mistake, filled))


def test_what_is_not_supported_is_named(filled):
    check_each(REFUSED, partial(check_unsupported, filled))


def test_lengths(filled):
    sql = ("SELECT PERCENTILE(v, 1, 2), LEASTSQUARES(v, 1, 1), MODE(s), MODE(n) FROM a0")
    assert [column.length for column in filled.execute(sql).columns] == [3198, 126, 8, 8]
    result = filled.execute("SELECT HISTOGRAM(v, 'user_input', '[1, 2]', 0) FROM a0")
    assert [column.length for column in result.columns] == [510]


def test_samples_are_values_of_the_column(filled):
    found = {value for _ in range(20) for (value,) in rows(filled, "SELECT SAMPLE(v, 2) FROM a0")}
    assert found <= {10, 12, 7, 20, 15} and len(found) > 2


def test_figures_are_the_same_in_every_run(filled):
    """Several threads read the rows, and each run splits them in another way; so there are enough for several."""
    count = 400_000
    filled.execute("CREATE TABLE many (ts TIMESTAMP, x DOUBLE)")
    filled.prepare("INSERT INTO many VALUES (?, ?)").execute([Bound(None, None, [
        list(range(T, T + count)), [1000 + math.sin(i) * 3 for i in range(count)]])])
    for sql in ("SELECT STDDEV(x), VAR_POP(x), STDDEV_SAMP(x), VAR_SAMP(x), AVG(x), SUM(x) FROM many",
                "SELECT _wstart, STDDEV(x), AVG(x), TWA(x) FROM many INTERVAL(10s)"):
        assert len({tuple(rows(filled, sql)) for _ in range(5)}) == 1, sql


def test_a_small_spread_far_from_zero_is_exact(filled):
    """Sums of squares would have lost all digits."""
    filled.execute("CREATE TABLE IF NOT EXISTS far (ts TIMESTAMP, x DOUBLE, b BIGINT)")
    values = [1e9 + number for number in (4, 7, 13, 16)]
    filled.prepare("INSERT INTO far VALUES (?, ?, ?)").execute([Bound(None, None, [
        [T, T + 1, T + 2, T + 3], values, [int(value) * 1000 for value in values]])])
    ((variance, of_sample, deviation),) = rows(filled, "SELECT VAR_POP(x), VAR_SAMP(x), STDDEV(b) FROM far")
    assert (variance, of_sample) == (pytest.approx(22.5), pytest.approx(30)) and \
        deviation == pytest.approx(math.sqrt(22.5) * 1000)


@pytest.mark.parametrize("where, window, within", [
    ("", "", 0.02), (f"WHERE ts >= {T}", "INTERVAL(100s)", 0.05), ("", "INTERVAL(100s)", 0.2)])
def test_percentiles_of_samples_are_near(filled, where, window, within):
    """`within` is more than five standard deviations of the rank that a sample gives."""
    count = 100_000
    filled.execute("CREATE TABLE IF NOT EXISTS ranks (ts TIMESTAMP, v INT)")
    filled.prepare("INSERT INTO ranks VALUES (?, ?)").execute([Bound(None, None, [
        list(range(T, T + count)), [n * 7919 % count for n in range(count)]])])
    sql = f"SELECT APERCENTILE(v, 25), APERCENTILE(v, 0), APERCENTILE(v, 100) FROM ranks {where} {window}"
    ((quarter, least, greatest),) = rows(filled, sql)
    assert abs(quarter / count - 0.25) <= within and (least, greatest) == (0.0, count - 1.0)


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Australia/Sydney", "Asia/Kolkata"])
def test_days_begin_at_midnight_where_clocks_change(filled, zone, monkeypatch):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        at = [int(datetime(2024, 2, 20, tzinfo=ZoneInfo(zone)).timestamp()) * 1000 + hours * 3_600_000
              for hours in range(0, 300 * 24, 7)]
        filled.execute("CREATE TABLE hours (ts TIMESTAMP, v INT)")
        filled.prepare("INSERT INTO hours VALUES (?, ?)").execute([Bound(None, None, [at, [1] * len(at)])])
        for width in ("1d", "1w", "1n", "1d, 6h", "2n, 3d"):
            found = rows(filled, f"SELECT _wstart, _wend, COUNT(*) FROM hours INTERVAL({width})")
            hour = 6 if "6h" in width else 0
            assert {datetime.fromtimestamp(start / 1000, ZoneInfo(zone)).time() for start, _, _ in found} == {
                dt_time(hour)}
            assert all(end == start for (_, end, _), (start, _, _) in zip(found, found[1:], strict=False))
            assert rows(filled, "SELECT _wstart, _wend, COUNT(*) FROM hours WHERE ts >= "
                                f"{at[0]} AND ts <= {at[-1]} INTERVAL({width}) FILL(VALUE, 0)") == found
    finally:
        filled.execute("DROP TABLE hours")
        monkeypatch.undo()
        time.tzset()


CLIENT = [
    ("SELECT COUNT(*), STDDEV(v), SPREAD(f), MODE(s) FROM a0 INTERVAL(10s)",
     [(5, 2.1213203435596424, 7.5, "a"), (1, 0.0, 0.0, "a"), (1, 0.0, 0.0, "c")]),
    (f"SELECT SUM(v), LAST(s) FROM a0 WHERE ts >= {T} AND ts < {T + 20000} INTERVAL(10s) FILL(PREV)",
     [(36, "b"), (20, "a")]),
    ("SELECT DIFF(v), DIFF(r) FROM a1", [(-10, 1.0), (5, -2.0)]),
    ("SELECT HISTOGRAM(v, 'user_input', '[0, 8]', 0) FROM a0", [('{"lower_bin":0, "upper_bin":8, "count":2}',)]),
    ("SELECT TOP(u, 1), ok FROM meters", [(18446744073709551615, False)]),
    (f"SELECT _isfilled, INTERP(v) FROM a0 RANGE({T}, {T + 12000}) EVERY(6s) FILL(LINEAR)",
     [(False, 10), (True, 7), (False, 20)]),
    ("SELECT PERCENTILE(v, 0, 50, 100) FROM a0", [("[7.000000, 11.000000, 20.000000]",)]),
]


def test_the_client_gets_the_same(power):
    for sql in SETUP:
        power.execute(sql)
    for sql, answer in CLIENT:
        assert same(list(power.query(sql)), answer), sql
    with pytest.raises(Exception, match="percentile is only supported in single table query"):
        power.query("SELECT PERCENTILE(v, 50) FROM meters")
