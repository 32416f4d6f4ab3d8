"""The headers of the page, in Chromium: it runs what it is made of, and nothing else; no other site shows it."""

import sys
from pathlib import Path

import pytest

from tests.helpers.browser import VALUES, own_origin_page
from tests.helpers.databases import ROOT
from tests.helpers.programs import Program, Server, copy_of_the_demo, edit, free_port, listens, producer
from tests.helpers.waiting import wait_for

SMALL = ("--table-limit=2000",)
INJECT = "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.injected = 1'}))"
FRAME = "<iframe src='{address}'></iframe>"


@pytest.fixture
def rows(power_dsn, tmp_path):
    with producer(tmp_path, power_dsn, "--interval-ms=1000"):
        yield


@pytest.mark.parametrize("replicate", (True, False))
def test_the_page_breaks_none_of_its_own_rules(rows, power_dsn, browser, tmp_path, replicate):
    with Server(tmp_path, power_dsn, *SMALL) as server:
        page = browser.new_page(viewport={"width": 900, "height": 600})
        said = []
        page.on("console", lambda message: said.append(message.text))
        if not replicate:
            page.route("**/prsp-viewer.html", lambda route: queries_the_server(route))
        page.goto(own_origin_page(server))
        wait_for(lambda: page.inner_text("#status").startswith("live"), 60, "live rows")
        wait_for(lambda: len(page.query_selector_all("perspective-viewer[live]")) == 5, 60, "the panels")
        panel = page.query_selector("perspective-viewer")
        drawn = panel.evaluate(VALUES)
        wait_for(lambda: panel.evaluate(VALUES) != drawn, what="other values")
        assert page.inner_text("#problem") == ""
        assert not [text for text in said if "Content Security Policy" in text]
        page.evaluate(INJECT)
        assert page.evaluate("window.injected") is None
        assert [text for text in said if "Content Security Policy" in text]
        page.close()


def test_the_page_says_what_it_misses_by_its_own_rules(power_dsn, browser, tmp_path):
    with Server(tmp_path, power_dsn) as server:
        page = browser.new_page()
        page.route("**/prsp-copy.js", lambda route: route.abort())
        page.goto(own_origin_page(server))
        wait_for(lambda: "prsp-*.js belong beside" in page.inner_text("#problem"), what="the problem")
        page.close()


def queries_the_server(route) -> None:
    """The page with `replicate: false`; its scripts are no longer those that the header names."""
    answer = route.fetch()
    policy = answer.headers["content-security-policy"].replace("script-src ", "script-src 'unsafe-inline' ")
    policy = " ".join(word for word in policy.split() if not word.startswith("'sha256-"))
    route.fulfill(response=answer, headers=answer.headers | {"content-security-policy": policy},
                  body=answer.text().replace("replicate: true", "replicate: false"))


@pytest.mark.parametrize("allowed", (False, True))
def test_other_sites_show_it_in_a_frame_only_where_they_may(power_dsn, browser, tmp_path, allowed):
    port = free_port()
    options = (f"--frame-ancestors='self' http://localhost:{port}",) if allowed else ()
    with Server(tmp_path, power_dsn, *options) as server, \
            Program(tmp_path / "site.log", sys.executable, "-m", "http.server", str(port), cwd=tmp_path):
        (tmp_path / "index.html").write_text(FRAME.format(address=own_origin_page(server)))
        wait_for(lambda: listens(port), what="the other site")
        page = browser.new_page()
        page.goto(f"http://localhost:{port}/")
        frame = page.frames[1]
        frame.wait_for_load_state()
        assert bool(frame.query_selector("#status")) == allowed
        page.close()


def test_each_answer_has_the_headers(power_dsn, tmp_path):
    with Server(tmp_path, power_dsn) as server:
        for path in ("/", "/prsp-viewer.html", "/status", "/assets/perspective/perspective-anywidget.css"):
            headers = server.get(path).headers
            assert headers["Referrer-Policy"] == "no-referrer"
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Content-Security-Policy"].endswith("frame-ancestors 'self'")


def test_an_edited_page_is_served_at_once(power_dsn, tmp_path):
    demo = copy_of_the_demo(tmp_path)
    with Server(tmp_path, power_dsn, cwd=demo) as server:
        before = server.get("/prsp-viewer.html").headers
        edit(demo / "prsp-viewer.html", ("staleAfter: 3,", "staleAfter: 4,"))
        after = server.get("/prsp-viewer.html", **{"If-None-Match": before["ETag"]})
        assert b"staleAfter: 4," in after.read()
        assert after.headers["Content-Security-Policy"] != before["Content-Security-Policy"]


def test_public_has_the_page_and_what_it_needs_alone():
    public = ROOT / "public"
    links = {link.name for link in public.iterdir()}
    assert links == {"assets", *(file.name for file in ROOT.glob("prsp-*"))}
    assert all((public / link).readlink() == Path("..", link) for link in links)
