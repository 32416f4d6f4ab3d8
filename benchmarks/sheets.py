"""How long the page in Chromium takes to show a sheet, from the click on its link until all its panels are drawn.

Ten switches to each sheet, by turns, beside a producer that writes 1000 rows/s. The window has 1400 × 900 pixels, which
the processor draws where there is no GPU.
"""

import statistics
import tempfile
from pathlib import Path

from benchmarks.measure import TICK_MS, Figure, chromium, drifting_producer, own_place, show
from tests.helpers.browser import live, own_origin_page
from tests.helpers.programs import Server

SWITCHES, METERS = 10, 10
GOAL_MS = 500  # of the live sheet; the others wait for answers of the database, too
SWITCH = """name => new Promise(resolve => {
    const started = performance.now();
    [...document.querySelectorAll("nav a")].find(link => link.textContent === name).click();
    const look = () => document.querySelector("nav [aria-current]").textContent === name
        && !document.querySelector("main section:not(:has(perspective-viewer[live]))")
        ? resolve(performance.now() - started) : requestAnimationFrame(look);
    requestAnimationFrame(look);
})"""


def figures() -> list[Figure]:
    with own_place("--retention=0") as place, tempfile.TemporaryDirectory() as folder, chromium() as browser, \
            drifting_producer(place.folder, place.dsn, METERS, TICK_MS // METERS, "--backfill=10m"), \
            Server(Path(folder), place.dsn) as server:
        page = browser.new_page(viewport={"width": 1400, "height": 900}, bypass_csp=True)
        page.goto(f"{own_origin_page(server)}prsp-viewer.html")
        live(page)
        names = page.locator("nav a").all_inner_texts()
        took = {name: [] for name in names}
        for _ in range(SWITCHES):
            for name in [*names[1:], names[0]]:
                took[name].append(page.evaluate(SWITCH, name))
    found = [Figure(f"a switch to the sheet {name}, until it is drawn", "ms", times) for name, times in took.items()]
    found[0].goal, found[0].met = f"≤ {GOAL_MS}", statistics.median(took[names[0]]) <= GOAL_MS
    return found


if __name__ == "__main__":
    show(figures())
