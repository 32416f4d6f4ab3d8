"""Panels of all rows in Chromium, against the real server and a database of 200 000 rows."""

import os
import re
import sys
from datetime import datetime

import pytest
import taosws

from tests.helpers.browser import VALUES, opener, own_origin_page, says
from tests.helpers.databases import ROOT, Embedded
from tests.helpers.history_page import (
    CELLS,
    EACH,
    FRESH,
    HOUR,
    METERS,
    SCROLL,
    STEP_MS,
    STEPS,
    copy_with_sheet,
    fill,
    note,
    panel_of_all_rows,
    restore,
    rows,
    saved,
)
from tests.helpers.programs import Program, Server, free_port, listens, now_ms, producer
from tests.helpers.proxy import Proxy
from tests.helpers.waiting import wait_for

ALL = METERS * EACH


@pytest.fixture(scope="module")
def demo(tmp_path_factory, dsn):
    """A server whose database has the rows: `power` is a connection, `newest` the newest time."""
    folder = tmp_path_factory.mktemp("history")
    database, newest = f"history_{os.getpid()}", now_ms() - 1000
    power = fill(dsn, database, newest)
    with Server(folder, f"{dsn}/{database}", cwd=copy_with_sheet(folder)) as server:
        server.power, server.newest, server.dsn = power, newest, f"{dsn}/{database}"
        yield server
    taosws.connect(dsn).execute(f"DROP DATABASE IF EXISTS {database}")


@pytest.fixture(scope="module")
def page(demo, browser):
    with opener(browser) as open_page:
        yield open_page(own_origin_page(demo) + "prsp-viewer.html?range=all")


@pytest.fixture(scope="module")
def panel(page):
    return panel_of_all_rows(page)


def number_of_rows(panel) -> int:
    """-1 while one view takes the place of another."""
    return panel.evaluate("viewer => viewer.getView().then(view => view.num_rows()).catch(() => -1)")


def check_cells(demo, panel) -> list[int]:
    """Waits until the rows on the screen are those of the database; their numbers."""
    table = panel.query_selector("regular-table")

    def equal():
        cells = table.evaluate(CELLS)
        cells = [row for place, row in enumerate(cells) if row[0] == cells[0][0] + place]  # below may be old ones
        if len(cells) < 10:
            return None
        numbers = [number for number, _ in cells]
        found = rows(demo.power, "SELECT tbname, location, current, voltage FROM meters ORDER BY ts DESC, tbname "
                     f"LIMIT {len(numbers)} OFFSET {numbers[0]}")
        shown = [(meter, location, float(current.replace(",", "")), int(voltage))
                 for _, (_, meter, location, current, voltage) in cells if current]
        expected = [(meter, location, round(current, 2), voltage) for meter, location, current, voltage in found]
        return shown == expected and numbers
    return wait_for(equal, 20, "the database's rows")


def test_scroll_to_the_middle_and_to_the_end(demo, page, panel):
    restore(panel, FRESH | {"columns": ["timestamp", "tbname", "location", "current", "voltage"]})
    wait_for(lambda: number_of_rows(panel) == ALL, what="the number of rows")
    assert check_cells(demo, panel)[0] == 0
    for share, where in ((0.5, ALL // 2), (1, ALL), (0.25, ALL // 4), (0, 0)):
        panel.query_selector("regular-table").evaluate(SCROLL, share)
        wait_for(lambda: abs(check_cells(demo, panel)[-1] - where) < 100, what=f"row {where}")
    assert note(page) == ""


@pytest.mark.parametrize("step", STEPS)
def test_what_people_do_is_answered_by_the_database(demo, page, panel, step):
    config, statement = STEPS[step]
    restore(panel, FRESH | config)
    drawn = panel.evaluate(VALUES)
    if statement in ("groupid", "location"):
        check_split(demo, config, drawn)
    else:
        values = [[row["__ROW_PATH__"][0], *(row[name] for name in config["columns"])] for row in drawn]
        expected = [list(row) for row in rows(demo.power, statement)]
        assert len(values) == len(expected) > 1
        for value, wanted in zip(values, expected):
            assert value[0] == wanted[0] and value[1:] == pytest.approx(wanted[1:])
    assert saved(panel)["plugin"] == config.get("plugin", "Datagrid")
    wait_for(lambda: note(page) == "", what="no words")
    assert page.inner_text("#problem") == ""


def check_split(demo, config, drawn) -> None:
    """Each cell of a view that is split by the location."""
    (group,), (column,) = config["group_by"], config["columns"]
    sql = (f"SELECT {HOUR}, location, AVG(current) FROM meters PARTITION BY location INTERVAL(1h)" if group == "hour"
           else "SELECT groupid, location, SUM(voltage) FROM meters GROUP BY groupid, location")
    expected = {(key, location): value for key, location, value in rows(demo.power, sql)}
    shown = {(row["__ROW_PATH__"][0], name.partition("|")[0]): value for row in drawn
             for name, value in row.items() if name.endswith(f"|{column}") and value is not None}
    assert shown == pytest.approx(expected) and len(shown) > METERS // 2


def test_closed_groups(page, panel):
    restore(panel, FRESH | {"group_by": ["location", "groupid"], "columns": ["voltage"], "group_rollup_mode": "rollup"})
    before = number_of_rows(panel)
    label = wait_for(lambda: panel.query_selector_all(".psp-tree-label-collapse")[1:2], what="a group")[0]
    label.dispatch_event("mousedown")
    wait_for(lambda: number_of_rows(panel) < before, what="fewer rows")
    assert [len(row["__ROW_PATH__"]) for row in panel.evaluate(VALUES)[:3]] == [0, 1, 1]
    assert note(page) == ""


def test_two_pages_at_once_and_windows_that_fit(demo, page, panel, open_page):
    other = open_page(own_origin_page(demo) + "prsp-viewer.html?range=all", 500, 500)
    panels = panel, panel_of_all_rows(other)
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


def test_what_is_refused_is_said_on_the_panel(demo, open_page):
    page, answers = open_page("about:blank"), []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda answer: answers.append(answer)))
    page.goto(own_origin_page(demo) + "prsp-viewer.html?range=all")
    panel = panel_of_all_rows(page)
    restore(panel, FRESH | {"group_by": ["location"], "columns": ["current"]})
    with pytest.raises(Exception, match="an expression is a column"):
        restore(panel, {"expressions": {"half": '"current" / 2'}, "columns": ["half"]})
    wait_for(lambda: "an expression is a column in double quotes here" in note(page), what="the words")
    answers.clear()  # the panel is drawn anew, as it was before
    wait_for(lambda: page.title() and sum(isinstance(answer, bytes) for answer in answers) > 2, what="more answers")
    wait_for(lambda: "an expression is a column in double quotes here" in note(page), what="the words again")
    restore(panel, {"columns": ["voltage"]})  # what is drawn already would not be asked again
    wait_for(lambda: note(page) == "", what="no words")


def test_the_time_range(demo, open_page):
    """It is chosen by keys, it is in the address, and it goes with what people have changed."""
    page = open_page(own_origin_page(demo) + "prsp-viewer.html?range=24h&token=")
    panel = panel_of_all_rows(page)
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


def test_a_range_of_ones_own(demo, open_page):
    page = open_page(own_origin_page(demo) + "prsp-viewer.html?range=1h")
    panel = panel_of_all_rows(page)
    page.select_option("#range select", "own")
    begin, end = ((demo.newest - hours * 3600_000) // 60_000 * 60_000 for hours in (30, 20))
    for label, time_ms in (("from", begin), ("to", end)):
        local = page.evaluate("ms => new Date(ms - new Date(ms).getTimezoneOffset() * 60000).toISOString()", time_ms)
        page.get_by_label(label, exact=True).fill(local[:16])
    count, = rows(demo.power, f"SELECT COUNT(*) FROM meters WHERE ts >= {begin} AND ts < {end}")[0]
    wait_for(lambda: number_of_rows(panel) == count, what="the rows of ten hours")
    address = page.url
    other = open_page(address)
    panel = panel_of_all_rows(other)
    assert saved(panel)["filter"] == [["timestamp", ">=", begin], ["timestamp", "<", end]]
    wait_for(lambda: number_of_rows(panel) == count, what="the same rows")
    times = [datetime.fromisoformat(text) for text in re.search("range=([^&]*)", address)[1]
             .replace("%3A", ":").split("%2F")]
    assert [time.timestamp() * 1000 for time in times] == [begin, end]
    wrong = open_page(own_origin_page(demo) + "prsp-viewer.html?range=yesterday")
    says(wrong, 'no time range "yesterday"', where="#problem")


def test_live_panels_beside_it_and_the_history_killed(demo, open_page, tmp_path):
    with producer(tmp_path, demo.dsn):
        page = open_page(own_origin_page(demo))
        panel_of_all_rows(page)
        live = page.query_selector("section:not(:has(output)) > perspective-viewer")
        wait_for(lambda: live.get_attribute("live") is not None, what="the live panel")
        restore(page.query_selector("section:has(output) > perspective-viewer"), {"sort": [["current", "desc"]]})
        processes = re.findall(r"history started, process (\d+)", demo.text())
        os.kill(int(processes[-1]), 9)
        wait_for(lambda: len(re.findall("history started", demo.text())) > len(processes), what="another process")
        before = live.evaluate(VALUES)
        wait_for(lambda: live.evaluate(VALUES) != before, 10, "other values")
        panel = panel_of_all_rows(page)
        assert saved(panel)["sort"] == [["current", "desc"]]
        wait_for(lambda: number_of_rows(panel) > 0 and note(page) == "", what="the panel of all rows")
        assert page.inner_text("#problem") == "" and "live" in page.inner_text("#status")


def test_from_another_port(demo, open_page, tmp_path):
    port, folder = free_port(), tmp_path
    tree = copy_with_sheet(folder)
    (tree / "assets").symlink_to(ROOT / "assets")
    origin = f"http://localhost:{port}"
    page_file = tree / "prsp-viewer.html"
    with Program(folder / "static.log", sys.executable, "-m", "http.server", str(port), cwd=tree), \
            Server(folder, demo.dsn, f"--allowed-origins={origin}") as server:
        page_file.write_text(page_file.read_text().replace('server: "",', f'server: "localhost:{server.port}",'))
        wait_for(lambda: listens(port), what="http.server")
        page = open_page(f"{origin}/prsp-viewer.html?range=all")
        wait_for(lambda: number_of_rows(panel_of_all_rows(page)) >= ALL, what="all rows")


@pytest.mark.parametrize("width", (390, 1400))
def test_how_it_looks(demo, open_page, width):
    page = open_page(own_origin_page(demo) + "prsp-viewer.html?range=2026-01-01T00:00Z/2099-01-01T00:00Z", width, 900)
    panel_of_all_rows(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = [page.get_by_label(label, exact=True).bounding_box() for label in ("time range", "from", "to")]
    assert all(box and box["x"] + box["width"] <= width for box in boxes)
    (ROOT / "artefacts").mkdir(exist_ok=True)
    page.screenshot(path=ROOT / "artefacts" / f"history-{width}.png", full_page=True)


@pytest.mark.embedded_only
def test_database_stopped_and_back_while_a_question_runs(open_page, tmp_path):
    folder, port = tmp_path / "database", free_port()
    database = Embedded(tmp_path / "1.log", f"--folder={folder}", f"--port={port}", "--retention=0")
    fill(database.dsn, "power", now_ms() - 1000)
    with Proxy(port, "localhost") as proxy:
        dsn = f"taosws://root:taosdata@localhost:{proxy.port}/power"
        # A process that has not asked before has to connect first: that, too, takes longer than the words below.
        with Server(tmp_path, dsn, "--tdengine-timeout-s=6", cwd=copy_with_sheet(tmp_path)) as server:
            page = open_page(own_origin_page(server) + "prsp-viewer.html?range=all")
            panel = panel_of_all_rows(page)
            with proxy.trouble("silent"):
                panel.evaluate("viewer => void viewer.restore({group_by: ['location'], columns: ['voltage'], "
                               "aggregates: {voltage: 'avg'}}).catch(console.debug)")
                wait_for(lambda: re.fullmatch(r"asking TDengine for [3-9] s", note(page)), 15, "the seconds")
                database.kill()
            wait_for(lambda: page.get_attribute("section > output", "class") == "failed", 15, "the database's words")
            database = Embedded(tmp_path / "2.log", f"--folder={folder}", f"--port={port}", "--retention=0")
            wait_for(lambda: note(page) == "", 30, "no words")
            wait_for(lambda: len(panel.evaluate(VALUES)) == METERS + 1, 30, "the groups")
            assert saved(panel)["group_by"] == ["location"]
    database.end()
