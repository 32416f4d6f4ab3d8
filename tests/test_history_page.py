"""Panels of all rows in Chromium, against the real server and a database of 200 000 rows."""

import os
import re
import sys
from datetime import datetime

import pytest
import taosws

from tests.helpers.browser import VALUES, opener, own_origin_page, says
from tests.helpers.databases import ROOT
from tests.helpers.history_page import (
    ALL_ROWS,
    EACH,
    FRESH,
    METERS,
    SCROLL,
    STEP_MS,
    STEPS,
    check_cells,
    copy_with_sheet,
    fill,
    note,
    number_of_rows,
    panel_of_all_rows,
    restore,
    rows,
    split_by_location,
)
from tests.helpers.programs import Program, Server, edit, free_port, listens, now_ms, producer
from tests.helpers.proxy import Proxy
from tests.helpers.sheets_page import saved, split_values
from tests.helpers.waiting import wait_for

ALL = METERS * EACH
SMALL = 500, 400  # a screen for tests of few pixels
FEW = 900, 400  # the two panels side by side, with ten rows, in not many more


@pytest.fixture(scope="module")
def demo(tmp_path_factory, dsn):
    """A server of the rows. A proxy, `database`, stands before TDengine.

    `power` is a connection, `newest` the newest time, `other_port` that of another page.
    """
    folder = tmp_path_factory.mktemp("history")
    database, newest, other_port = f"history_{os.getpid()}", now_ms() - 1000, free_port()
    power = fill(dsn, database, newest)
    with Proxy.before(dsn) as proxy, \
            Server(folder, proxy.through(f"{dsn}/{database}"), "--tdengine-timeout-s=6",
                   f"--allowed-origins=http://localhost:{other_port}", cwd=copy_with_sheet(folder)) as server:
        server.power, server.newest, server.dsn, server.other_port = power, newest, f"{dsn}/{database}", other_port
        server.database = proxy
        yield server
    taosws.connect(dsn).execute(f"DROP DATABASE IF EXISTS {database}")


@pytest.fixture(scope="module")
def page(demo, browser):
    """It keeps what comes over its WebSockets in `answers`."""
    with opener(browser) as open_page:
        page = open_page("about:blank", *FEW)
        page.answers = []
        page.on("websocket", lambda socket: socket.on("framereceived", lambda answer: page.answers.append(answer)))
        page.goto(own_origin_page(demo) + "prsp-viewer.html?range=all&token=")
        yield page


@pytest.fixture
def panel(page):
    """The page's panel of all rows, of all time."""
    page.select_option("#range select", "all")
    return panel_of_all_rows(page)


def test_scroll_to_the_middle_and_to_the_end(demo, page, panel):
    restore(panel, ALL_ROWS)
    wait_for(lambda: number_of_rows(panel) == ALL, what="the number of rows")
    assert check_cells(demo.power, panel)[0] == 0
    for share, where in ((0.5, ALL // 2), (1, ALL), (0.25, ALL // 4), (0, 0)):
        panel.query_selector("regular-table").evaluate(SCROLL, share)
        wait_for(lambda: abs(check_cells(demo.power, panel)[-1] - where) < 100, what=f"row {where}")
    assert note(page) == ""


@pytest.mark.parametrize("step", STEPS)
def test_what_people_do_is_answered_by_the_database(demo, page, panel, step):
    config, statement = STEPS[step]
    restore(panel, FRESH | config)
    drawn = panel.evaluate(VALUES)
    if statement in ("groupid", "location"):
        cells = split_values(drawn)
        assert cells == pytest.approx(split_by_location(demo.power, config)) and len(cells) > METERS // 2
    else:
        values = [[row["__ROW_PATH__"][0], *(row[name] for name in config["columns"])] for row in drawn]
        expected = [list(row) for row in rows(demo.power, statement)]
        assert len(values) == len(expected) > 1
        for value, wanted in zip(values, expected):
            assert value[0] == wanted[0] and value[1:] == pytest.approx(wanted[1:])
    assert saved(panel)["plugin"] == config.get("plugin", "Datagrid")
    wait_for(lambda: note(page) == "", what="no words")
    assert page.inner_text("#problem") == ""


def test_closed_groups(page, panel):
    restore(panel, FRESH | {"group_by": ["location", "groupid"], "columns": ["voltage"], "group_rollup_mode": "rollup"})
    before = number_of_rows(panel)
    label = wait_for(lambda: panel.query_selector_all(".psp-tree-label-collapse")[1:2], what="a group")[0]
    label.dispatch_event("mousedown")
    wait_for(lambda: number_of_rows(panel) < before, what="fewer rows")
    assert [len(row["__ROW_PATH__"]) for row in panel.evaluate(VALUES)[:3]] == [0, 1, 1]
    assert note(page) == ""


@pytest.fixture
def page_of_another_port(demo, open_page, tmp_path):
    """The same page, which another program serves."""
    tree = copy_with_sheet(tmp_path)
    (tree / "assets").symlink_to(ROOT / "assets")
    edit(tree / "prsp-viewer.html", ('server: "",', f'server: "localhost:{demo.port}",'))
    with Program(tmp_path / "static.log", sys.executable, "-m", "http.server", str(demo.other_port), cwd=tree):
        wait_for(lambda: listens(demo.other_port), what="http.server")
        yield open_page(f"http://localhost:{demo.other_port}/prsp-viewer.html?range=all", *SMALL)


def test_two_pages_at_once_and_windows_that_fit(demo, panel, page_of_another_port):
    panels = panel, panel_of_all_rows(page_of_another_port)
    wait_for(lambda: number_of_rows(panels[1]) >= ALL, what="all rows")
    config = FRESH | {"group_by": ["timestamp"], "columns": ["voltage"], "aggregates": {"voltage": "sum"}}
    for each in panels:
        each.evaluate("(viewer, config) => void viewer.restore(config)", config)
    total, = rows(demo.power, "SELECT SUM(voltage) FROM meters")[0]
    for each in panels:
        windows = wait_for(lambda: (found := each.evaluate(f"{VALUES}.catch(() => [])"))
                           and "__ROW_PATH__" in found[0] and sum(row["voltage"] for row in found) == total and found,
                           what="the windows")
        assert 10 < len(windows) <= each.evaluate("viewer => viewer.parentElement.clientWidth / 2")
        assert all(row["__ROW_PATH__"][0] % 60_000 == 0 for row in windows)


def test_what_is_refused_is_said_on_the_panel(page, panel):
    restore(panel, FRESH | {"group_by": ["location"], "columns": ["current"]})
    with pytest.raises(Exception, match="an expression is a column"):
        restore(panel, {"expressions": {"half": '"current" / 2'}, "columns": ["half"]})
    wait_for(lambda: "an expression is a column in double quotes here" in note(page), what="the words")
    page.answers.clear()  # the panel is drawn anew, as it was before
    wait_for(lambda: page.title() and sum(isinstance(answer, bytes) for answer in page.answers) > 2,
             what="more answers")
    wait_for(lambda: "an expression is a column in double quotes here" in note(page), what="the words again")
    restore(panel, {"columns": ["voltage"]})  # what is drawn already would not be asked again
    wait_for(lambda: note(page) == "", what="no words")


def test_the_time_range(demo, page, panel):
    """It is chosen by keys, it is in the address, and it goes with what people have changed."""
    restore(panel, ALL_ROWS)
    page.select_option("#range select", "24h")
    wait_for(lambda: number_of_rows(panel) == pytest.approx(24 * 3600_000 / STEP_MS * METERS, rel=0.05), what="a day")
    restore(panel, {"filter": [*saved(panel)["filter"], ["voltage", "<", 240]], "sort": [["current", "asc"]]})
    page.focus("#range select")
    page.keyboard.press("ArrowUp")  # from the last 24 h to the last hour
    page.wait_for_url("**/*range=1h*")

    def bound():
        filters = saved(panel)["filter"]
        assert ["voltage", "<", 240] in filters and len(filters) == 2
        return next(value for column, operator, value in filters if (column, operator) == ("timestamp", ">="))
    wait_for(lambda: abs(now_ms() - 3600_000 - bound()) < 70_000, what="the last hour")
    since = bound()
    count, = rows(demo.power, f"SELECT COUNT(*) FROM meters WHERE ts >= {since} AND voltage < 240")[0]
    wait_for(lambda: number_of_rows(panel) == count, what="the rows of the last hour")
    page.select_option("#range select", "5m")
    wait_for(lambda: bound() > since + 3000_000, what="the last five minutes")
    since = bound()
    wait_for(lambda: bound() >= since + 5000, 20, "a bound that goes with the clock")
    assert saved(panel)["sort"] == [["current", "asc"]]
    page.reload()
    panel = panel_of_all_rows(page)
    assert page.input_value("#range select") == "5m"
    assert now_ms() - 300_000 - bound() < 20_000


def test_a_range_of_ones_own(demo, page, panel, open_page):
    restore(panel, ALL_ROWS)
    page.select_option("#range select", "own")
    begin, end = ((demo.newest - hours * 3600_000) // 60_000 * 60_000 for hours in (30, 20))
    for label, time_ms in (("from", begin), ("to", end)):
        local = page.evaluate("ms => new Date(ms - new Date(ms).getTimezoneOffset() * 60000).toISOString()", time_ms)
        page.get_by_label(label, exact=True).fill(local[:16])
    count, = rows(demo.power, f"SELECT COUNT(*) FROM meters WHERE ts >= {begin} AND ts < {end}")[0]
    wait_for(lambda: number_of_rows(panel) == count, what="the rows of ten hours")
    other = open_page(page.url, *SMALL)
    panel = panel_of_all_rows(other)
    assert saved(panel)["filter"] == [["timestamp", ">=", begin], ["timestamp", "<", end]]
    wait_for(lambda: number_of_rows(panel) == count, what="the same rows")
    times = [datetime.fromisoformat(text) for text in re.search("range=([^&]*)", page.url)[1]
             .replace("%3A", ":").split("%2F")]
    assert [time.timestamp() * 1000 for time in times] == [begin, end]
    other.goto(own_origin_page(demo) + "prsp-viewer.html?range=yesterday")
    says(other, 'no time range "yesterday"', where="#problem")


@pytest.mark.parametrize("width", (390, 1400))
def test_how_it_looks(page, panel, width):
    page.select_option("#range select", "own")
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = [page.get_by_label(label, exact=True).bounding_box() for label in ("time range", "from", "to")]
    assert all(box and box["x"] + box["width"] <= width for box in boxes)
    (ROOT / "artefacts").mkdir(exist_ok=True)
    page.screenshot(path=ROOT / "artefacts" / f"history-{width}.png", full_page=True)
    page.set_viewport_size(before)


def test_live_panels_beside_it_and_the_history_killed(demo, page, panel, tmp_path):
    page.select_option("#range select", "1h")
    live = page.query_selector("section:not(:has(output)) > perspective-viewer")
    wait_for(lambda: live.get_attribute("live") is not None, what="the live panel")
    with producer(tmp_path, demo.dsn):
        restore(panel, ALL_ROWS | {"sort": [["current", "desc"]]})
        processes = re.findall(r"history started, process (\d+)", demo.text())
        os.kill(int(processes[-1]), 9)
        wait_for(lambda: len(re.findall("history started", demo.text())) > len(processes), what="another process")
        before = live.evaluate(VALUES)
        wait_for(lambda: live.evaluate(VALUES) != before, 10, "other values")
        panel = panel_of_all_rows(page)
        assert saved(panel)["sort"] == [["current", "desc"]]
        wait_for(lambda: number_of_rows(panel) > 0 and note(page) == "", what="the panel of all rows")
        assert page.inner_text("#problem") == "" and "live" in page.inner_text("#status")


def test_database_silent_gone_and_back_while_a_question_runs(demo, page, panel):
    restore(panel, ALL_ROWS)
    with demo.database.trouble("silent"):
        panel.evaluate("viewer => void viewer.restore({group_by: ['location'], columns: ['voltage'], "
                       "aggregates: {voltage: 'avg'}, group_rollup_mode: 'rollup'}).catch(console.debug)")
        wait_for(lambda: re.fullmatch(r"asking TDengine for [3-9] s", note(page)), 15, "the seconds")
        with demo.database.trouble("cut"):
            wait_for(lambda: page.get_attribute("section > output", "class") == "failed", 15, "the database's words")
    wait_for(lambda: note(page) == "", 30, "no words")
    wait_for(lambda: len(panel.evaluate(VALUES)) == METERS + 1, 30, "the groups")
    assert saved(panel)["group_by"] == ["location"]
