"""The page in a real Chromium; the fixtures `browser` and `open_page` are there for every test, by conftest.py."""

import shutil
from contextlib import contextmanager

import pytest
from playwright.sync_api import sync_playwright

# Without a GPU the processor draws: WebGL for the charts, and no second time to put the page together.
CHROMIUM = ("--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist",
            "--disable-gpu-compositing", "--disable-background-networking", "--disable-component-update")
LOST = "the connection is lost"  # the page reports it for views that a restart has cut off; this is no fault
VALUES = """viewer => viewer.getView().then(view => view.to_json())"""


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
        yield browser
        browser.close()


@contextmanager
def opener(browser, *expected: str):
    """A function that opens a page. The test fails if a page throws an error, or asks another machine for something.

    An error that has one of the words of `expected` is none.
    """
    errors, pages = [], []

    def open_page(url: str, width: int = 900, height: int = 600):  # each pixel costs processor time: there is no GPU
        # Playwright's `wait_for_function` is an eval in the page, which the page's own rules forbid.
        page = browser.new_page(viewport={"width": width, "height": height}, bypass_csp=True)
        page.on("pageerror", lambda error: any(words in str(error) for words in (LOST, *expected))
                or errors.append(str(error)))
        page.on("request", lambda request: "//localhost:" in request.url or "//127.0.0.1:" in request.url
                or request.url.startswith(("data:", "blob:")) or errors.append(f"request to {request.url}"))
        page.goto(url)
        pages.append(page)
        return page
    yield open_page
    for page in pages:
        page.close()
    assert not errors


@pytest.fixture
def open_page(browser):
    with opener(browser) as open_page:
        yield open_page


def own_origin_page(demo) -> str:
    return f"http://127.0.0.1:{demo.port}/"


def live(page, seconds: float = 60):
    """Waits until the status line says live and every panel of the first sheet has a view; the panels."""
    page.wait_for_function("document.querySelector('#status').textContent.startsWith('live')", timeout=seconds * 1000)
    page.wait_for_function("document.querySelectorAll('perspective-viewer[live]').length === 5",
                           timeout=seconds * 1000)
    return page.query_selector_all("perspective-viewer")


def groups(panel) -> list[dict]:
    """What a panel draws: one dict for each (location, groupid)."""
    return [row for row in panel.evaluate(VALUES) if len(row["__ROW_PATH__"]) == 2]
