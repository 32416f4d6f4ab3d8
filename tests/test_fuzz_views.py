"""Generated views: well-formed, of columns that there are, and of any size that a viewer may ask for.

Perspective's engine answers, refuses, or ends and is soon back. Other viewers' rows keep coming. `FUZZ_SEED=7` tries
other views than the usual ones.
"""

import itertools
import os
import time

import hypothesis
import pytest
from hypothesis import strategies as st

import meters
from bridge.viewer_rules import LONGEST_TEXT, MOST_ENTRIES
from tests.helpers.guests import ask, doubled
from tests.helpers.others import Others
from tests.helpers.programs import Server, producer
from tests.helpers.viewers import Viewer
from tests.helpers.waiting import wait_for

SEED = int(os.environ.get("FUZZ_SEED", 1))
VIEWS = 16
QUESTION_S, BACK_S = 1, 10  # on a quiet machine the engine is back within 2 s
COLUMNS = list(meters.PERSPECTIVE_SCHEMA)
NUMBERS = [name for name, kind in meters.PERSPECTIVE_SCHEMA.items() if kind in ("integer", "float")]
TEXTS = [name for name, kind in meters.PERSPECTIVE_SCHEMA.items() if kind == "string"]
AGGREGATES = ("sum", "abs sum", "any", "avg", "count", "distinct count", "dominant", "first", "last", "high", "low",
              "max", "min", "high minus low", "last minus first", "median", "q1", "q3", "mul", "pct sum parent",
              "pct sum total", "stddev", "var", "unique")
OPTIONS = "--table-limit=200", f"--question-s={QUESTION_S}", "--engine-memory-mb=512"
ADDRESSES = (f"198.18.{number // 256}.{number % 256}" for number in itertools.count())  # none has three strikes


def up_to(most: int, entries: st.SearchStrategy) -> st.SearchStrategy:
    """Lists of up to so many entries: long ones as often as short ones."""
    return st.integers(0, most).flatmap(lambda count: st.lists(entries, min_size=count, max_size=count))


def quoted(names: list[str]) -> st.SearchStrategy:
    return st.sampled_from(names).map('"{}"'.format)


def joined(between: str) -> st.SearchStrategy:
    """One term again and again, to any length that an expression may have."""
    return st.tuples(number, st.integers(1, 1000)).map(
        lambda term: between.join([term[0]] * min(term[1], LONGEST_TEXT // (len(term[0]) + len(between)))))


number = st.recursive(quoted(NUMBERS) | st.sampled_from(["0", "1", "-1.5", "1e308"]), lambda part: st.one_of(
    st.tuples(part, st.sampled_from("+-*/%^"), part).map(" ".join).map("({})".format),
    st.tuples(st.sampled_from(["abs", "sqrt", "log", "exp", "floor"]), part).map("{0[0]}({0[1]})".format),
    st.tuples(part, part, part).map("if({0[0]} > {0[1]}, {0[2]}, 0)".format),
    st.tuples(part, st.sampled_from(["0.01", "1", "100"])).map("bucket({0[0]}, {0[1]})".format)), max_leaves=20)
text = st.recursive(quoted(TEXTS) | st.just("'x'"), lambda part: st.one_of(
    st.lists(part, min_size=1, max_size=20).map(", ".join).map("concat({})".format),
    st.tuples(st.sampled_from(["upper", "lower", "length"]), part).map("{0[0]}({0[1]})".format)), max_leaves=40)
expression = st.one_of(
    number, text, joined(" + "), joined(", ").map("max({})".format), st.integers(1, 22).map(doubled),
    st.sampled_from("smhDWMY").map('bucket("timestamp", \'{}\')'.format),
    st.integers(1, 10**9).map("var s := 0; for (var i := 0; i < {}; i += 1) {{ s += i; }}; s".format),
).filter(lambda words: len(words) <= LONGEST_TEXT)


@st.composite
def views(draw: st.DrawFn) -> dict:
    """A view's configuration; each of its lists has at most as many entries as a number that is drawn first."""
    most = draw(st.sampled_from([2, 5, MOST_ENTRIES]))
    words = draw(st.lists(expression, min_size=1, max_size=3))
    expressions = {f"e{i}": words[i % len(words)] for i in range(draw(st.integers(0, most)))}
    columns = [*COLUMNS, *expressions]
    column = st.sampled_from(columns)
    condition = st.one_of(
        st.tuples(st.sampled_from(NUMBERS), st.sampled_from(["==", "!=", ">", "<"]), st.floats(-1e9, 1e9)),
        st.tuples(st.sampled_from(TEXTS), st.sampled_from(["==", "contains", "begins with"]), st.text(max_size=100)),
        st.tuples(st.sampled_from(TEXTS), st.sampled_from(["in", "not in"]), up_to(most, st.text(max_size=9))),
        st.tuples(column, st.sampled_from(["is null", "is not null"]), st.none()))
    order = st.tuples(column, st.sampled_from(["asc", "desc", "asc abs", "col desc"]))
    return {
        "expressions": expressions, "columns": draw(up_to(most, column)),
        "group_by": draw(st.permutations(columns))[:draw(st.integers(0, most))],
        "split_by": draw(st.permutations(columns))[:draw(st.integers(0, most))],
        "filter": list(map(list, draw(up_to(most, condition)))), "sort": list(map(list, draw(up_to(most, order)))),
        "aggregates": draw(st.dictionaries(column, st.sampled_from(AGGREGATES), max_size=most)),
    }


def look(others: Others, config: dict) -> bool:
    """Makes the view, reads it, and again after an update: whether the engine had an answer."""
    with Viewer(others.server.port, **{"X-Forwarded-For": next(ADDRESSES)}) as viewer:
        try:
            view = viewer.table().view(**config)
            view.to_columns(start_row=0, end_row=10, start_col=0, end_col=10)
            updates = len(others.came)
            wait_for(lambda: viewer.closed or len(others.came) > updates + 1, what="an update")
            view.to_columns(start_row=0, end_row=10, start_col=0, end_col=10)
        except BaseException as error:  # the client's panic is no Exception
            if isinstance(error, AssertionError | KeyboardInterrupt):
                raise
            return False
    return True


@pytest.fixture(scope="module")
def server(dsn, tmp_path_factory):
    folder, dsn = tmp_path_factory.mktemp("views"), f"{dsn}/fuzz_views"
    with producer(folder, dsn, "--rows-per-interval=50"), Server(folder, dsn, *OPTIONS) as server:
        yield server


def test_any_view(server):
    looked = []

    @hypothesis.seed(SEED)
    @hypothesis.settings(max_examples=VIEWS, database=None, deadline=None, phases=[hypothesis.Phase.generate],
                         suppress_health_check=list(hypothesis.HealthCheck))
    @hypothesis.given(views())
    def check(config: dict) -> None:
        looked.append(look(others, config))
        asked = time.monotonic()
        wait_for(lambda: not ask(server.port, {"columns": ["voltage"]}), what="an answer to another viewer")
        assert time.monotonic() - asked < BACK_S

    with Others(server) as others:
        check()
        others.unharmed(1)
    assert VIEWS // 3 < sum(looked) < VIEWS, looked
    assert "Traceback" not in server.text()
