"""The embedded database as a program: options, stop, crash and restart, retention, older and newer clients' ways in."""

import asyncio
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import taosws

from embedded.__main__ import main
from tests.helpers.databases import ROOT
from tests.helpers.waiting import wait_for

pytestmark = pytest.mark.embedded_only
TABLE = "CREATE TABLE IF NOT EXISTS power.t (ts TIMESTAMP, v INT)"


def run(*options):
    """A start that should fail: its exit status and what it says."""
    done = subprocess.run([sys.executable, "-m", "embedded", *options], cwd=ROOT, capture_output=True, text=True,
                          timeout=20)
    return done.returncode, done.stderr.strip()


@pytest.mark.parametrize("options, text", [
    (["--retention=soon"], "--retention: give a number"), (["--retention=1w"], "not '1w'"),
    (["--port=many"], "not 'many'"),
    (["--port=70000"], "not '70000'"), (["--port"], "--port: expected one argument"),
    (["extra"], "unrecognized arguments: extra"),
])
def test_bad_options_are_one_clear_line(monkeypatch, capsys, options, text):
    monkeypatch.setattr(sys, "argv", ["embedded", *options])
    with pytest.raises(SystemExit) as ended:
        asyncio.run(main())
    said = capsys.readouterr().err
    assert ended.value.code == 2 and text in said and len(said.splitlines()) == 1


def test_a_folder_that_cannot_be_used_is_named():
    status, said = run("--port=0", "--folder=/dev/null/x")
    assert status != 0 and "--folder=/dev/null/x" in said and len(said.splitlines()) == 1


def test_a_port_in_use_is_named_with_its_option():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, said = run(f"--port={port}")
    assert status != 0 and str(port) in said and "--port" in said and len(said.splitlines()) == 1


def test_it_listens_on_loopback_only(embedded):
    listening = {line.split()[1] for table in ("tcp", "tcp6")
                 for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
                 if line.split()[3] == "0A" and line.split()[1].endswith(f":{embedded.port:04X}")}
    loopback = {f"0100007F:{embedded.port:04X}", f"{'0' * 24}01000000:{embedded.port:04X}"}
    assert listening and listening <= loopback


def test_ctrl_c_is_a_clean_stop(start_embedded):
    """As SIGTERM is, which the tests of the server send amid questions."""
    embedded = start_embedded()
    folder = Path(embedded.log.read_text().split("Data in ")[1].split(",")[0])
    assert folder.is_dir()
    client = embedded.connect()
    client.execute("CREATE DATABASE power")
    embedded.process.send_signal(signal.SIGINT)
    assert embedded.process.wait(10) == 0
    assert not folder.exists() and "Traceback" not in embedded.log.read_text()


# Writes one row a statement and says so after each answer.
WRITER = """
import sys, time, taosws
connection = taosws.connect(sys.argv[1])
now = int(time.time() * 1000)
for i in range(1_000_000):
    connection.execute(f"INSERT INTO power.t VALUES ({now + i}, {i})")
    print(i, flush=True)
"""


def test_a_given_folder_keeps_the_data_over_a_crash_and_a_stop(start_embedded, tmp_path):
    folder = f"--folder={tmp_path}/data"
    first = start_embedded(folder)
    client = first.connect()
    client.execute("CREATE DATABASE power")
    client.execute(TABLE)
    acknowledged = tmp_path / "acknowledged"
    with acknowledged.open("w") as output:
        writer = subprocess.Popen([sys.executable, "-c", WRITER, f"{first.dsn}?conn_retries=0"],
                                  stdout=output, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: acknowledged.read_text().count("\n") > 100, what="a hundred rows")
        first.kill()
        writer.wait(20)
    finally:
        writer.kill()
    sent = [int(line) for line in acknowledged.read_text().split("\n")[:-1]]
    second = start_embedded(folder)
    client = second.connect()
    stored = [v for v, in client.query("SELECT v FROM power.t ORDER BY ts")]
    assert stored[:len(sent)] == sent
    assert len(stored) <= len(sent) + 1  # the one under way may have been stored too
    assert "pandas" not in Path(f"/proc/{second.process.pid}/maps").read_text()  # it takes time and memory for nothing
    assert second.end() == 0
    client = start_embedded(folder).connect()
    assert [v for v, in client.query("SELECT v FROM power.t ORDER BY ts")] == stored


def test_rows_past_the_retention_go(start_embedded):
    client = start_embedded("--retention=2s").connect()
    client.execute("CREATE DATABASE power")
    client.execute(TABLE)
    now = int(time.time() * 1000)
    client.execute(f"INSERT INTO power.t VALUES ({now}, 1)")
    assert list(client.query("SELECT COUNT(*) FROM power.t")) == [(1,)]
    with pytest.raises(taosws.QueryError, match="0x060B.*--retention"):
        client.execute(f"INSERT INTO power.t VALUES ({now - 60_000}, 1)")
    wait_for(lambda: list(client.query("SELECT COUNT(*) FROM power.t")) == [(0,)], what="the end of the row")


def test_the_disk_is_bounded(start_embedded, tmp_path):
    """Rows come and go: the space of those that went is used again."""
    client = start_embedded("--retention=1s", f"--folder={tmp_path}/data").connect()
    client.execute("CREATE DATABASE power")
    client.execute("CREATE STABLE power.s (ts TIMESTAMP, v BIGINT) TAGS (t INT)")
    statement = client.stmt2_statement()
    statement.prepare("INSERT INTO ? USING power.s TAGS (?) VALUES (?, ?)")

    def come_and_go():
        now = int(time.time() * 1000)
        columns = [taosws.millis_timestamps_to_column(list(range(now, now + 500))),
                   taosws.big_ints_to_column(list(range(500)))]
        statement.bind([taosws.stmt2_bind_param_view(f"t{i}", [taosws.int_to_tag(i)], columns) for i in range(400)])
        assert statement.execute() == 200_000
        wait_for(lambda: list(client.query("SELECT COUNT(*) FROM power.s")) == [(0,)], what="the end of the rows")
        return sum(file.stat().st_size for file in (tmp_path / "data").iterdir())

    sizes = [come_and_go() for _ in range(8)]  # some 4 MB each; from 8 MB on the log is put into the file
    assert max(sizes[4:]) <= 1.5 * max(sizes[:4]), sizes  # they would be twice as many


def test_a_client_of_an_older_protocol_reads_results_too(tmp_path):
    """taosws falls back to JSON queries and `fetch_block` when the server says it is older than 3.3.2.0."""
    old = ("import embedded, runpy; embedded.VERSION = '3.3.1.0'; "
           "import sys; sys.argv = ['embedded', '--port=0']; runpy.run_module('embedded', run_name='__main__')")
    log = tmp_path / "log"
    with log.open("w") as output:
        process = subprocess.Popen([sys.executable, "-c", old], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_for(lambda: "localhost:" in log.read_text(), what="the server")
        port = log.read_text().split("localhost:")[1].split(":")[0]
        client = taosws.connect(f"taosws://root:taosdata@localhost:{port}")
        client.execute("CREATE DATABASE power")
        client.execute(TABLE)
        now = int(time.time() * 1000)
        client.execute("INSERT INTO power.t VALUES " + " ".join(f"({now + i}, {i})" for i in range(5000)))
        assert list(client.query("SELECT v FROM power.t ORDER BY ts")) == [(i,) for i in range(5000)]
        assert list(client.query("SELECT v FROM power.t WHERE v < 0")) == []
    finally:
        process.terminate()
        assert process.wait(10) == 0
