"""The headers of the page, in Chromium: it runs what it is made of, and nothing else; no other site shows it."""

import sys
from pathlib import Path

import pytest

from tests.helpers.browser import VALUES, edited_page, first_panels, live, own_origin_page, says, served_page
from tests.helpers.databases import ROOT
from tests.helpers.programs import Program, Server, free_port, listens
from tests.helpers.waiting import wait_for

INJECT = "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.injected = 1'}))"
FRAME = "<iframe src='{address}'></iframe>"


@pytest.fixture(scope="module")
def server(tmp_path_factory, dsn):
    with served_page(tmp_path_factory.mktemp("bounds"), dsn) as server:
        yield server


@pytest.fixture(scope="module")
def tab(browser):
    """A tab that keeps to the headers, unlike those of `open_page`; `said` is what the browser has said there."""
    page = browser.new_page(viewport={"width": 900, "height": 600})
    page.said = []
    page.on("console", lambda message: page.said.append(message.text))
    yield page
    page.close()


@pytest.fixture
def page(tab):
    """That tab, for one test."""
    tab.said.clear()
    yield tab
    tab.unroute_all()
    tab.goto("about:blank")


@pytest.mark.parametrize("panels, changes", (
    (5, ()),
    (1, (("replicate: true", "replicate: false"), first_panels(1))),
), ids=("the page keeps a copy", "the panels query the server"))
def test_the_page_breaks_none_of_its_own_rules(server, page, panels, changes):
    with edited_page(server.tree, *changes):
        page.goto(own_origin_page(server))
    panel, *_ = live(page, panels)
    drawn = panel.evaluate(VALUES)
    wait_for(lambda: panel.evaluate(VALUES) != drawn, what="other values")
    assert page.inner_text("#problem") == ""
    assert not [text for text in page.said if "Content Security Policy" in text]
    page.evaluate(INJECT)
    assert page.evaluate("window.injected") is None
    assert [text for text in page.said if "Content Security Policy" in text]


def test_the_page_says_what_it_misses_by_its_own_rules(server, page):
    page.route("**/prsp-copy.js", lambda route: route.abort())
    page.goto(own_origin_page(server))
    says(page, "prsp-*.js belong beside", where="#problem")


def test_other_sites_show_it_in_a_frame_only_where_they_may(server, page, power_dsn, tmp_path):
    port = free_port()
    with Server(tmp_path, power_dsn, f"--frame-ancestors='self' http://localhost:{port}") as other, \
            Program(tmp_path / "site.log", sys.executable, "-m", "http.server", str(port), cwd=tmp_path):
        (tmp_path / "index.html").write_text("".join(FRAME.format(address=own_origin_page(its))
                                                     for its in (server, other)))
        wait_for(lambda: listens(port), what="the other site")
        page.goto(f"http://localhost:{port}/")
        refused, allowed = (frame.content_frame() for frame in page.query_selector_all("iframe"))
        assert not refused.query_selector("#status")
        assert allowed.query_selector("#status")
        page.goto("about:blank")  # before the server ends


def test_each_answer_has_the_headers(server):
    for path in ("/", "/prsp-viewer.html", "/status", "/assets/perspective/perspective-anywidget.css"):
        headers = server.get(path).headers
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"].endswith("frame-ancestors 'self'")


def test_an_edited_page_is_served_at_once(server):
    before = server.get("/prsp-viewer.html").headers
    with edited_page(server.tree, ("staleAfter: 3,", "staleAfter: 4,")):
        after = server.get("/prsp-viewer.html", **{"If-None-Match": before["ETag"]})
        assert b"staleAfter: 4," in after.read()
        assert after.headers["Content-Security-Policy"] != before["Content-Security-Policy"]


def test_public_has_the_page_and_what_it_needs_alone():
    public = ROOT / "public"
    links = {link.name for link in public.iterdir()}
    assert links == {"assets", *(file.name for file in ROOT.glob("prsp-*"))}
    assert all((public / link).readlink() == Path("..", link) for link in links)
