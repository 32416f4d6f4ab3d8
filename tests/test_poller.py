"""The poller's algorithm alone, beside a fake of the database's questions: a thousand generated histories.

The real questions are tested beside it, in `test_live_rows.py`.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from bridge import slices
from bridge.known_rows import AFTER_ALL, BEFORE_ALL, KnownRows
from bridge.poller import Poller
from tests.helpers.poller_histories import START, FakeQuestions, History, histories


@pytest.mark.parametrize("part", range(2))  # so that two workers share the 1000 histories
def test_any_history(part):
    @settings(max_examples=500)
    @given(some.integers(1, 40), some.integers(1, 8), some.sampled_from((0, 50, 2000)), histories())
    def lived(limit, slice_rows, overlap, steps):
        slices.SLICE_ROWS, slices.LEAST_SLICE_ROWS = slice_rows, 1
        history = History(limit, overlap)
        for method, arguments in steps:
            method(history, *arguments)
        asked = history.database.asked  # only where viewers have all that there is does it begin before all times
        assert sum(name == "newest" and after == BEFORE_ALL for name, after in asked) < 1000

    lived()


def polled(stored, limit=10, **options):
    database = FakeQuestions()
    database.stored = {(meter, ts): (ts, meter, 0.0) for meter, ts in stored}
    database.clock += 10_000
    poller = Poller(database, KnownRows(limit), 2000)
    return database, poller, poller.poll()


@pytest.mark.parametrize("rows", (9, 10, 11, 25, 1000))
def test_a_fleet_that_reports_in_one_millisecond(rows):
    """One millisecond is read whole, however many rows it has, and once."""
    slices.SLICE_ROWS = 4
    database, poller, (first, _) = polled((meter, START) for meter in range(rows))
    assert first.rows == first.new_rows == rows
    assert poller.poll()[0].rows == 0
    for beat in range(1, 4):
        for meter in range(rows):
            database.stored[meter, START + beat * 1000] = (START + beat * 1000, meter, 0.0)
        delivery, _ = poller.poll()
        assert delivery.rows == delivery.new_rows == rows
        assert delivery.over_limit == (rows > 10)
        assert poller.poll()[0].rows == 0


@pytest.mark.parametrize("ago", (0, 1000, 10**7, 10**11, 10**13))
@pytest.mark.parametrize("rows", (0, 1, 5, 9, 10, 11))
def test_loading_takes_few_questions(rows, ago):
    """Also where the database has nearly as many rows as the table, and some that are much older."""
    database, _, (first, _) = polled([(0, START - ago - i) for i in range(rows)] + [(1, START - 8), (1, START)])
    assert first.rows and sum(name == "count" for name, _ in database.asked) <= 12


@pytest.mark.parametrize("waiting, questions", [(21, "rows count"), (34, "rows count"), (35, "rows count rows"),
                                               (55, "rows count rows"), (56, "rows count count count rows"),
                                               (5000, "rows count count count rows")])
def test_more_rows_than_the_table_holds(waiting, questions):
    """Few questions find the rows that have a place: with each of them a database far away falls behind."""
    slices.SLICE_ROWS = 15
    database, poller, _ = polled(((0, START + i) for i in range(20)), limit=20)
    while poller.poll()[0].more:
        pass
    for i in range(20, 20 + waiting):
        database.stored[0, START + i] = (START + i, 0, 0.0)
    database.clock = START + 20 + waiting
    database.asked.clear()
    delivery, rows = poller.poll()
    assert [name for name, _ in database.asked if name not in ("now", "counts")] == questions.split()
    assert delivery.over_limit and delivery.new_rows
    seen, shown = delivery.new_rows, rows
    while delivery.more:
        delivery, rows = poller.poll()
        seen, shown = seen + delivery.new_rows, shown + rows
    assert seen == waiting
    assert [row[0] for row in shown[-20:]] == list(range(START + waiting, START + waiting + 20))
    assert len(shown) < 40


def test_statements_of_a_large_database_have_a_lower_bound():
    database, poller, _ = polled(((i % 5, START + i * 100) for i in range(90)), limit=30)
    for i in range(90, 200):
        database.clock += 100
        database.stored[i % 5, START + i * 100] = (START + i * 100, 0, 0.0)
        while poller.poll()[0].more:
            pass
        poller.check()
    unbounded = [(name, after) for name, after in database.asked if name not in ("connect", "check_columns", "now")
                 and after < START - 10**5]
    assert unbounded == [("newest", BEFORE_ALL)]


def test_rows_of_the_future_are_counted_and_wait_for_their_time():
    database, poller, (delivery, _) = polled([(0, START), (1, START + 8 * 3600_000)])
    assert delivery.rows == 1
    poller.check()
    delivery, _ = poller.poll()
    assert (delivery.rows, delivery.future_rows, delivery.future_ms) == (0, 1, 8 * 3600_000 - 10_000)
    database.clock += 8 * 3600_000
    delivery, rows = poller.poll()
    assert [row[0] for row in rows] == [START + 8 * 3600_000]


def test_a_late_row_that_pushes_a_newer_one_out_is_put_right_in_a_quiet_moment():
    """The ring drops what came first, not what is oldest."""
    database, poller, _ = polled([(0, START + 9000), (1, START + 9100), (2, START + 9200)], limit=3)
    database.stored[3, START + 8500] = (START + 8500, 3, 0.0)
    assert poller.poll()[0].rows == 1
    reasons = []
    for _ in range(24):
        database.clock += 600
        delivery, rows = poller.poll()
        reasons += [delivery.anew] if delivery.anew else []
        poller.check()
    assert reasons == ["late rows had pushed newer ones out"]
    kept = sorted(row[0] for row in poller.known.between(BEFORE_ALL, AFTER_ALL))
    assert kept == [START + 9000, START + 9100, START + 9200]


def test_a_new_poller_counts_the_rows_that_came_meanwhile():
    """Also those that have no place in the table any more."""
    database, poller, _ = polled(((0, START + number) for number in range(5)), limit=5)
    known = KnownRows(5)
    known.restore(poller.known.between(BEFORE_ALL, AFTER_ALL), poller.known.floor, poller.known.cursor)
    database.stored |= {(0, START + number): (START + number, 0, 1.0) for number in range(5, 105)}
    successor, seen = Poller(database, known, 2000), 0
    for _ in range(50):
        seen += successor.poll()[0].new_rows
    assert seen == 100


def test_slices_become_smaller_after_a_failure():
    slices.SLICE_ROWS, slices.LEAST_SLICE_ROWS = 100, 2
    database, poller, _ = polled([(0, START)])
    sizes = []
    for _ in range(4):
        database.fails_at = 0
        assert poller.poll()[0].error == "the connection is lost"
        sizes.append(poller.slices.size)
    assert sizes == [25, 6, 2, 2]


@pytest.fixture(autouse=True)
def sizes(monkeypatch):
    monkeypatch.setattr(slices, "SLICE_ROWS", slices.SLICE_ROWS)
    monkeypatch.setattr(slices, "LEAST_SLICE_ROWS", slices.LEAST_SLICE_ROWS)
    assert AFTER_ALL > START
