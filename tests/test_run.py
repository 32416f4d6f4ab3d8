"""The whole demo as a newcomer starts it: `sh run.sh` in a copy of the tree, and a real Chromium."""

import os
import shutil
import signal
import socket
import sys
from contextlib import contextmanager

import pytest
import taosws

import meters
from tests.helpers.browser import VALUES, browser, groups, live, open_page, own_origin_page  # noqa: F401 (fixtures)
from tests.helpers.databases import ROOT
from tests.helpers.live_rows import stored
from tests.helpers.programs import Program, Server, free_port, listens
from tests.helpers.waiting import wait_for

ARTEFACTS = ROOT / "artefacts"


class Demo(Program):
    """`sh run.sh` in a copy of the tree, on free ports."""

    def __init__(self, folder, **environment):
        self.tree = folder / "demo"
        shutil.copytree(ROOT, self.tree, ignore=shutil.ignore_patterns(".*", "artefacts", "assets", "logs", "__pycache__"))
        (self.tree / ".venv").symlink_to(ROOT / ".venv")
        self.port, self.database_port = free_port(), free_port()
        self.dsn = f"taosws://root:taosdata@localhost:{self.database_port}/power"  # where none answers: the embedded one
        if "TDENGINE_DSN" in os.environ:
            self.dsn = f"{os.environ['TDENGINE_DSN']}/run_{self.port}"
        super().__init__(folder / "run.log", "sh", "run.sh", cwd=self.tree, **{
            "TDENGINE_DSN": self.dsn, "PERSPECTIVE_PORT": self.port, "EMBEDDED_PORT": self.database_port} | environment)

    def wait(self, seconds: float = 20) -> int:
        status = super().wait(seconds)
        if "TDENGINE_DSN" in os.environ:
            taosws.connect(os.environ["TDENGINE_DSN"]).execute(f"DROP DATABASE IF EXISTS run_{self.port}")
        return status

    def listening(self) -> list[int]:
        """The demo's ports where somebody listens."""
        return [port for port in (self.port, self.database_port) if listens(port)]

    def status(self):
        return Server.status(self)

    get = Server.get


@pytest.fixture
def start(tmp_path):
    """A function that starts the demo; it is ended after the test."""
    started = []

    def start(**environment) -> Demo:
        started.append(Demo(tmp_path, **environment))
        return started[-1]
    yield start
    for demo in started:
        if demo.process.poll() is None:
            demo.end()


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    with Demo(tmp_path_factory.mktemp("run")) as demo:
        demo.says("in a browser", 60)
        yield demo


@contextmanager
def edited_page(demo, old: str, new: str):
    """The page with a changed configuration, as a user would change it."""
    page = demo.tree / "prsp-viewer.html"
    text = page.read_text()
    assert old in text
    page.write_text(text.replace(old, new, 1))
    yield
    page.write_text(text)


def database_rows(demo) -> list[dict]:
    """The database's newest rows, by the viewers' column names."""
    return [dict(zip(meters.PERSPECTIVE_SCHEMA, row)) for row in stored(taosws.connect(demo.dsn), 10_000)]


def check_panels(demo, page):
    for panel in live(page):
        drawn = groups(panel)
        assert len(drawn) == 10
        stored = database_rows(demo)
        for row in drawn:
            location, groupid = row.pop("__ROW_PATH__")
            expected = {"location": location, "groupid": groupid} | row
            assert any(all(r[name] == value for name, value in expected.items()) for r in stored), expected
        wait_for(lambda: groups(panel) != drawn, 2, "other values")


def test_page_from_the_server_itself(demo, open_page):
    page = open_page(own_origin_page(demo))
    check_panels(demo, page)
    assert page.inner_text("#problem") == ""
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / "dashboard.png")


def test_page_from_another_port(demo, open_page, tmp_path):
    """From another port than 8081 the page needs the server's address, and the server the page's origin."""
    port = free_port()
    origin = f"http://localhost:{port}"
    with Program(tmp_path / "static.log", sys.executable, "-m", "http.server", str(port), cwd=demo.tree), \
            Server(tmp_path, demo.dsn, f"--allowed-origins={origin}") as server, \
            edited_page(demo, 'server: "",', f'server: "localhost:{server.port}",'):
        wait_for(lambda: listens(port), what="http.server")
        check_panels(demo, open_page(f"{origin}/prsp-viewer.html"))


def test_page_unchanged_at_the_default_ports(demo, open_page, tmp_path):
    """As the README says it: the server at 8085, `python -m http.server 8081` for the page."""
    if any(listens(port) for port in (8081, 8085)):
        pytest.skip("port 8081 or 8085 is in use on this machine")
    with Program(tmp_path / "static.log", sys.executable, "-m", "http.server", "8081", cwd=demo.tree), \
            Server(tmp_path, demo.dsn, "--perspective-port=8085"):
        wait_for(lambda: listens(8081), what="http.server")
        check_panels(demo, open_page("http://localhost:8081/prsp-viewer.html"))


def test_status_line_names_the_database(demo, open_page):
    page = open_page(own_origin_page(demo))
    live(page)
    expected = "embedded database, not TDengine" if demo.status()["embedded"] else "TDengine 3."
    assert expected in page.inner_text("#status")


def test_phone_width(demo, open_page):
    page = open_page(own_origin_page(demo), 390, 844)
    panels = live(page)
    boxes = [panel.bounding_box() for panel in panels]
    assert all(box["width"] > 350 and box["height"] > 300 for box in boxes)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / "phone.png", full_page=True)


@pytest.mark.parametrize("old, new, words", (
    ('plugin: "Treemap"', 'plugin: "Treemapp"', 'Unknown plugin "Treemapp"'),
    ('theme: "Pro Dark"', 'theme: "Pro Drak"', 'no theme "Pro Drak"'),
    ('columns: ["voltage"]', 'columns: ["volts"]', 'Unknown column "volts"'),
))
def test_wrong_name_is_reported(demo, open_page, old, new, words):
    with edited_page(demo, old, new):
        page = open_page(own_origin_page(demo))
        page.wait_for_function("words => document.querySelector('#problem').textContent.includes(words)", arg=words)


def test_token_on_the_page(demo, open_page, tmp_path):
    with Server(tmp_path, demo.dsn, "--perspective-token=sesame") as server:
        page = open_page(own_origin_page(server))
        page.wait_for_function("document.querySelector('#status').textContent.includes('wants its token')")
        live(open_page(own_origin_page(server) + "?token=sesame"))


def test_page_comes_back_after_a_server_restart(demo, open_page, tmp_path):
    first = Server(tmp_path, demo.dsn).__enter__()
    page = open_page(own_origin_page(first))
    panels = live(page)
    panels[0].evaluate("viewer => viewer.restore({group_by: ['location']})")  # as a person would
    first.end()
    page.wait_for_function("document.querySelector('#status').textContent.startsWith('reconnecting')")
    page.wait_for_function("document.querySelector('perspective-viewer[live]') === null")
    with Server(tmp_path, demo.dsn, f"--perspective-port={first.port}"):
        panels = live(page)
        for panel in panels[1:]:
            before = groups(panel)
            wait_for(lambda: groups(panel) != before, 10, "moving values")
        assert panels[0].evaluate("viewer => viewer.save().then(state => state.group_by)") == ["location"]
        before = panels[0].evaluate(VALUES)
        wait_for(lambda: panels[0].evaluate(VALUES) != before, 10, "moving values")


def test_stale_data_is_said(start, open_page):
    demo = start()
    demo.says("in a browser", 60)
    page = open_page(own_origin_page(demo))
    live(page)
    stop = pid_of(demo, "producer")
    os.kill(stop, signal.SIGSTOP)
    page.wait_for_function(r"/no new rows for \d+ s/.test(document.querySelector('#status').textContent)")
    os.kill(stop, signal.SIGCONT)
    live(page)


def pid_of(demo, part: str) -> int:
    """The process of a part, by its command line and the demo's folder."""
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            command = open(f"/proc/{pid}/cmdline").read().split("\0")
            if any(part in word for word in command) and os.readlink(f"/proc/{pid}/cwd") == str(demo.tree) \
                    and "python" in command[0]:
                return int(pid)
        except OSError:
            continue
    raise AssertionError(f"no process of {part}")


@pytest.mark.parametrize("stop", (
    lambda pid: os.kill(pid, signal.SIGTERM),
    lambda pid: os.killpg(pid, signal.SIGINT),  # as Ctrl-C does: the parts get it too
))
def test_stop_ends_all_that_it_started(start, stop):
    demo = start()
    demo.says("in a browser", 60)
    assert demo.listening()
    stop(demo.process.pid)
    assert demo.wait() == 0, demo.text()
    assert "has ended" not in demo.text()
    assert demo.listening() == []


def test_a_part_that_dies_is_named_and_ends_the_rest(start):
    demo = start()
    demo.says("in a browser", 60)
    os.kill(pid_of(demo, "producer.py"), signal.SIGKILL)
    assert demo.wait() == 1
    assert "the last lines of logs/producer.log" in demo.text()
    assert "producer has ended" in demo.text()
    assert demo.listening() == []


def test_port_in_use_is_named(start):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        demo = start(PERSPECTIVE_PORT=taken.getsockname()[1])
        assert demo.wait(60) == 1
        assert "choose another with --perspective-port or PERSPECTIVE_PORT" in demo.text()


@pytest.mark.embedded_only
def test_says_that_it_starts_the_embedded_database(demo):
    assert "no TDengine answers: starting the embedded database" in demo.text()


@pytest.mark.embedded_only
def test_uses_the_database_that_answers(start, embedded):
    demo = start(TDENGINE_DSN=embedded.dsn)
    demo.says("in a browser", 60)
    assert f"using taosws://root:***@localhost:{embedded.port}, version 3." in demo.text()
    assert demo.listening() == [demo.port]
