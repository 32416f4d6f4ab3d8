"""From a view's configuration to SQL; then, with a database, names and values that try to break out of it."""

import pytest
import taosws
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.history import quoting
from bridge.history.quoting import Refused
from bridge.history.tables import Table
from bridge.history.view_sql import MOST_WINDOWS, ViewSql, Windows, width_for
from tests.helpers.programs import now_ms

METERS = Table("meters", {"timestamp": ("`ts`", "datetime"), "current": ("`current`", "float"),
                          "location": ("`location`", "string"), "on": ("`on`", "boolean"),
                          "seen": ("`seen`", "datetime"), "tbname": ("tbname", "string")})

def view(**config) -> ViewSql:
    return ViewSql(METERS, {"columns": ["current"], **config})


def level(view: ViewSql, keys=None) -> str:
    found = view.level(view.groups if keys is None else keys, 60_000)
    return found.sql() if isinstance(found, Windows) else found


def test_flat_rows():
    assert view(columns=["timestamp", "location"]).rows(slice(None), 50, 0, since=5) == (
        "SELECT CAST(`ts` AS BIGINT), `location` FROM `meters` WHERE `ts` >= 5 ORDER BY `ts` DESC, tbname "
        "LIMIT 50 OFFSET 0")
    assert view(sort=[["location", "desc"], ["current", "asc abs"]]).rows(slice(None), 9, 3) == (
        "SELECT `current` FROM `meters` ORDER BY `location` DESC, ABS(`current`) ASC, `ts` DESC, tbname "
        "LIMIT 9 OFFSET 3")


@pytest.mark.parametrize("config, sql", (
    ({"group_by": ["location"]}, "SELECT `location`, SUM(`current`) FROM `meters` GROUP BY `location`"),
    ({"group_by": ["location"], "aggregates": {"current": "q1"}, "expressions": {"location": ' "tbname" '}},
     "SELECT tbname, APERCENTILE(`current`, 25, 't-digest') FROM `meters` GROUP BY tbname"),
    ({"group_by": ["location"], "columns": ["timestamp", "seen"], "aggregates": {"timestamp": "last", "seen": "max"}},
     "SELECT `location`, CAST(LAST(`ts`) AS BIGINT), MAX(CAST(`seen` AS BIGINT)) FROM `meters` GROUP BY `location`"),
    ({"group_by": ["ten", "location"], "expressions": {"ten": "bucket(\"timestamp\", '10m')"}},
     "SELECT CAST(_wstart AS BIGINT), `location`, SUM(`current`) FROM `meters` PARTITION BY `location` "
     "INTERVAL(600000a)"),
    ({"group_by": ["timestamp"]}, "SELECT CAST(_wstart AS BIGINT), SUM(`current`) FROM `meters` INTERVAL(60000a)"),
    ({"group_by": ["seen"]},
     "SELECT CAST(`seen` AS BIGINT), SUM(`current`) FROM `meters` GROUP BY `seen`"),
    ({"group_rollup_mode": "total"}, "SELECT SUM(`current`) FROM `meters`"),
    ({"group_by": ["location"], "sort": [["on", "desc"]]},
     "SELECT `location`, SUM(`current`), COUNT(*) FROM `meters` GROUP BY `location` HAVING COUNT(*) > 0"),
))
def test_groups(config, sql):
    assert level(view(**config)) == sql


@pytest.mark.parametrize("filters, where", (
    ([["timestamp", ">=", "1970-01-01T00:00:01"], ["timestamp", "<", 5000.0]], "`ts` >= 1000 AND `ts` < 5000"),
    ([["timestamp", ">", 1000], ["timestamp", "<=", 1500.5], ["timestamp", ">", 2]], "`ts` >= 1001 AND `ts` < 1501"),
    ([["timestamp", "==", "1970-01-01 01:00:01+01:00"]], "`ts` >= 1000 AND `ts` < 1001"),
    ([["timestamp", "!=", 5]], "(`ts` <> 5 OR `ts` IS NULL)"),
    ([["current", ">", 0.1]], "`current` > 0.10000000000000001"),
    ([["location", "contains", "50%_\\a"]], r"`location` LIKE '%50\\%\\_\\a%'"),
    ([["location", "in", ["a", "b'"]]], r"`location` IN ('a', 'b\'')"),
    ([["location", "==", None], ["on", "==", True], ["on", "is null", None]], "`on` = TRUE AND `on` IS NULL"),
))
def test_filters(filters, where):
    assert view(filter=filters).where.sql() == f" WHERE {where}"


def test_filters_of_which_one_holds():
    assert view(filter=[["current", ">", 1], ["timestamp", "<", 5]], filter_op="or").where.sql() == (
        " WHERE (`current` > 1 OR `ts` < 5)")
    assert view(filter=[["current", ">", None]], filter_op="or").where.sql() == ""


def test_steps_of_a_number():
    sql = view(expressions={"step": 'bucket("current", 0.5)'}, group_by=["step"], columns=["current"],
               aggregates={"current": "avg"}).level(["step"], 0)
    step = "FLOOR(`current` / 0.5) * 0.5"
    assert sql.startswith(f"SELECT {step}, AVG(`current`) FROM") and sql.endswith(f" GROUP BY {step}")


@pytest.mark.parametrize("config, why", (
    ({"columns": ["nothing"]}, "no column nothing"),
    ({"group_by": ["nothing"]}, "no column nothing"),
    ({"group_by": ["location"], "sort": [["nothing", "asc"]]}, "no column nothing"),
    ({"group_by": ["location"], "aggregates": {"current": "unique"}}, "not asked for the aggregate 'unique'"),
    ({"group_by": ["location"], "aggregates": {"current": ("weighted mean", ["on"])}}, "aggregate 'weighted mean'"),
    ({"group_by": ["location"], "columns": ["location"], "aggregates": {"location": "avg"}}, "aggregate 'avg' of a"),
    ({"expressions": {"x": '"current" + 1'}}, "an expression is a column"),
    ({"expressions": {"x": "bucket(\"seen\", '1h')"}}, "an expression is a column"),
    ({"expressions": {"x": "bucket(\"timestamp\", '0h')"}}, "an expression is a column"),
    ({"expressions": {"x": "bucket(\"timestamp\", '1M')"}}, "an expression is a column"),
    ({"expressions": {"x": 'bucket("current", 0.0)'}}, "an expression is a column"),
    ({"expressions": {"x": 'bucket("location", 2)'}}, "an expression is a column"),
    ({"expressions": {"x": "bucket(\"timestamp\", '1h')"}, "columns": ["x"]}, "a bucket is there to group by"),
    ({"expressions": {"x": "bucket(\"timestamp\", '1h')"}, "group_by": ["x"], "split_by": ["timestamp"]}, "one time"),
    ({"group_by": ["location"] * 6, "split_by": ["tbname"] * 5}, "by 10 columns at most"),
    ({"windows": {"x": {}}}, "rolling windows"),
    ({"sort": [["current", "col asc"]]}, "no 'col asc'"),
    ({"filter": [["current", "==", "x"]]}, "'x' is no number"),
    ({"filter": [["current", "==", "inf"]]}, "no number inf"),
    ({"filter": [["timestamp", ">", "yesterday"]]}, "'yesterday' is no time"),
    ({"filter": [["on", "contains", "x"]]}, "no filter 'contains' of a boolean"),
))
def test_what_is_refused(config, why):
    with pytest.raises(Refused, match=why):
        view(**config)


@given(st.integers(0, 10**13), st.integers(0, 10**13), st.integers(10, MOST_WINDOWS))
def test_no_more_windows_cover_a_range_than_may(begin, range_ms, most):
    width = width_for(range_ms, most)
    assert (begin + range_ms) // width - begin // width + 1 <= most


@pytest.mark.parametrize("text", ("`", "a`; DROP TABLE meters; --", "\0", ""))
def test_names_that_cannot_be(text):
    with pytest.raises(Refused):
        quoting.name(text)


T = now_ms() - 10_000  # newest rows are found by the first questions
TEXTS = st.text(st.sampled_from("'\"\\`;%_-/*#\n\t a1Łé中😀()?:"), min_size=1, max_size=12)


@pytest.fixture(scope="module")
def texts(dsn):
    """A connection to a database with a table of texts, of which the tests fill in some."""
    connection = taosws.connect(dsn)
    connection.execute("CREATE DATABASE IF NOT EXISTS history_texts")
    connection.execute("USE history_texts")
    connection.execute("CREATE TABLE IF NOT EXISTS words (ts TIMESTAMP, word NCHAR(20))")
    yield connection
    connection.execute("DROP DATABASE history_texts")


WORDS = Table("words", {"ts": ("`ts`", "datetime"), "word": ("`word`", "string")})
FINDS = {"==": lambda text, word: text == word, "!=": lambda text, word: text != word,
         "in": lambda text, word: text in (word, "'"), "contains": lambda text, word: word.lower() in text.lower(),
         "begins with": lambda text, word: text.lower().startswith(word.lower()),
         "ends with": lambda text, word: text.lower().endswith(word.lower())}
EXACT, PATTERNS = tuple(FINDS)[:3], tuple(FINDS)[3:]


@settings(max_examples=60)
@given(word=TEXTS, other=TEXTS, operators=st.tuples(st.sampled_from(EXACT), st.sampled_from(PATTERNS)))
@example(word="' OR '1' = '1", other="x", operators=EXACT + PATTERNS)
@example(word="\\", other="\\\\", operators=EXACT + PATTERNS)
@example(word="%", other="_", operators=EXACT + PATTERNS)
@example(word="\\a", other="\\\\a", operators=EXACT + PATTERNS)
@example(word="\\%", other="\\\\%", operators=EXACT + PATTERNS)
@example(word="a\\%b", other="a%b", operators=EXACT + PATTERNS)
def test_values_mean_themselves(texts, word, other, operators):
    """Each filter finds the word itself and no other, whatever is in it."""
    statement = texts.stmt2_statement()
    statement.prepare("INSERT INTO words VALUES (?, ?)")
    columns = [taosws.millis_timestamps_to_column([T, T + 1000]), taosws.nchar_to_column([word, other])]
    statement.bind([taosws.stmt2_bind_param_view("words", [], columns)])
    statement.execute()
    for operator in operators:
        config = {"columns": ["word"], "filter": [["word", operator, [word, "'"] if operator == "in" else word]]}
        if operator in PATTERNS and word.endswith("\\"):
            with pytest.raises(Refused, match="ends with a backslash"):
                ViewSql(WORDS, config)
        else:
            found = [found for found, in texts.query(ViewSql(WORDS, config).rows(slice(None), 9, 0))]
            assert found == [text for text in (other, word) if FINDS[operator](text, word)]  # newest first


def test_a_text_with_a_nul_is_refused():
    with pytest.raises(Refused, match="NUL"):
        view(filter=[["location", "==", "a\0b"]])
