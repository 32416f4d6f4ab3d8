"""The embedded database under load: long questions beside writers, questions without end, many subtables at once."""

import threading
import time
from contextlib import contextmanager

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from sql_cases import T

from embedded.common.datatypes import BIGINT, Bound, Column
from embedded.common.errors import TDengineError
from embedded.engine.bound_tables import BoundTables
from embedded.engine.results import EAGER_ROWS, QueryResult
from embedded.sql.plan import Plan
from tests.helpers.embedded_session import BIND, bound, fill, opened, refusal, renewed, rows
from tests.helpers.waiting import wait_for

LONG = "SELECT count(*) AS o0 FROM range(1000000) a, range(1000000) b WHERE (a.range * b.range) % 7 = 3"
HUNGRY = "SELECT len(list(range)) AS o0 FROM range(100000000)"


@contextmanager
def asking(session, sql):
    """Ask in a thread. Yields a list, which has the refusal once there is one; then the question is ended."""
    refusals, running = [], set()

    def ask():
        try:
            QueryResult(Plan(sql, [Column("n", BIGINT, 8)], 0), session.store, running).fetch(1)
        except TDengineError as error:
            refusals.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    wait_for(lambda: running or refusals, what="the question")
    yield refusals
    while thread.is_alive():
        for connection in list(running):
            connection.interrupt()
        thread.join(0.01)


def test_writers_go_on_beside_a_long_question(session):
    statement = session.prepare(BIND)
    with asking(session, LONG) as refusals:
        for tick in range(50):
            statement.execute([bound([T + tick])])
            assert rows(session, "SELECT COUNT(*) FROM meters") == [(tick + 1,)]
        assert refusals == []
    assert [error.code for error in refusals] == [0x0328]


def test_a_question_that_takes_too_long_is_ended(session, monkeypatch):
    monkeypatch.setattr(session.store, "question_s", 0.2)
    with asking(session, LONG) as refusals:
        wait_for(lambda: session.store.sweep() or refusals, what="the end of the question")
    assert refusals[0].code == 0x0328
    assert "longer than 0.2 s" in refusals[0].message and "--question" in refusals[0].message


def test_a_slow_reader_is_no_long_question(session, monkeypatch):
    monkeypatch.setattr(session.store, "question_s", 0.05)
    fill(session, 2 * EAGER_ROWS)
    result = session.execute("SELECT voltage FROM meters")
    time.sleep(0.1)
    session.store.sweep()
    assert sum(len(part) for part in iter(lambda: result.fetch(5000), [])) == 2 * EAGER_ROWS


def test_questions_that_take_all_memory_are_refused_and_writers_go_on():
    with opened(memory_mb=100) as session:
        statement, tick = session.prepare(BIND), 0
        for _ in range(3):
            with asking(session, HUNGRY) as refusals:
                while not refusals:
                    statement.execute([bound([T + tick])])
                    tick += 1
            assert refusals[0].code == 0x0102 and "--memory" in refusals[0].message
        assert rows(session, "SELECT COUNT(*) FROM meters") == [(tick,)]


def test_ten_thousand_new_subtables_by_one_execute(session):
    count = 10_000
    numbers = pa.array(range(count), pa.int32())
    places = pa.array([f"place {n % 7}" for n in range(count)])
    tick = BoundTables([f"d{n}" for n in range(count)], [numbers, places], [1] * count,
                       [pa.array([T] * count), pa.array([1.5] * count, pa.float32()), numbers, pa.nulls(count)])
    started = time.monotonic()
    assert session.prepare(BIND).execute([tick]).affected == count
    assert session.prepare(BIND).execute([tick]).affected == count
    assert time.monotonic() - started < 10  # one statement for each would take half a minute
    assert rows(session, "SELECT COUNT(*), SUM(voltage) FROM meters WHERE location = 'place 3'") == [
        (1429, sum(range(3, count, 7)))]
    assert rows(session, "SELECT tbname, voltage, location FROM meters ORDER BY voltage LIMIT 1 OFFSET 9998") == [
        ("d9998", 9998, "place 2")]
    assert len(session.store.newest_times(session.store.databases["power"].tables["meters"])) == count


def test_newest_times_are_known_after_a_start_and_after_a_delete(tmp_path):
    def newest(session):
        database = session.store.databases["power"]
        table = database.tables["meters"]
        found = session.store.newest_times(table)
        return {name: found.get(tb) for name, tb in table.subtables.items()}

    with opened(str(tmp_path)) as session:
        session.prepare(BIND).execute([bound([T + 7, T + 9, T + 8]), bound([T], "d1")])
        session.execute("CREATE TABLE d2 USING meters TAGS (2, 'y')")
        assert newest(session) == {"d0": T + 9, "d1": T, "d2": None}
        session.prepare(BIND).execute([bound([T + 5])])
        assert newest(session)["d0"] == T + 9
    with opened(str(tmp_path)) as session:
        assert newest(session) == {"d0": T + 9, "d1": T, "d2": None}
        database = session.store.databases["power"]
        table = database.tables["meters"]
        assert session.store.delete_rows(database, table, f"c0 > {T + 7} OR c0 = {T}") == 3
        assert newest(session) == {"d0": T + 7, "d1": None, "d2": None}
        assert session.store.delete_rows(database, database.subtables["d1"]) == 0
        session.execute("DROP TABLE d0")
        assert newest(session) == {"d1": None, "d2": None}


_OFFSETS = st.lists(st.integers(0, 12), min_size=1, max_size=6)
_PARTS = st.lists(st.tuples(st.sampled_from("abc"), _OFFSETS, st.booleans()), min_size=1, max_size=4)


@settings(max_examples=25)
@given(st.lists(_PARTS, min_size=1, max_size=5))
def test_rows_in_any_order_end_as_upserts_do(store, executes):
    """The last value of a subtable and time stays, and a column that an INSERT does not name stays as it was."""
    whole = "INSERT INTO ? USING meters (groupid) TAGS (?) (ts, voltage, phase) VALUES (?, ?, ?)"
    voltage_only = "INSERT INTO ? USING meters (groupid) TAGS (?) (ts, voltage) VALUES (?, ?)"
    with renewed(store) as session:
        expected, value = {}, 0
        for parts in executes:
            for is_whole in (True, False):
                tables, keys = [], set()
                for name, offsets, wanted in parts:
                    if wanted is not is_whole:
                        continue
                    values = list(range(value, value + len(offsets)))
                    value += len(offsets)
                    columns = [[T + offset for offset in offsets], values] + [[float(v) for v in values]] * is_whole
                    tables.append(Bound(name, [1], columns))
                    for offset, number in zip(offsets, values, strict=True):
                        keys.add((name, T + offset))
                        phase = float(number) if is_whole else expected.get((name, T + offset), (0, None))[1]
                        expected[name, T + offset] = (number, phase)
                if tables:
                    statement = session.prepare(whole if is_whole else voltage_only)
                    assert statement.execute(tables).affected == len(keys)
        found = rows(session, "SELECT tbname, ts, voltage, phase FROM meters")
        assert sorted(found) == sorted((*key, *values) for key, values in expected.items())
        assert refusal(session.execute, "INSERT INTO nope VALUES (1, 1)").code == 0x2603


def test_rows_and_tags_are_of_one_state_while_subtables_come_and_go(session):
    """Each subtable has one row, which has its number. Tags that change meanwhile must not get to rows of others."""
    errors, done = [], threading.Event()

    def change():
        statement = session.prepare(BIND)
        for n in range(100):
            statement.execute([Bound(f"d{n}", [n, f"place {n}"], [[T + n], [1.0], [n], [1.0]])])
            if n > 2:
                session.execute(f"DROP TABLE d{n - 3}")
        done.set()

    thread = threading.Thread(target=change, daemon=True)
    thread.start()
    asked = 0
    while not done.is_set() or not asked:
        found = rows(session, "SELECT tbname, groupid, location, voltage FROM meters")
        errors += [row for row in found if row[:3] != (f"d{row[3]}", row[3], f"place {row[3]}")]
        asked += 1
    thread.join()
    assert errors == []
