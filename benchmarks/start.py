"""How long `sh run.sh` takes to the first panel that moves in Chromium.

A cold start makes the virtual environment first; a warm one finds it.
"""

import os
import shutil
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser

from benchmarks.measure import Figure, chromium, left_out, own_place, show
from tests.helpers.browser import own_origin_page
from tests.helpers.databases import ROOT
from tests.helpers.programs import Program, free_port
from tests.helpers.waiting import wait_for
from tests.helpers.whole_demo import not_copied

MOVES = """viewer => viewer.getView().then(view => new Promise(resolve => view.on_update(resolve)))"""


def start(tree: Path, browser: Browser) -> float:
    """Seconds to the first panel that moves."""
    if "TDENGINE_DSN" in os.environ:
        with own_place() as place:
            return start_with(place.dsn, 0, tree, browser)
    port = free_port()  # nothing answers there, so `run.sh` starts the embedded database
    return start_with(f"taosws://root:taosdata@localhost:{port}/power", port, tree, browser)


def start_with(dsn: str, database_port: int, tree: Path, browser: Browser) -> float:
    started, port = time.monotonic(), free_port()
    with Program(tree.parent / "run.log", "sh", "run.sh", cwd=tree,
                 TDENGINE_DSN=dsn, PERSPECTIVE_PORT=port, EMBEDDED_PORT=database_port) as demo:
        demo.port = port
        wait_for(lambda: "open http" in demo.text() or demo.process.poll() is not None, 300)
        assert "open http" in demo.text(), demo.text()
        page = browser.new_page(bypass_csp=True)
        page.goto(own_origin_page(demo))
        page.wait_for_selector("perspective-viewer[live]", timeout=60_000)
        page.query_selector("perspective-viewer").evaluate(MOVES)
        took = time.monotonic() - started
        page.close()
    return took


def figures() -> list[Figure]:
    what, found = "`sh run.sh` to the first moving panel", []
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        shutil.copytree(ROOT, tree := Path(folder) / "demo", symlinks=True,
                        ignore=lambda folder, names: not_copied(folder, names) | {"__pycache__"})
        first = start(tree, browser)  # it makes the virtual environment, and starts the embedded database
        if not left_out("the cold start"):
            found.append(Figure(f"{what}, cold", "s", [first]))
        found.append(Figure(f"{what}, warm", "s", [start(tree, browser) for _ in range(3)]))
    return found


if __name__ == "__main__":
    show(figures())
