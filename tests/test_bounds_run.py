"""`sh run.sh`: one at a time in a folder, logs of bounded size, and nothing left of what was killed."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import perspective
import pytest

from bridge.logs import MAX_BYTES
from tests.helpers.databases import ROOT
from tests.helpers.others import LOG_BYTES
from tests.helpers.viewers import Viewer
from tests.helpers.waiting import wait_for
from tests.helpers.whole_demo import WholeDemo


@pytest.fixture
def demo(tmp_path):
    demo = WholeDemo(tmp_path)
    yield demo
    demo.process.poll() is None and demo.end()


def again(demo: WholeDemo, **environment) -> subprocess.CompletedProcess:
    """A second `sh run.sh` in the same folder."""
    return subprocess.run(["sh", "run.sh"], cwd=demo.tree, capture_output=True, text=True, timeout=60,
                          env=os.environ | {"PERSPECTIVE_PORT": str(demo.port)} | environment)


def logs(demo: WholeDemo) -> dict[str, str]:
    return {path.name: path.read_text() for path in (demo.tree / "logs").glob("*.log*")}


def test_a_second_one_is_refused_and_harms_nothing(demo):
    demo.runs()
    before, rows = logs(demo), demo.status()["rows_seen"]
    second = again(demo)
    assert second.returncode == 1
    line, = second.stderr.splitlines()
    assert f"runs here already, as process {demo.process.pid}" in line and not second.stdout
    assert all(logs(demo)[name].startswith(text) for name, text in before.items())
    wait_for(lambda: demo.status()["rows_seen"] > rows, what="more rows")
    assert demo.end() == 0
    assert not (demo.tree / "run.lock").exists() and not list((demo.tree / "logs").glob(".*"))


@pytest.mark.parametrize("left", ("", "1", "999999999", "{own}"))
def test_the_lock_of_a_killed_one_is_taken_over(tmp_path, left, embedded):
    """Its number may be that of another program meanwhile: of the first process, or of this test."""
    tree = tmp_path / "demo"
    tree.mkdir()
    (tree / "run.sh").write_bytes((ROOT / "run.sh").read_bytes())
    (tree / "install.sh").write_text("echo installed; exit 3")
    (tree / "run.lock").write_text(left.format(own=os.getpid()))
    done = subprocess.run(["sh", "run.sh"], cwd=tree, capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout) == (3, "installed\n"), done.stderr
    assert not (tree / "run.lock").exists()


def test_nothing_of_a_killed_one_goes_on(demo):
    demo.runs()
    os.kill(demo.process.pid, signal.SIGKILL)
    wait_for(lambda: demo.processes() == [demo.process.pid], what="the end of all parts")
    demo.process.wait()
    assert not demo.listening() and (demo.tree / "run.lock").exists()
    second = subprocess.Popen(["sh", "run.sh"], cwd=demo.tree, stdout=subprocess.PIPE, text=True, env=os.environ | {
        "PERSPECTIVE_PORT": str(demo.port), "EMBEDDED_PORT": str(demo.database_port), "TDENGINE_DSN": demo.dsn})
    assert any("in a browser" in line for line in second.stdout)
    second.terminate()
    assert second.wait(20) == 0


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_an_ipv6_address_is_printed_as_browsers_want_it(tmp_path):
    demo = WholeDemo(tmp_path, PERSPECTIVE_HOST="::1")
    try:
        demo.runs()
        assert f"open http://[::1]:{demo.port}/ in a browser" in demo.text()
        assert f"serving http://[::1]:{demo.port}/" in logs(demo)["server.log"]
    finally:
        demo.end()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_disk_harms_nothing(tmp_path):
    """Each log is a link to a device that takes nothing."""
    tree = tmp_path / "logs"
    tree.mkdir()
    for name in ("producer", "server", "embedded"):
        (tree / f"{name}.log").symlink_to("/dev/full")
    demo = WholeDemo(tmp_path, LOGS=str(tree), ROWS_PER_INTERVAL="30")
    try:
        demo.runs()
        rows = demo.status()["rows_seen"]
        wait_for(lambda: demo.status()["rows_seen"] > rows + 1200, 30, "the rows after the next status line")
        assert all((tree / f"{name}.log").is_symlink() for name in ("producer", "server", "embedded"))
    finally:
        assert demo.end() == 0, demo.text()


def test_what_the_engine_says_again_and_again_is_counted(demo):
    """Perspective's engine itself writes a line for each comparison of a view that sorts by one column often."""
    demo.runs()
    with Viewer(demo.port) as viewer:
        with contextlib.suppress(perspective.PerspectiveError):  # the server may refuse it: then nothing is said
            viewer.table().view(sort=[["voltage", "asc"]] * 2000)
        rows = demo.status()["rows_seen"]
        wait_for(lambda: demo.status()["rows_seen"] > rows + 5000, 30, "more rows")
        assert sum(len(text) for text in logs(demo).values()) < LOG_BYTES


def test_a_log_file_is_bounded(tmp_path):
    """The engine says "ERROR detected in MultiSort." a hundred thousand times a second, or something else."""
    log = tmp_path / "server.log"
    log.write_text("of the last run\n")
    code = ("import os; print('begins', flush=True); print('x' * 99_999); print('ERROR\\n' * 50_000, end=''); "
            "[print('line', i, '?token=sesame') for i in range(100_000)]; print('open sesame ends', flush=True)")
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as program:
        writer = subprocess.run([sys.executable, "-m", "bridge.logs", log], stdin=program.stdout, cwd=ROOT, timeout=100,
                                env=os.environ | {"PERSPECTIVE_TOKEN": "sesame"}, stderr=subprocess.PIPE)
    assert (program.returncode, writer.returncode, writer.stderr) == (0, 0, b"")
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["server.log", "server.log.1"]
    assert all(file.stat().st_size <= MAX_BYTES for file in files)
    assert log.read_text().endswith("open *** ends\n") and "sesame" not in log.read_text()


def test_equal_lines_are_counted(tmp_path):
    log = tmp_path / "server.log"
    lines = b"begins\n" + b"ERROR detected in MultiSort.\n" * 100_000 + b"ends\n\xff\n"
    subprocess.run([sys.executable, "-m", "bridge.logs", log], input=lines, cwd=ROOT, timeout=60, check=True)
    assert log.read_text() == "begins\nERROR detected in MultiSort.\n(repeated 99999 times)\nends\n\ufffd\n"


@pytest.mark.embedded_only
def test_leftovers_of_a_killed_embedded_database_are_cleared(start_embedded):
    def folder(embedded) -> Path:
        return Path(embedded.log.read_text().split("Data in ")[1].split(",")[0])

    killed, alive = start_embedded(), start_embedded()
    kept = folder(killed).with_name(f"{folder(killed).name}-of-mine")
    chosen = start_embedded(f"--folder={kept}")
    for embedded in (killed, chosen):
        embedded.kill()
    assert folder(killed).is_dir()
    start_embedded()
    assert not folder(killed).exists()
    assert folder(alive).is_dir() and kept.is_dir()
    alive.connect().execute("CREATE DATABASE power")
