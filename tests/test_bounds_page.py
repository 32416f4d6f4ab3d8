"""The headers of the page, in Chromium: it runs what it is made of, and nothing else; no other site shows it."""

import http.server
import threading
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.helpers.browser import VALUES, edited_page, first_panels, live, own_origin_page, says, served_page
from tests.helpers.databases import ROOT
from tests.helpers.waiting import wait_for

INJECT = "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.injected = 1'}))"
FRAME = "<iframe src='{address}'></iframe>"


@contextmanager
def site(folder: Path):
    """The address of another site, which serves this folder."""
    serve = partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def framing(tmp_path_factory):
    """The folder and the address of a site that may show the page in a frame."""
    folder = tmp_path_factory.mktemp("framing")
    with site(folder) as address:
        yield folder, address


@pytest.fixture(scope="module")
def server(tmp_path_factory, dsn, framing):
    with served_page(tmp_path_factory.mktemp("bounds"), dsn, f"--frame-ancestors='self' {framing[1]}") as server:
        yield server


@pytest.fixture(scope="module")
def tab(browser):
    """A tab that keeps to the headers, unlike those of `open_page`; `said` is what the browser has said there."""
    page = browser.new_page(viewport={"width": 710, "height": 400})
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


def test_other_sites_show_it_in_a_frame_only_where_they_may(server, page, framing):
    folder, allowed = framing
    (folder / "index.html").write_text(FRAME.format(address=own_origin_page(server)))
    with site(folder) as refused:
        for address, shown in ((refused, False), (allowed, True)):
            page.goto(address)
            frame = page.query_selector("iframe").content_frame()
            assert bool(frame.query_selector("#status")) == shown


def test_each_answer_has_the_headers(server, framing):
    for path in ("/", "/prsp-viewer.html", "/status", "/assets/perspective/perspective-anywidget.css"):
        headers = server.get(path).headers
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"].endswith(f"frame-ancestors 'self' {framing[1]}")


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
