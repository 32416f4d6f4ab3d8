"""`examples/minimal.py` against a real database, with a real Perspective client, and its page in Chromium."""

import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

import meters
from tests.helpers.browser import VALUES
from tests.helpers.databases import ROOT
from tests.helpers.live_rows import shown, stored
from tests.helpers.programs import Program, free_port, now_ms, producer
from tests.helpers.proxy import Proxy
from tests.helpers.viewers import Viewer
from tests.helpers.waiting import wait_for

MINIMAL = ROOT / "examples" / "minimal.py"


class Minimal(Program):
    """`examples/minimal.py` at a free port."""

    def __init__(self, folder, dsn: str):
        self.port = free_port()
        super().__init__(folder / "minimal.log", sys.executable, str(MINIMAL), TDENGINE_DSN=dsn, PORT=self.port)

    def __enter__(self):
        self.says("open http")
        return self


def members(group: int) -> list[str]:
    """What runs in a process group."""
    found = subprocess.run(["ps", "-o", "stat=,args=", "-g", str(group)], capture_output=True, text=True).stdout
    return [line for line in found.splitlines() if not line.startswith("Z")]


def ends_without_a_trace(minimal: Minimal, how: signal.Signals) -> None:
    """Sends this to all of it, as a terminal does."""
    os.killpg(minimal.process.pid, how)
    assert minimal.wait() == 0
    assert "Traceback" not in minimal.text()
    wait_for(lambda: not members(minimal.process.pid), what="the end of its reader")


def test_it_is_short_and_can_be_copied_alone():
    code = MINIMAL.read_text()
    assert len(code.splitlines()) <= 100
    imported = set(re.findall(r"^(?:from|import) (\w+)", code, re.M))
    assert imported <= sys.stdlib_module_names | {"perspective", "pyarrow", "taosws", "tornado"}
    steps = re.findall(r"# (\d)\. a (Perspective server|connection|table|callback|WebSocket)", code)
    assert [number for number, _ in steps] == ["1", "2", "3", "4", "5"]


def test_each_row_comes_once_and_ascending_until_it_is_ended(tmp_path, power_dsn, power, write):
    before = now_ms()
    for i in range(20):
        write(i % 3, before + i, i)
    minimal = Minimal(tmp_path, power_dsn).__enter__()
    with Viewer(minimal.port) as viewer:
        table = viewer.table()
        for i in range(20):
            write(i % 3, now_ms() - 400 * (i % 2), 100 + i)  # every other row is written late
        wait_for(lambda: table.size() >= 40, what="the rows")
        rows = shown(viewer)
        assert sorted(rows) == sorted(stored(power))
        for location in {row[1] for row in rows}:
            times = [row[0] for row in rows if row[1] == location]
            assert times == sorted(times)
    ends_without_a_trace(minimal, signal.SIGTERM)


def test_it_waits_for_the_table_and_goes_on_after_an_outage(tmp_path, dsn, power_dsn, power, request):
    port = int(dsn.rpartition(":")[2])
    with Proxy(port) as proxy, Minimal(tmp_path, power_dsn.replace(f":{port}", f":{proxy.port}")) as minimal:
        minimal.says("Table does not exist")
        write = request.getfixturevalue("write")  # makes the super table
        with Viewer(minimal.port) as viewer:
            write(0, now_ms(), 1)
            table = viewer.table()
            with proxy.trouble("cut"):
                write(0, now_ms(), 2)
                wait_for(lambda: minimal.text().count("trying again") > 1, what="the outage")
            write(0, now_ms(), 3)
            wait_for(lambda: table.size() == 3, what="the rows")
            assert shown(viewer) == stored(power)


def test_it_ends_amid_questions(tmp_path, power_dsn):
    assert producer(tmp_path, power_dsn, "--count=20", "--interval-ms=50").wait() == 0
    with Minimal(tmp_path, power_dsn) as minimal, Viewer(minimal.port) as viewer:
        table, answers = viewer.table(), []

        def ask():
            with suppress(BaseException):  # the client's panic is no Exception
                while True:
                    answers.append(table.view(group_by=["location", "voltage"]).to_columns(end_row=1))
        asking = threading.Thread(target=ask)
        asking.start()
        wait_for(lambda: len(answers) > 20, what="answers")
        assert minimal.end() == 0
        asking.join(20)
        assert not asking.is_alive()


def test_its_page_moves_and_another_may_not_connect(tmp_path, power_dsn, power, open_page):
    with producer(tmp_path, power_dsn):
        minimal = Minimal(tmp_path, power_dsn).__enter__()
        with pytest.raises(Exception, match="403"), Viewer(minimal.port, Origin="http://evil.example"):
            pass
        page = open_page(f"http://localhost:{minimal.port}/", 600, 400)
        page.locator("text=Berkeley").first.wait_for()
        panel = page.query_selector("perspective-viewer")
        drawn = panel.evaluate(VALUES)
        assert len(drawn) == 11  # ten locations, and all together
        rows = [dict(zip(meters.PERSPECTIVE_SCHEMA, row)) for row in stored(power)]
        for location in drawn[1:]:
            name, = location.pop("__ROW_PATH__")
            assert any(location.items() <= row.items() for row in rows if row["location"] == name), location
        wait_for(lambda: panel.evaluate(VALUES) != drawn, what="other values")
        page.goto("about:blank")
    ends_without_a_trace(minimal, signal.SIGINT)
