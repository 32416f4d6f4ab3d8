"""What strangers without a token can take from the server: little memory, no files, and nobody's place."""

import contextlib
import http.client
import os
import resource
import socket
import threading
import time
import urllib.error
from pathlib import Path

import pytest
import taosws
from tornado.httpclient import HTTPClientError

from tests.helpers.guests import send_body, silent
from tests.helpers.others import Others, memory_mb, processor_s
from tests.helpers.programs import Server, now_ms, producer
from tests.helpers.viewers import CopyViewer
from tests.helpers.waiting import wait_for

TOKEN = "token=sesame"
UNREAD = b"GET /assets/perspective/perspective-anywidget.js HTTP/1.1\r\nHost: localhost\r\n\r\n"


class FewFiles(Server):
    """A server that may open 512 files."""

    COMMAND = ("sh", "-c", 'ulimit -n 512; exec "$@"', "sh", *Server.COMMAND)


class FewerFiles(Server):
    """A server that may open 200 files."""

    COMMAND = ("sh", "-c", 'ulimit -n 200; exec "$@"', "sh", *Server.COMMAND)


@pytest.fixture(scope="module")
def busy(dsn, tmp_path_factory):
    """A server with a token at every address, and a producer of few rows at its usual pace."""
    folder, database = tmp_path_factory.mktemp("busy"), f"bounds_{os.getpid()}"
    with producer(folder, f"{dsn}/{database}", "--rows-per-interval=30"), \
            FewFiles(folder, f"{dsn}/{database}", "--perspective-token=sesame", "--perspective-host=0.0.0.0") as server:
        yield server
    taosws.connect(dsn).execute(f"DROP DATABASE {database}")


@pytest.fixture(scope="module")
def open_house(dsn, tmp_path_factory):
    """A server without a token, which waits for a database."""
    with Server(tmp_path_factory.mktemp("hosts"), f"{dsn}/nowhere",
                "--allowed-hosts=other.example.com,demo.example.com") as server:
        yield server


def files(server: Server) -> int:
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def test_a_low_limit_of_files_leaves_room_for_all(power_dsn, write, tmp_path):
    write(0, now_ms())
    with FewerFiles(tmp_path, power_dsn) as server, silent(server.port, 300):
        assert "at most 54 viewers may connect, as only 200 files may be open (ulimit -n)" in server.text()
        with CopyViewer(server.port) as viewer:
            wait_for(lambda: viewer.rows, what="rows")


def test_who_reads_nothing_and_leaves_keeps_no_file_open(open_house):
    at_first = files(open_house)
    with silent(open_house.port, 300, UNREAD):
        wait_for(lambda: files(open_house) > at_first + 400, what="files that are sent")
    wait_for(lambda: files(open_house) < at_first + 10, 5, "the end of the files")


def test_who_sends_nothing_is_shown_out(open_house):
    with silent(open_house.port, 2, b"GET /status HTTP/1.1\r\n") as strangers:
        started = time.monotonic()
        for connection in strangers:
            connection.settimeout(20)
            assert connection.recv(100) == b""
        assert 8 < time.monotonic() - started < 20


@pytest.mark.parametrize("host, known", (
    ("localhost", True), ("LOCALHOST:8085", True), ("127.0.0.1:1", True), ("127.1.2.3", True), ("[::1]:8085", True),
    ("demo.example.com", True), ("Demo.Example.com:80", True), ("example.com", False), ("192.168.1.7", False),
    ("localhost.example.com", False), ("127.0.0.1.example.com", False), ("0.0.0.0", False),
))
def test_hosts(open_house, host, known):
    for path in ("/status", "/prsp-viewer.html", "/", "/assets/perspective/perspective-anywidget.css", "/nothing"):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", open_house.port, timeout=10)) as connection:
            connection.request("GET", path, headers={"Host": host})
            answer = connection.getresponse()
            assert (answer.status != 403) == known
            assert known or b"ALLOWED_HOSTS" in answer.read()
    for path in ("/rows", "/websocket"):  # as a page of that host asks: a foreign host has a foreign origin's power
        viewer = CopyViewer(open_house.port, Host=host, Origin=f"http://{host}")
        viewer.request.url = viewer.request.url.replace("/rows", path)
        if known:
            viewer.__enter__().__exit__()
        else:
            with pytest.raises(HTTPClientError, match="403"):
                viewer.__enter__()


def test_what_it_does_not_know_it_refuses(open_house):
    for path in ("/assets/perspective/%00", "/assets/perspective/" + "x" * 5000, "/nothing", "/assets/perspective/%ff"):
        with pytest.raises(urllib.error.HTTPError, match="40[034]"):
            open_house.get(path)
    assert "Traceback" not in open_house.text() and Path(open_house.log).stat().st_size < 2000


def test_bodies_are_not_read(busy):
    with Others(busy, TOKEN) as others:
        answers = []
        threads = [threading.Thread(target=lambda headers=headers: answers.append(send_body(busy.port, headers)))
                   for headers in 10 * ({"Content-Length": str(100 * 2**20)}, {"Transfer-Encoding": "chunked"})]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert set(answers) <= {None, 400} and len(answers) == 20
        others.unharmed()
        assert memory_mb(busy) - others.memory < 30


def test_silent_connections_lock_nobody_out(busy):
    at_first = files(busy)
    with Others(busy, TOKEN) as others:
        for count, sent in ((600, b""), (600, b"GET /status HTTP/1.1\r\nHost: local"), (200, UNREAD)):
            others.begin()
            with silent(busy.port, count, sent):
                before = processor_s(busy)
                for _ in range(3):
                    with CopyViewer(busy.port, TOKEN) as viewer:
                        wait_for(lambda: viewer.rows, 5, "rows for a new viewer")
                started = time.monotonic()
                others.unharmed()
                assert processor_s(busy) - before < 0.5 * (time.monotonic() - started + 3)
                assert files(busy) < 300
            wait_for(lambda: files(busy) < at_first + 10, what="the end of the silent connections")


def test_without_files_it_waits_idle(busy):
    with Others(busy, TOKEN) as others:
        resource.prlimit(busy.process.pid, resource.RLIMIT_NOFILE, (files(busy), 512))
        before = processor_s(busy)
        with silent(busy.port, 100):
            others.stop.set()
            busy.says("no connection can be accepted")
            others.took = [0]
            others.unharmed()
            assert processor_s(busy) - before < 2
            resource.prlimit(busy.process.pid, resource.RLIMIT_NOFILE, (512, 512))
            wait_for(lambda: busy.get(f"/status?{TOKEN}").close() is None, what="an answer")


def test_the_address_that_it_is_reached_at_is_known(busy):
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only finds the address of this machine
        except OSError:
            pytest.skip("this machine is on no network")
        own = probe.getsockname()[0]
    for address, host, status in ((own, own, 200), (own, "192.0.2.1", 403), ("127.0.0.1", own, 403)):
        with contextlib.closing(http.client.HTTPConnection(address, busy.port, timeout=10)) as connection:
            connection.request("GET", f"/status?{TOKEN}", headers={"Host": f"{host}:{busy.port}"})
            assert connection.getresponse().status == status
