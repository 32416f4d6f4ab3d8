"""The page's status line: each state has its words, and none contradicts another."""

from tests.helpers.browser import first_panels, live, own_origin_page, says, until
from tests.helpers.programs import Server, copy_of_the_demo, edit, now_ms, producer

HOUR_MS = 3600_000
# The page's connections, in `sockets`.
SOCKETS = """window.sockets = []; window.WebSocket = class extends WebSocket
             { constructor(...all) { super(...all); sockets.push(this); } }"""
# All that the page says of problems, in `said`.
SAID = """window.said = new Set();
          new MutationObserver(() => said.add(document.querySelector('#problem').textContent))
          .observe(document.querySelector('#problem'), {childList: true})"""


def test_the_words_of_each_state(power_dsn, write, open_page, tmp_path):
    """One page goes from one state to the next, of ever newer rows."""
    tree = copy_of_the_demo(tmp_path)
    edit(tree / "prsp-viewer.html", first_panels(1))
    write(0, now_ms() + 8 * HOUR_MS)
    with Server(tmp_path, power_dsn, "--table-limit=100", cwd=tree) as server:
        page = open_page("about:blank", 600, 400)
        page.add_init_script(SOCKETS)
        page.goto(own_origin_page(server))
        ahead = "1 row is ahead of the database's clock, by up to 8 h"
        says(page, "waiting for the first rows", ahead)
        rows_that_move_though_they_are_old(page, write)
        says(page, "live", "the newest row is 3 h old", ahead)
        with producer(tmp_path, power_dsn, "--rows-per-interval=300", "--interval-ms=1000"):
            says(page, "live", "more rows come at a time than TABLE_LIMIT (100): raise it", "ahead of the database's")
            a_connection_that_is_closed_for_a_reason(page)
        until(page, r"/no new rows for \d+ s/.test(document.querySelector('#status').textContent)")
        page.close()  # what it runs at first is for this test alone


def rows_that_move_though_they_are_old(page, write) -> None:
    start = now_ms() - 3 * HOUR_MS
    for number in range(60):
        write(0, start + number * 1000)
        page.wait_for_timeout(100)
        if "live" in page.inner_text("#status"):
            break


def a_connection_that_is_closed_for_a_reason(page) -> None:
    page.evaluate(SAID)
    page.evaluate("sockets.at(-1).send('what?')")
    until(page, "[...said].some(text => text.includes("
                "'the server has closed the connection: only an empty text is answered here'))")
    live(page, 1)
    assert page.inner_text("#problem") == ""
