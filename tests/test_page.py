"""The page in a real Chromium, while `sh run.sh` runs the whole demo."""

import sys

import pytest
import taosws

import meters
from tests.helpers.browser import VALUES, edited_page, first_panels, groups, live, own_origin_page, says, until
from tests.helpers.databases import ROOT
from tests.helpers.live_rows import stored
from tests.helpers.programs import Program, Server, free_port, listens
from tests.helpers.waiting import wait_for
from tests.helpers.whole_demo import WholeDemo

ARTEFACTS = ROOT / "artefacts"
FEW_ROWS = {"ROWS_PER_INTERVAL": 200, "INTERVAL_MS": 1000, "TABLE_LIMIT": 2000}  # drawing costs much without a GPU
SMALL = f"--table-limit={FEW_ROWS['TABLE_LIMIT']}"


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    with WholeDemo(tmp_path_factory.mktemp("page"), **FEW_ROWS) as demo:
        demo.runs()
        yield demo


def database_rows(demo) -> list[dict]:
    """The database's newest rows, by the viewers' column names."""
    return [dict(zip(meters.PERSPECTIVE_SCHEMA, row)) for row in stored(taosws.connect(demo.dsn), 10_000)]


def check_moves(*panels) -> None:
    """Each panel draws other values within seconds."""
    before = [panel.evaluate(VALUES) for panel in panels]
    for panel, values in zip(panels, before):
        wait_for(lambda: panel.evaluate(VALUES) != values, 10, "other values")


def check_panels(demo, page, count: int = 5) -> None:
    """Each panel goes on to draw other values. Those of the first four are the values of rows in the database."""
    panels = live(page, count)
    drawn = [groups(panel) for panel in panels[:4]]
    rows = database_rows(demo)
    for found in drawn:
        assert len(found) == 10
        for group in found:
            location, groupid = group.pop("__ROW_PATH__")
            expected = group | {"location": location, "groupid": groupid}
            assert any(expected.items() <= row.items() for row in rows), expected
    check_moves(*panels)


def test_page_from_the_server_itself(demo, open_page):
    page = open_page(own_origin_page(demo))
    check_panels(demo, page)
    says(page, "embedded database, not TDengine" if demo.status()["embedded"] else "TDengine 3.")
    assert page.inner_text("#problem") == ""
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / "dashboard.png")


def test_page_from_another_port(demo, open_page, tmp_path):
    """From another port than 8081 the page needs the server's address, and the server the page's origin.

    Without the server's token it says so. It comes back after a restart of the server, as people have left it.
    """
    port, server_port = free_port(), free_port()
    origin = f"http://localhost:{port}"
    options = SMALL, f"--allowed-origins={origin}", "--perspective-token=sesame", f"--perspective-port={server_port}"
    server = f'server: "localhost:{server_port}",'
    with Program(tmp_path / "static.log", sys.executable, "-m", "http.server", str(port), cwd=demo.tree):
        with Server(tmp_path, demo.dsn, *options), edited_page(demo.tree, ('server: "",', server), first_panels(2)):
            wait_for(lambda: listens(port), what="http.server")
            page = open_page(f"{origin}/prsp-viewer.html", height=400)
            says(page, "wants its token")
            page.goto(f"{page.url}?token=sesame")
            check_panels(demo, page, 2)
            page.query_selector("perspective-viewer").evaluate("viewer => viewer.restore({group_by: ['location']})")
        says(page, "reconnecting")
        until(page, "document.querySelector('perspective-viewer[live]') === null")
        with Server(tmp_path, demo.dsn, *options):
            panels = live(page, 2)
            check_moves(*panels)
            assert panels[0].evaluate("viewer => viewer.save().then(state => state.group_by)") == ["location"]


def test_page_unchanged_at_the_default_ports(demo, open_page, tmp_path):
    """As the README says it: the server at 8085, `python -m http.server 8081 ...` for the page."""
    if any(listens(port) for port in (8081, 8085)):
        pytest.skip("port 8081 or 8085 is in use on this machine")
    with Program(tmp_path / "static.log", sys.executable, "-m", "http.server", "8081", "--bind", "127.0.0.1",
                 "--directory", "public", cwd=demo.tree), \
            Server(tmp_path, demo.dsn, SMALL, "--perspective-port=8085"):
        wait_for(lambda: listens(8081), what="http.server")
        check_panels(demo, open_page("http://localhost:8081/prsp-viewer.html", height=400))


def test_wrong_names_are_reported(demo, open_page):
    wrong = (('plugin: "Treemap"', 'plugin: "Treemapp"'), ('columns: ["voltage"]', 'columns: ["volts"]'),
             ('light: "Pro Light"', 'light: "Pro Lihgt"'))
    with edited_page(demo.tree, *wrong):
        page = open_page(own_origin_page(demo), height=400)
        says(page, 'Unknown plugin "Treemapp"', 'no theme "Pro Lihgt"', 'Unknown column "volts"', where="#problem")
