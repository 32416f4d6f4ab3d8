"""The page's status line: each state has its words, and none contradicts another."""

import pytest

from tests.helpers.browser import first_panels, live, own_origin_page, says, served_page, until
from tests.helpers.programs import Server, copy_of_the_demo, edit, now_ms, producer


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """The demo's files; the page has one panel."""
    tree = copy_of_the_demo(tmp_path_factory.mktemp("status"))
    edit(tree / "prsp-viewer.html", first_panels(1))
    return tree


def test_rows_of_the_future_and_a_table_that_is_too_small(tree, power_dsn, write, open_page, tmp_path):
    write(0, now_ms() + 8 * 3600_000)
    with Server(tmp_path, power_dsn, "--table-limit=100", cwd=tree) as server:
        page = open_page(own_origin_page(server))
        says(page, "waiting for the first rows", "1 row is ahead of the database's clock, by up to 8 h")
        with producer(tmp_path, power_dsn, "--rows-per-interval=300", "--interval-ms=1000"):
            says(page, "live", "more rows come at a time than TABLE_LIMIT (100): raise it", "ahead of the database's")
        until(page, r"/no new rows for \d+ s/.test(document.querySelector('#status').textContent)")


def test_rows_that_move_though_they_are_old(tree, power_dsn, write, open_page, tmp_path):
    start = now_ms() - 3 * 3600_000
    with Server(tmp_path, power_dsn, cwd=tree) as server:
        page = open_page(own_origin_page(server))
        for number in range(60):
            write(0, start + number * 1000)
            page.wait_for_timeout(100)
            if "live" in page.inner_text("#status"):
                break
        says(page, "live", "the newest row is 3 h old")


def test_a_connection_that_is_closed_for_a_reason(dsn, open_page, tmp_path):
    with served_page(tmp_path, dsn, panels=1) as server:
        page = open_page("about:blank")
        page.add_init_script("window.sockets = []; window.WebSocket = class extends WebSocket "
                             "{ constructor(...all) { super(...all); sockets.push(this); } }")
        page.goto(own_origin_page(server))
        live(page, 1)
        page.evaluate("window.said = new Set(); new MutationObserver(() => said.add(document.querySelector('#problem')"
                      ".textContent)).observe(document.querySelector('#problem'), {childList: true})")
        page.evaluate("sockets.at(-1).send('what?')")
        until(page, "[...said].some(text => text.includes("
                               "'the server has closed the connection: only an empty text is answered here'))")
        live(page, 1)
        assert page.inner_text("#problem") == ""
        page.close()  # what it runs at first is for this test alone
