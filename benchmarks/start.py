"""How long `sh run.sh` takes to the first panel that moves in Chromium: cold, in a fresh copy of the tree without a virtual environment, and warm."""

import shutil
import tempfile
import time
from pathlib import Path

from measure import ROOT, Figure, chromium, table

from tests.helpers.browser import own_origin_page
from tests.helpers.programs import Program, free_port
from tests.helpers.waiting import wait_for

KEPT_OUT = shutil.ignore_patterns(".*", "artefacts", "assets", "logs", "__pycache__")
MOVES = """viewer => viewer.getView().then(view => new Promise(resolve => view.on_update(resolve)))"""


def start(tree: Path, browser) -> float:
    """Seconds."""
    port, database_port, started = free_port(), free_port(), time.monotonic()
    dsn = f"taosws://root:taosdata@localhost:{database_port}/power"  # none answers there: the embedded database is started
    with Program(tree.parent / "run.log", "sh", "run.sh", cwd=tree, TDENGINE_DSN=dsn, PERSPECTIVE_PORT=port, EMBEDDED_PORT=database_port) as demo:
        demo.port = port
        wait_for(lambda: "open http" in demo.text() or demo.process.poll() is not None, 300)
        assert "open http" in demo.text(), demo.text()
        page = browser.new_page()
        page.goto(own_origin_page(demo))
        page.wait_for_selector("perspective-viewer[live]", timeout=60_000)
        page.query_selector("perspective-viewer").evaluate(MOVES)
        took = time.monotonic() - started
        page.close()
    return took


def figures() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        shutil.copytree(ROOT, tree := Path(folder) / "demo", ignore=KEPT_OUT)
        cold = start(tree, browser)
        warm = [start(tree, browser) for _ in range(3)]
    return [Figure(f"`sh run.sh` to the first moving panel, {state}", "s", seconds) for state, seconds in (("cold", [cold]), ("warm", warm))]


if __name__ == "__main__":
    print(table([figure.summary() for figure in figures()]))
