"""The page's sheets in Chromium: which is shown, how people leave it, its colours and widths."""

import json

import pytest

from tests.helpers.browser import until
from tests.helpers.databases import ROOT
from tests.helpers.programs import edit
from tests.helpers.sheets_page import LOCATIONS, address, answer, saved, sheets_demo, show, shown, trend
from tests.helpers.waiting import wait_for

PANELS = {"Live": 5, "History": 4, "Statistics": 5, "Trend": 2}


@pytest.fixture(scope="module")
def demo(tmp_path_factory, dsn):
    with sheets_demo(tmp_path_factory.mktemp("sheets"), dsn) as demo:
        yield demo


@pytest.fixture
def open_sheet(demo, open_page):
    """A function that opens the page at a sheet; `/trend` has always the same answer."""
    def open_sheet(name: str, width: int = 900, height: int = 600):
        page = open_page("about:blank", width, height)
        page.route("**/trend?*", lambda route: route.fulfill(**answer(trend(*LOCATIONS), route.request.url)))
        page.goto(address(demo, name.lower()))
        return page
    return open_sheet


def kept(page) -> str:
    return page.evaluate("JSON.stringify(localStorage)")


def titles(panel) -> list[str]:
    """Of a panel, and of those that people have added beside it."""
    workspace = panel.evaluate("viewer => viewer.saveWorkspace()")
    return [state["title"] for state in workspace["panels"].values()]


def test_only_the_panels_of_the_sheet_exist(demo, open_sheet):
    page, sockets = open_sheet("Trend"), []
    page.on("websocket", lambda socket: "/history?" in socket.url and sockets.append(socket))
    for name in ("History", "Trend", "Live"):
        show(page, name)
        assert page.evaluate("document.querySelectorAll('perspective-viewer').length") == PANELS[name]
        assert page.url.endswith(f"#{name.lower()}")
    assert len(sockets) == 4
    wait_for(lambda: page.title() and all(socket.is_closed() for socket in sockets), what="no connection for them")
    assert page.inner_text("#problem") == ""


def test_layouts_are_kept(demo, open_sheet):
    page = open_sheet("Live")
    grid, *_ = shown(page, "Live")
    configured = saved(grid)
    grid.evaluate("viewer => viewer.restore({group_by: ['location'], title: 'mine', sort: [['current', 'desc']]})")
    grid.evaluate("async viewer => viewer.addPanel({...await viewer.save(), title: 'beside'})")
    wait_for(lambda: all(title in kept(page) for title in ("mine", "beside")), what="the kept layout")
    show(page, "Trend")
    assert titles(show(page, "Live")[0]) == ["mine", "beside"]
    page.reload()
    panels = shown(page, "Live")
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


def test_a_layout_of_the_history_has_no_time_range_in_it(demo, open_page):
    page = open_page(address(demo, "history").replace("range=all", "range=24h"))
    line, *_ = shown(page, "History")
    line.evaluate("viewer => viewer.restore({title: 'mine', plugin: 'Y Bar'})")
    wait_for(lambda: "mine" in kept(page), what="the kept layout")
    page.goto(address(demo, "history").replace("range=all", "range=5m"))
    state = saved(shown(page, "History")[0])
    assert (state["title"], state["plugin"], len(state["filter"])) == ("mine", "Y Bar", 1)
    panels = json.loads(page.evaluate("localStorage.getItem('/prsp-viewer.html History')"))["panels"]
    assert all("timestamp" not in json.dumps(panel["filter"]) for panel in panels)


def test_colours(open_sheet):
    page = open_sheet("Trend")
    themes = """document.querySelectorAll('perspective-viewer[theme="THEME"]').length === 2"""
    for scheme, theme in (("light", "Pro Light"), ("dark", "Pro Dark")):
        page.emulate_media(color_scheme=scheme)
        shown(page, "Trend")
        until(page, themes.replace("THEME", theme))
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.select_option("#colours", "light")
    until(page, themes.replace("THEME", "Pro Light"))
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark
    page.reload()
    shown(page, "Trend")
    until(page, themes.replace("THEME", "Pro Light"))


def test_keys(open_sheet):
    page = open_sheet("Live")
    shown(page, "Live")
    page.focus("nav a:nth-child(3)")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    shown(page, "Trend")
    assert page.get_attribute("nav a[aria-current]", "href") == "#trend"


@pytest.mark.parametrize("name", PANELS)
def test_phone_width(open_sheet, name):
    page = open_sheet(name, 390, 844)
    boxes = [panel.bounding_box() for panel in shown(page, name)]
    assert len(boxes) == PANELS[name]
    assert all(box["width"] > 350 and box["height"] > 300 for box in boxes)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    (ROOT / "artefacts").mkdir(exist_ok=True)
    page.screenshot(path=ROOT / "artefacts" / f"{name.lower()}-390.png", full_page=True)
