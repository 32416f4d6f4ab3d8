"""The page in a real Chromium; the fixtures `browser` and `open_page` are there for every test, by conftest.py."""

import shutil
from contextlib import contextmanager

import pytest
from playwright.sync_api import sync_playwright

# Without a GPU the processor draws: WebGL for the charts, and no second time to put the page together.
# A test ends before code that is compiled for speed would have paid for the compiling.
CHROMIUM = ("--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist",
            "--disable-gpu-compositing", "--disable-background-networking", "--disable-component-update",
            "--js-flags=--liftoff-only")
LOST = "the connection is lost"  # the page reports it for views that a restart has cut off; this is no fault
VALUES = """viewer => viewer.getView().then(view => view.to_json())"""


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
        browser.tabs = []  # those that no test uses now: a new one takes half a second more of a processor
        yield browser
        browser.close()


def empty(page) -> None:
    """Leaves nothing in a tab of what a test has done there."""
    page.unroute_all()
    if page.url.startswith("http"):
        page.evaluate("localStorage.clear()")
    page.goto("about:blank")
    page.emulate_media(color_scheme="null")


@contextmanager
def opener(browser, *expected: str):
    """A function that opens a page. The test fails if a page throws an error, or asks another machine for something.

    An error that has one of the words of `expected` is none.
    """
    errors, pages = [], []

    def on_error(error):
        if not any(words in str(error) for words in (LOST, *expected)):
            errors.append(str(error))

    def on_request(request):
        if not ("//localhost:" in request.url or "//127.0.0.1:" in request.url
                or request.url.startswith(("data:", "blob:"))):
            errors.append(f"request to {request.url}")

    def open_page(url: str, width: int = 900, height: int = 600):  # each pixel costs processor time: there is no GPU
        # Playwright's `wait_for_function` is an eval in the page, which the page's own rules forbid.
        page = browser.tabs.pop() if browser.tabs else browser.new_page(bypass_csp=True)
        pages.append(page)
        page.on("pageerror", on_error)
        page.on("request", on_request)
        page.set_viewport_size({"width": width, "height": height})
        page.goto(url)
        return page
    yield open_page
    pages = [page for page in pages if not page.is_closed()]
    for page in pages:
        page.remove_listener("pageerror", on_error)
        page.remove_listener("request", on_request)
        empty(page)
    browser.tabs += pages
    assert not errors, errors


@pytest.fixture
def open_page(browser):
    with opener(browser) as open_page:
        yield open_page


def until(page, condition: str, seconds: float = 30, arg=None) -> None:
    """Waits until this JavaScript is true in the page. To ask for each frame, as Playwright does, costs much more."""
    page.wait_for_function(condition, arg=arg, timeout=seconds * 1000, polling=100)


def says(page, *words: str, where: str = "#status", seconds: float = 30) -> None:
    """Waits until an element of the page has all these words."""
    until(page, "([where, words]) => words.every(word => document.querySelector(where).textContent.includes(word))",
          seconds, [where, words])


def own_origin_page(demo) -> str:
    return f"http://127.0.0.1:{demo.port}/"


def live(page, seconds: float = 60):
    """Waits until the status line says live and every panel of the first sheet has a view; the panels."""
    until(page, "document.querySelector('#status').textContent.startsWith('live')", seconds)
    until(page, "document.querySelectorAll('perspective-viewer[live]').length === 5", seconds)
    return page.query_selector_all("perspective-viewer")


def groups(panel) -> list[dict]:
    """What a panel draws: one dict for each (location, groupid)."""
    return [row for row in panel.evaluate(VALUES) if len(row["__ROW_PATH__"]) == 2]
