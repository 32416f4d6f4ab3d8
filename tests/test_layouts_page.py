"""The page's sheets in Chromium: which is shown, how people leave it, and its colours."""

import json

import pytest

from tests.helpers.browser import opener, until
from tests.helpers.programs import edit
from tests.helpers.sheets_page import address, saved, set_sheets, sheets_demo, show, shown
from tests.helpers.waiting import wait_for

# Datagrids: a chart costs more to draw.
SHEETS = """    sheets: {
        Live: [
            {title: "Meters", plugin: "Datagrid", group_by: ["location", "groupid"], group_rollup_mode: "flat",
             columns: ["current", "voltage"], aggregates: {current: "last", voltage: "last"}},
            {title: "By second", plugin: "Datagrid", expressions: {second: `bucket("timestamp", '1s')`},
             group_by: ["second"], split_by: ["location"], columns: ["current"], aggregates: {current: "avg"}},
        ],
        History: [
            {title: "All", table: "meters", plugin: "Datagrid", group_by: ["timestamp"], columns: ["current"],
             aggregates: {current: "avg"}},
        ],
    },
"""
PANELS = {"Live": 2, "History": 1}
COLOURED = """theme => document.querySelectorAll(`perspective-viewer[theme="${theme}"]`).length === 2"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory, dsn):
    with sheets_demo(tmp_path_factory.mktemp("sheets"), dsn) as demo:
        set_sheets(demo.tree, SHEETS)
        yield demo


@pytest.fixture(scope="module")
def page(demo, browser):
    with opener(browser) as open_page:
        yield open_page(address(demo, "live"), 720, 400)


def kept(page) -> str:
    return page.evaluate("JSON.stringify(localStorage)")


def titles(panel) -> list[str]:
    """Of a panel, and of those that people have added beside it."""
    workspace = panel.evaluate("viewer => viewer.saveWorkspace()")
    return [state["title"] for state in workspace["panels"].values()]


def test_only_the_panels_of_the_sheet_exist(page):
    sockets = []
    page.on("websocket", lambda socket: "/history?" in socket.url and sockets.append(socket))
    for name in ("History", "Live"):
        show(page, name)
        assert page.evaluate("document.querySelectorAll('perspective-viewer').length") == PANELS[name]
        assert page.url.endswith(f"#{name.lower()}")
    assert len(sockets) == 1
    wait_for(lambda: page.title() and all(socket.is_closed() for socket in sockets), what="no connection for it")
    assert page.inner_text("#problem") == ""


def test_keys(page):
    show(page, "Live")
    page.focus("nav a:nth-child(1)")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    shown(page, "History")
    assert page.get_attribute("nav a[aria-current]", "href") == "#history"


def test_colours(page):
    show(page, "Live")
    for scheme, theme in (("light", "Pro Light"), ("dark", "Pro Dark")):
        page.emulate_media(color_scheme=scheme)
        until(page, COLOURED, arg=theme)
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.select_option("#colours", "light")
    until(page, COLOURED, arg="Pro Light")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark


def test_a_layout_of_the_history_has_no_time_range_in_it(demo, page):
    line, = show(page, "History")
    page.select_option("#range select", "24h")
    line.evaluate("viewer => viewer.restore({title: 'bars', plugin: 'Y Bar'})")
    wait_for(lambda: "bars" in kept(page), what="the kept layout")
    page.goto(address(demo, "history").replace("range=all", "range=5m"))
    state = saved(shown(page, "History")[0])
    assert (state["title"], state["plugin"], len(state["filter"])) == ("bars", "Y Bar", 1)
    panel, = json.loads(page.evaluate("localStorage.getItem('/prsp-viewer.html History')"))["panels"]
    assert "timestamp" not in json.dumps(panel["filter"])


def test_layouts_and_colours_are_kept(demo, page):
    grid, _ = show(page, "Live")
    page.emulate_media(color_scheme="light")
    page.select_option("#colours", "dark")
    until(page, COLOURED, arg="Pro Dark")
    configured = saved(grid)
    grid.evaluate("viewer => viewer.restore({group_by: ['location'], title: 'mine', sort: [['current', 'desc']]})")
    grid.evaluate("async viewer => viewer.addPanel({...await viewer.save(), title: 'beside'})")
    wait_for(lambda: all(title in kept(page) for title in ("mine", "beside")), what="the kept layout")
    show(page, "History")
    assert titles(show(page, "Live")[0]) == ["mine", "beside"]
    page.reload()
    panels = shown(page, "Live")
    until(page, COLOURED, arg="Pro Dark")
    assert titles(panels[0]) == ["mine", "beside"]
    assert (saved(panels[0])["title"], saved(panels[0])["group_by"]) == ("mine", ["location"])
    page.click("#copy")
    text = page.input_value("dialog textarea")
    page.click("dialog button")
    other = [saved(panel) for panel in panels]
    page.click("#configured")
    wait_for(lambda: saved(shown(page, "Live")[0]) == configured, what="the panel as configured")
    assert titles(shown(page, "Live")[0]) == [configured["title"]]
    assert "mine" not in kept(page)
    with_copied_layout(demo, text)
    page.reload()
    panels = shown(page, "Live")
    assert [saved(panel) for panel in panels] == other
    assert titles(panels[0]) == ["mine", "beside"]


def with_copied_layout(demo, text: str) -> None:
    """Puts a sheet's text into the configuration block."""
    page = demo.tree / "prsp-viewer.html"
    begin = page.read_text().index("        Live: [\n")
    end = page.read_text().index("        ],\n", begin) + len("        ],\n")
    edit(page, (page.read_text()[begin:end], text))
