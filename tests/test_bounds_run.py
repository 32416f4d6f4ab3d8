"""`sh run.sh`: it starts the embedded database; one at a time in a folder, logs of bounded size, nothing is left."""

import contextlib
import os
import re
import shutil
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


def logs(demo: WholeDemo) -> dict[str, str]:
    return {path.name: path.read_text() for path in (demo.tree / "logs").glob("*.log*")}


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


@pytest.mark.embedded_only
def test_what_is_killed_leaves_nothing_that_goes_on(tmp_path, power_dsn):
    with WholeDemo(tmp_path, BACKFILL="2d", BACKFILL_EVERY_S="60") as demo:
        the_embedded_database_is_started(demo)
        os.kill(demo.process.pid, signal.SIGKILL)
        wait_for(lambda: demo.processes() == [demo.process.pid], what="the end of all parts")
        demo.process.wait()
        assert not demo.listening() and (demo.tree / "run.lock").exists()

        demo.environment |= {"TDENGINE_DSN": power_dsn, "ROWS_PER_INTERVAL": "1000", "BACKFILL": ""}
        demo.start()
        demo.runs()
        a_second_one_ends_at_once(demo)
        a_talkative_engine_fills_no_log(demo)
        os.kill(demo.process_of("producer.py"), signal.SIGKILL)
        assert demo.wait() == 1
        assert "the last lines of logs/producer.log" in demo.text()
        assert "producer has ended" in demo.text()
        assert demo.listening() == []


def the_embedded_database_is_started(demo: WholeDemo) -> None:
    """No TDengine answers. With a backfill it keeps rows of any age."""
    demo.says("no TDengine answers: starting the embedded database")
    demo.runs()
    assert demo.listening() == [demo.port, demo.database_port] and demo.status()["embedded"]
    log = demo.tree / "logs" / "producer.log"
    wait_for(lambda: re.search(r"backfill: 2880\d rows", log.read_text()), what="the rows of two days")
    assert demo.status()["last_error"] is None


def a_second_one_ends_at_once(demo: WholeDemo) -> None:
    before, rows = logs(demo), demo.status()["rows_seen"]
    second = subprocess.run(["sh", "run.sh"], cwd=demo.tree, capture_output=True, text=True, timeout=60,
                            env=os.environ | {"PERSPECTIVE_PORT": str(demo.port)})
    assert second.returncode == 1
    line, = second.stderr.splitlines()
    assert f"runs here already, as process {demo.process.pid}" in line and not second.stdout
    assert all(logs(demo)[name].startswith(text) for name, text in before.items())
    wait_for(lambda: demo.status()["rows_seen"] > rows, what="more rows")


def a_talkative_engine_fills_no_log(demo: WholeDemo) -> None:
    """Perspective's engine itself writes a line for each comparison of a view that sorts by one column often."""
    with Viewer(demo.port) as viewer:
        with contextlib.suppress(perspective.PerspectiveError):  # the server may refuse it: then nothing is said
            viewer.table().view(sort=[["voltage", "asc"]] * 2000)
        rows = demo.status()["rows_seen"]
        wait_for(lambda: demo.status()["rows_seen"] > rows + 5000, 30, "more rows")
        assert sum(len(text) for text in logs(demo).values()) < LOG_BYTES


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_an_ipv6_address_is_printed_as_browsers_want_it(tmp_path, power_dsn):
    """SIGTERM ends the demo, its producer, too."""
    with WholeDemo(tmp_path, TDENGINE_DSN=power_dsn, ROWS_PER_INTERVAL="30", PERSPECTIVE_HOST="::1") as demo:
        demo.runs()
        assert f"open http://[::1]:{demo.port}/ in a browser" in demo.text()
        assert f"serving http://[::1]:{demo.port}/" in logs(demo)["server.log"]
        demo.process.terminate()
        demo.stopped()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_disk_harms_nothing(tmp_path):
    """Each log is a link to a device that takes nothing. Ctrl-C ends the demo."""
    links = [tmp_path / "logs" / f"{name}.log" for name in ("producer", "server", "embedded")]
    links[0].parent.mkdir()
    for link in links:
        link.symlink_to("/dev/full")
    with WholeDemo(tmp_path, LOGS=str(tmp_path / "logs"), ROWS_PER_INTERVAL="30", INTERVAL_MS="1000") as demo:
        demo.runs()
        rows = demo.status()["rows_seen"]
        wait_for(lambda: demo.status()["rows_seen"] > rows + 360, 30, "the rows after the next status line")
        assert all(link.is_symlink() for link in links)
        os.killpg(demo.process.pid, signal.SIGINT)  # as Ctrl-C: every part gets it
        demo.stopped()


def test_a_log_file_is_bounded(tmp_path):
    """The engine says "ERROR detected in MultiSort." a hundred thousand times a second, or something else."""
    log = tmp_path / "server.log"
    log.write_text("of the last run\n")
    code = ("import os; print('begins', flush=True); print('x' * 99_999); print('ERROR\\n' * 50_000, end=''); "
            "[print('line', i, 'x' * 99, '?token=sesame') for i in range(20_000)]; "
            "print('open sesame ends', flush=True)")
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
def test_leftovers_of_a_killed_embedded_database_are_cleared(start_embedded, embedded):
    def folder(embedded) -> Path:
        return Path(embedded.log.read_text().split("Data in ")[1].split(",")[0])

    killed = start_embedded()
    chosen = folder(killed).with_name(f"{folder(killed).name}-of-mine")
    shutil.copytree(folder(killed), chosen, ignore=shutil.ignore_patterns("removed-at-exit"))  # as --folder leaves one
    killed.kill()
    start_embedded()
    assert not folder(killed).exists()
    assert folder(embedded).is_dir() and chosen.is_dir()
    embedded.connect().execute("SELECT 1")
    shutil.rmtree(chosen)
