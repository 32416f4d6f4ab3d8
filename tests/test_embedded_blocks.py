"""The embedded database's blocks: aggregates answer the same whatever is sealed, and read few rows where it is."""

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sql_cases import T

from embedded.common.datatypes import Bound
from embedded.engine.session import Session
from embedded.sql import block_totals
from embedded.sql.parser import parse
from embedded.sql.planner import plan
from tests.helpers.embedded_session import opened, rows

SETUP = ["CREATE STABLE m (ts TIMESTAMP, v INT, f FLOAT, b BIGINT, u INT UNSIGNED, x VARCHAR(8)) TAGS (g INT)"]
BIND = "INSERT INTO ? USING m TAGS (?) VALUES (?, ?, ?, ?, ?, ?)"
AGGREGATES = ("COUNT(*), COUNT(ts), COUNT(v), SUM(v), AVG(v), MIN(v), MAX(v), SUM(f), AVG(f), MIN(f), SPREAD(f), "
              "SUM(u), MAX(u)")
BY_BLOCKS = [
    f"SELECT {AGGREGATES} FROM m",
    f"SELECT {AGGREGATES} FROM m WHERE ts > {T + 3000} AND ts <= {T + 41_000}",
    f"SELECT {AGGREGATES} FROM m WHERE ts BETWEEN {T + 10_000} AND {T + 19_999}",
    f"SELECT {AGGREGATES} FROM m WHERE ts >= {T + 12_000} AND ts < {T + 13_000}",
    f"SELECT {AGGREGATES} FROM m WHERE ts > {T + 30_000} AND ts < {T + 10_000}",
    f"SELECT COUNT(*) FROM m WHERE ts > {2**63 - 1}",
    f"SELECT _wstart, _wend, {AGGREGATES} FROM m WHERE ts > {T + 5000} INTERVAL(10s)",
    f"SELECT _wstart, {AGGREGATES} FROM m INTERVAL(1m, 20s)",
    f"SELECT _wstart, tbname, {AGGREGATES} FROM m WHERE ts < {T + 35_000} PARTITION BY tbname INTERVAL(20s)",
    "SELECT _wstart, g, AVG(v) FROM m WHERE g < 3 PARTITION BY g INTERVAL(1d) ORDER BY g DESC",
    "SELECT g, AVG(v) a FROM m GROUP BY g HAVING COUNT(v) > 1 ORDER BY a DESC, g",
    "SELECT tbname, SUM(v) FROM m PARTITION BY tbname LIMIT 1",
    f"SELECT _wstart, SUM(v) FROM b WHERE ts > {T + 4000} INTERVAL(10s)",
    "SELECT AVG(v) FROM m WHERE tbname IN ('a', 'c')",
]
BY_ROWS = [
    "SELECT COUNT(*) FROM m WHERE v > 0", "SELECT _wstart, COUNT(*) FROM m INTERVAL(15s)", "SELECT SUM(b) FROM m",
    "SELECT _wstart, AVG(v) FROM m INTERVAL(10s, 5s)", "SELECT MAX(v), f FROM m", "SELECT MAX(v), tbname FROM m",
    "SELECT MAX(x) FROM m", "SELECT STDDEV(v) FROM m", "SELECT SUM(g) FROM m", "SELECT COUNT(*), LAST(v) FROM m",
    "SELECT AVG(v + 1) FROM m", "SELECT v, COUNT(*) FROM m GROUP BY v",
    f"SELECT COUNT(*) FROM m WHERE ts > {T} OR g = 1",
]


def question(session: Session, sql: str) -> str:
    return plan(parse(sql), session.store, session.environment()).sql


def by_rows(session: Session, sql: str) -> list:
    """The answer without blocks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(block_totals, "statement", lambda *_: None)
        return rows(session, sql)


def sealed(session: Session) -> list:
    """(subtable, number) of the blocks that are sealed; `sweep` seals."""
    return session.store.file.writer.execute("SELECT tb, m FROM blocks_1 WHERE n IS NOT NULL ORDER BY tb, m").fetchall()


def write(session: Session, name: str, seconds: list, value: int | None = 1) -> None:
    times, few = [int(T + 1000 * second) for second in seconds], [value] * len(seconds)
    session.prepare(BIND).execute([Bound(name, [ord(name) % 4], [times, few, few, few, few, ["x"] * len(few)])])


def rounded(value):
    """Sums of reals differ in the last digits by the order of adding."""
    return float(f"{value:.9g}") if isinstance(value, float) else value


def check(session: Session) -> None:
    """Blocks and rows give one answer."""
    for sql in BY_BLOCKS:
        found, expected = rows(session, sql), by_rows(session, sql)
        if "ORDER BY" not in sql:
            found, expected = sorted(found, key=lambda row: repr(row[:2])), sorted(expected,
                                                                                   key=lambda row: repr(row[:2]))
        assert [list(map(rounded, row)) for row in found] == [list(map(rounded, row)) for row in expected], sql


_writes = st.tuples(st.sampled_from("abc"), st.lists(st.integers(0, 60), min_size=1, max_size=4),
                    st.none() | st.integers(0, 2**31 - 1))


@settings(max_examples=20)
@given(st.lists(_writes | st.just("sweep") | st.sampled_from(["drop a", "drop b"]), min_size=1, max_size=12))
def test_answers_are_those_of_the_rows(steps):
    with opened(setup=SETUP) as session:
        write(session, "b", [0])
        for step in steps:
            if step == "sweep":
                session.store.sweep()
            elif isinstance(step, str):
                session.execute(f"DROP TABLE IF EXISTS {step[-1]}")
                write(session, "b", [30])
            else:
                write(session, *step)
        check(session)
        session.store.sweep()
        assert sealed(session)
        check(session)


@pytest.mark.parametrize("sql", BY_BLOCKS)
def test_what_blocks_can_answer_they_do(sql):
    with opened(setup=SETUP) as session:
        write(session, "b", [0])
        assert "blocks_" in question(session, sql)


@pytest.mark.parametrize("sql", BY_ROWS)
def test_what_blocks_cannot_answer_is_read_from_rows(sql):
    with opened(setup=SETUP) as session:
        write(session, "b", [0, 11, 12])
        session.store.sweep()
        assert "blocks_" not in question(session, sql)
        rows(session, sql)


def test_a_block_is_sealed_when_it_is_over_and_opened_by_a_write():
    with opened(setup=SETUP) as session:
        first = T // 10_000
        write(session, "a", [0, 9, 10])
        write(session, "a", [time.time() - T / 1000 + second for second in (0, 10)])
        assert sealed(session) == []
        session.store.sweep()
        assert sealed(session) == [(1, first), (1, first + 1)]  # and not what is still written to
        write(session, "a", [9], 7)
        assert sealed(session) == [(1, first + 1)]
        assert rows(session, "SELECT SUM(v) FROM m") == [(11,)]
        session.store.sweep()
        assert rows(session, "SELECT SUM(v) FROM m") == [(11,)]


def test_sealed_blocks_are_read_in_place_of_rows():
    with opened(setup=SETUP) as session:
        write(session, "a", [0, 1, 2, 10])
        session.store.sweep()
        session.store.file.writer.execute("DELETE FROM data_1 WHERE c0 = ?", (T + 1000,))  # behind the blocks' back
        assert rows(session, f"SELECT COUNT(*) FROM m WHERE ts < {T + 10_000}") == [(3,)]
        assert rows(session, f"SELECT COUNT(*) FROM m WHERE ts < {T + 9_999}") == [(2,)]


def test_a_dropped_subtable_leaves_no_block():
    with opened(setup=SETUP) as session:
        write(session, "a", [0])
        write(session, "b", [0, 10])
        session.execute("DROP TABLE b")
        assert session.store.file.writer.execute("SELECT tb FROM blocks_1").fetchall() == [(1,)]


def test_a_sweep_passes_over_a_database_that_was_dropped():
    with opened(setup=SETUP) as session:
        write(session, "a", [0])
        database = session.store.databases["power"]
        table = database.tables["m"]
        session.execute("DROP DATABASE power")
        assert session.store.seal_blocks(database, table) is False


def test_a_sweep_leaves_no_block_without_rows():
    with opened(retention_s=3600, setup=SETUP) as session:
        store, now = session.store, time.time()
        write(session, "a", [now - T / 1000 - second for second in range(20, 120)])
        write(session, "b", [now - T / 1000 - 100])
        store.sweep()
        assert len(sealed(session)) >= 10
        for kept in (70, 45, 30):
            store.retention_s = kept + time.time() - now
            while store.sweep():
                pass
            check(session)
            assert sealed(session)
        store.retention_s = 1
        while store.sweep():
            pass
        assert store.file.writer.execute("SELECT COUNT(*) FROM blocks_1 WHERE m < ?",
                                         (int(now - 30) // 10,)).fetchall() == [(0,)]


def test_counts_are_whole_while_others_write_and_seal():
    with opened(setup=SETUP) as session:
        store, errors, turns = session.store, [], iter(range(150))
        done = threading.Event()

        def write_late():
            turn = next(turns, None)
            if turn is None:
                return done.set()
            times, ones = [T + 1000 * second + turn for second in range(30)], [1] * 30
            Session(store, "power").prepare(BIND).execute(
                [Bound(name, [1], [times, ones, ones, ones, ones, ["x"] * 30]) for name in "abc"])

        def ask():
            for count, total in rows(Session(store, "power"), "SELECT COUNT(*), SUM(v) FROM m"):
                assert count == (total or 0) and count % 90 == 0, (count, total)

        def repeat(work):
            try:
                while not done.is_set():
                    work()
            except BaseException as error:
                errors.append(error)
                done.set()

        threads = [threading.Thread(target=repeat, args=(work,), daemon=True) for work in (write_late, ask,
                                                                                           store.sweep)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert errors == []
        assert rows(session, "SELECT COUNT(*) FROM m") == by_rows(session, "SELECT COUNT(*) FROM m") == [(150 * 90,)]
