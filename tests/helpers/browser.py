"""The page in a real Chromium; the fixtures `browser` and `open_page` are there for every test, by conftest.py."""

import shutil
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import taosws
from playwright.sync_api import sync_playwright

from tests.helpers.programs import Server, copy_of_the_demo, edit, free_port, producer

# Without a GPU the processor draws: WebGL for the charts, and no second time to put the page together.
# A test ends before code that is compiled for speed would have paid for the compiling.
CHROMIUM = ("--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist",
            "--disable-gpu-compositing", "--disable-background-networking", "--disable-component-update",
            "--js-flags=--liftoff-only")
LOST = "the connection is lost"  # the page reports it for views that a restart has cut off; this is no fault
VALUES = """viewer => viewer.getView().then(view => view.to_json())"""


class Browser:
    """Chromium, for all modules that run one after the other: its first page takes 2 s more of a processor."""

    def __init__(self):
        self.ends, self.chromium = ExitStack(), None

    def get(self):
        if not (self.chromium and self.chromium.is_connected()):
            self.end()
            playwright = self.ends.enter_context(sync_playwright())
            self.chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
            self.ends.callback(self.chromium.close)
            self.chromium.tabs = []  # those that no test uses now: a new one takes half a second of a processor
        return self.chromium

    def end(self) -> None:
        self.chromium = None
        self.ends.close()


shared = Browser()


@pytest.fixture(scope="module")
def browser():
    return shared.get()


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


def first_panels(count: int) -> tuple[str, str]:
    """For `edit`: leaves the page only so many panels of its first sheet, since each costs processor time."""
    return "\n</script>\n<meta", f"\nCONFIG.sheets.Live.splice({count});\n</script>\n<meta"


@contextmanager
def edited_page(tree: Path, *replacements: tuple[str, str]):
    """The page in this folder with a changed configuration, as a user would change it."""
    page = tree / "prsp-viewer.html"
    text = page.read_text()
    edit(page, *replacements)
    try:
        yield
    finally:
        page.write_text(text)


@contextmanager
def served_page(folder: Path, dsn: str, *options: str, panels: int = 5):
    """A server with these options and a slow producer; `tree` is where the page is, with its first panels only."""
    database, tree = f"page_{free_port()}", copy_of_the_demo(folder)
    with producer(folder, f"{dsn}/{database}", "--interval-ms=1000"), edited_page(tree, first_panels(panels)), \
            Server(folder, f"{dsn}/{database}", "--table-limit=2000", *options, cwd=tree) as server:
        server.tree = tree
        yield server
    taosws.connect(dsn).execute(f"DROP DATABASE IF EXISTS {database}")


def live(page, panels: int = 5, seconds: float = 60):
    """Waits until the status line says live and so many panels, all of the first sheet, have a view; the panels."""
    until(page, "document.querySelector('#status').textContent.startsWith('live')", seconds)
    until(page, "count => document.querySelectorAll('perspective-viewer[live]').length === count", seconds, panels)
    found = page.query_selector_all("perspective-viewer")
    assert len(found) == panels
    return found


def groups(panel) -> list[dict]:
    """What a panel draws: one dict for each (location, groupid)."""
    return [row for row in panel.evaluate(VALUES) if len(row["__ROW_PATH__"]) == 2]
