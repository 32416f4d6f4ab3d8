"""The page's sheets in Chromium: which is shown, how people leave it, its colours and widths."""

import json

import pytest

from tests.helpers.databases import ROOT
from tests.helpers.programs import edit
from tests.helpers.sheets_page import LOCATIONS, address, answer, saved, sheets_demo, show, shown, trend
from tests.helpers.waiting import wait_for

PANELS = {"Live": 5, "History": 4, "Statistics": 5, "Trend": 2}


@pytest.fixture(scope="module")
def demo(tmp_path_factory, dsn):
    with sheets_demo(tmp_path_factory.mktemp("sheets"), dsn) as demo:
        yield demo


def numbers_of_panels(page) -> int:
    return page.evaluate("document.querySelectorAll('perspective-viewer').length")


def test_only_the_panels_of_the_sheet_exist(demo, open_page):
    page, sockets = open_page("about:blank"), []
    page.on("websocket", lambda socket: sockets.append(socket))
    page.goto(address(demo, "history"))
    page.route("**/trend?*", lambda route: route.fulfill(**answer(trend(*LOCATIONS), route.request.url)))
    shown(page, "History")
    assert [socket.url.partition("?")[0].rpartition("/")[2] for socket in sockets].count("history") == 4
    for name in ("Statistics", "Live", "History", "Trend", "Live"):
        show(page, name)
        assert numbers_of_panels(page) == PANELS[name]
        assert page.url.endswith(f"#{name.lower()}")
    wait_for(lambda: page.title() and sum(not socket.is_closed() for socket in sockets) == 1, what="one connection")
    assert page.inner_text("#problem") == ""


def test_layouts_are_kept(demo, open_page):
    page = open_page(address(demo, "live"))
    grid, *_ = shown(page, "Live")
    configured = saved(grid)
    grid.evaluate("viewer => viewer.restore({group_by: ['location'], title: 'mine', sort: [['current', 'desc']]})")
    wait_for(lambda: "mine" in page.evaluate("JSON.stringify(localStorage)"), what="the kept layout")
    show(page, "History")
    assert saved(show(page, "Live")[0])["title"] == "mine"
    page.reload()
    panels = shown(page, "Live")
    assert (saved(panels[0])["title"], saved(panels[0])["group_by"]) == ("mine", ["location"])
    page.click("#copy")
    text = page.input_value("dialog textarea")
    page.click("dialog button")
    other = [saved(panel) for panel in panels]
    page.click("#configured")
    wait_for(lambda: saved(shown(page, "Live")[0]) == configured, what="the panel as configured")
    page.reload()
    assert saved(shown(page, "Live")[0]) == configured
    with_copied_layout(demo, text)
    page.reload()
    assert [saved(panel) for panel in shown(page, "Live")] == other


def with_copied_layout(demo, text: str) -> None:
    """Puts a sheet's text into the configuration block."""
    page = demo.tree / "prsp-viewer.html"
    begin = page.read_text().index("        Live: [\n")
    end = page.read_text().index("        ],\n", begin) + len("        ],\n")
    edit(page, (page.read_text()[begin:end], text))


def test_a_layout_of_the_history_has_no_time_range_in_it(demo, open_page):
    page = open_page(address(demo, "history").replace("range=all", "range=24h"))
    line, *_ = shown(page, "History")
    line.evaluate("viewer => viewer.restore({title: 'mine', plugin: 'Y Bar'})")
    wait_for(lambda: "mine" in page.evaluate("JSON.stringify(localStorage)"), what="the kept layout")
    show(page, "Live")
    page.goto(address(demo, "history").replace("range=all", "range=5m"))
    page.reload()
    state = saved(shown(page, "History")[0])
    assert (state["title"], state["plugin"], len(state["filter"])) == ("mine", "Y Bar", 1)
    kept = json.loads(page.evaluate("localStorage.getItem('/prsp-viewer.html History')"))
    assert all("timestamp" not in json.dumps(panel["filter"]) for panel in kept["panels"])


def test_colours(demo, open_page):
    page = open_page(address(demo, "live"))
    themes = """document.querySelectorAll('perspective-viewer[theme="THEME"]').length === 5"""
    for scheme, theme in (("light", "Pro Light"), ("dark", "Pro Dark")):
        page.emulate_media(color_scheme=scheme)
        shown(page, "Live")
        page.wait_for_function(themes.replace("THEME", theme))
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.select_option("#colours", "light")
    page.wait_for_function(themes.replace("THEME", "Pro Light"))
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark
    page.reload()
    shown(page, "Live")
    page.wait_for_function(themes.replace("THEME", "Pro Light"))


def test_keys(demo, open_page):
    page = open_page(address(demo, "live"))
    shown(page, "Live")
    page.focus("nav a")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    shown(page, "History")
    assert page.get_attribute("nav a[aria-current]", "href") == "#history"


@pytest.mark.parametrize("name", PANELS)
def test_phone_width(demo, open_page, name):
    page = open_page("about:blank", 390, 844)
    page.route("**/trend?*", lambda route: route.fulfill(**answer(trend(*LOCATIONS), route.request.url)))
    page.goto(address(demo, name.lower()))
    boxes = [panel.bounding_box() for panel in shown(page, name)]
    assert len(boxes) == PANELS[name]
    assert all(box["width"] > 350 and box["height"] > 300 for box in boxes)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    (ROOT / "artefacts").mkdir(exist_ok=True)
    page.screenshot(path=ROOT / "artefacts" / f"{name.lower()}-390.png", full_page=True)
