"""The server's log: bounded, without tracebacks of viewers that vanish, and never with a token in it."""

import contextlib
import http.client
import itertools
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time

import pytest
import taosws

from bridge.logs import MOST_CHARACTERS, MOST_REPEATS, MOST_TEXTS, PERIOD_S, Masking, Sparing
from tests.helpers.databases import ROOT
from tests.helpers.guests import vanish
from tests.helpers.others import LOG_BYTES, Others
from tests.helpers.programs import Server, free_port, producer
from tests.helpers.viewers import CopyViewer, handshake
from tests.helpers.waiting import wait_for

TOKEN = "token=sesame"


@pytest.fixture(scope="module")
def busy(dsn, tmp_path_factory):
    """A server with a token, and a producer of few rows at its usual pace."""
    folder, database = tmp_path_factory.mktemp("busy"), f"logs_{os.getpid()}"
    with producer(folder, f"{dsn}/{database}", "--rows-per-interval=30"), \
            Server(folder, f"{dsn}/{database}", f"--perspective-{TOKEN}") as server:
        yield server
    taosws.connect(dsn).execute(f"DROP DATABASE {database}")


def status(server: Server) -> dict:
    with server.get(f"/status?{TOKEN}") as reply:
        return json.load(reply)


def test_viewers_that_vanish_leave_no_trace(busy):
    with Others(busy, TOKEN) as others:
        for path, after_s in itertools.product(("/rows", "/websocket"), (0, 0, 0.001, 0.01, 0.1, 0.5)):
            stream = socket.create_connection(("127.0.0.1", busy.port))
            stream.sendall(handshake(f"{path}?{TOKEN}"))
            threading.Event().wait(after_s)
            vanish(stream)
        wait_for(lambda: status(busy)["viewers"] == 1, what="their end")
        others.unharmed()
    assert "Traceback" not in busy.text()


ASKS = """
import sys
from contextlib import ExitStack
from tests.helpers.viewers import Viewer
with ExitStack() as stack:
    viewers = [stack.enter_context(Viewer(int(sys.argv[1]), sys.argv[2])) for _ in range(3)]
    views = [viewer.table().view() for viewer in viewers for _ in range(10)]
    for view in views:
        view.on_update(lambda *_: None, mode="row")
    print("asks", flush=True)
    while True:
        for view in views:
            view.to_json()
"""


def test_viewers_that_are_killed_amid_their_questions_leave_no_trace(busy):
    before = len(busy.text())
    command = [sys.executable, "-c", ASKS, str(busy.port), TOKEN]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as viewers:
        assert viewers.stdout.readline() == b"asks\n"
        assert status(busy)["viewers"] == 3
        viewers.kill()
    wait_for(lambda: status(busy)["viewers"] == 0, what="their end")
    assert "Traceback" not in busy.text() and len(busy.text()) < before + 2000


def test_refused_requests_are_counted(busy):
    """Twenty viewers, each of which sends what is no request."""
    started, refused = time.monotonic(), status(busy)["refused_requests"]
    with Others(busy, TOKEN) as others:
        for _ in range(20):
            with CopyViewer(busy.port, TOKEN) as viewer:
                viewer.send("what?")
        others.unharmed()
        said = busy.says("refused a message to one that only listens (repeated ", PERIOD_S + 5)
        periods = (time.monotonic() - started) // PERIOD_S + 2  # the first one has begun with another message
        assert said.count("only listens") <= periods * (MOST_REPEATS + 1)
        assert status(busy)["refused_requests"] == refused + 20


PATHS = (
    "/assets/perspective/%00?token=sesame", "/status?token=%ff&token=sesame", "/status?token=sesame&token=%ff",
    "/rows?token=%ff&tok%65n=ses%61me", "/websocket?token=sesame&token=%ff", "/%ff?token=sesame", "/sesame",
    "/assets/perspective/sesame%00", "//sesame?token=sesame", "/status?token=sesame%00", "http://[sesame/?token=sesame",
    "/ sesame HTTP/1.1 token=sesame", "/status?token=sesame#token=sesame", "/status?%74oken=%73esame&token=%ff",
)
HEADERS = ("", "Upgrade: websocket\r\nConnection: Upgrade\r\n", "Content-Length: sesame\r\n",
           "Referer: http://localhost/?token=sesame\r\nsesame\r\n")


def test_the_token_is_never_logged(busy):
    before = len(busy.text())
    for path, headers in itertools.product(PATHS, HEADERS):
        with socket.create_connection(("127.0.0.1", busy.port), timeout=10) as stream:
            stream.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n".encode())
            stream.shutdown(socket.SHUT_WR)
            while stream.recv(2**16):
                pass
    assert "Traceback" not in busy.text()[before:]
    assert "sesame" not in busy.text() and "%73esame" not in busy.text() and "ses%61me" not in busy.text()


def log_of(*messages: str, token: str = "") -> list[str]:
    """The lines that a handler writes of these messages, and after them what it has held back."""
    lines = []
    handler = logging.StreamHandler()
    handler.setFormatter(Masking("%(message)s", token))
    handler.stream = type("Lines", (), {"write": lambda _, text: lines.append(text.strip()), "flush": lambda _: None})()
    handler.addFilter(sparing := Sparing(handler))
    for message in messages:
        handler.handle(logging.makeLogRecord({"msg": message}))
    sparing.tell()
    return lines


def test_messages_are_counted_by_their_text():
    assert log_of("a", "b", *["a"] * 5, "b") == ["a", "b", "a", "a", "b", "a (repeated 3 times)"]
    lines = log_of(*(f"text {number} {'x' * 10_000}" for number in range(1000)))
    assert len(lines) == MOST_TEXTS + 1 and lines[-1] == f"{1000 - MOST_TEXTS} more messages came within {PERIOD_S} s"
    assert max(map(len, lines)) < MOST_CHARACTERS + 10 and sum(map(len, lines)) < LOG_BYTES


@pytest.mark.parametrize("message", (
    "400 GET /status?token=open%20sesame: no", "open sesame", "x=open+sesame&y", "%6fpen%20sesame", "'open%20sesame'",
    "/rows?a=b&tok%65n=open%20%73esame HTTP/1.1",
))
def test_the_token_is_masked_however_it_is_spelt(message):
    line, = log_of(message, token="open sesame")
    assert "***" in line and "sesame" not in line and "%73" not in line


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_disk_harms_nothing(power_dsn):
    port = free_port()
    with open("/dev/full", "w") as full:
        server = subprocess.Popen([sys.executable, "perspective_server.py", f"--perspective-port={port}"], cwd=ROOT,
                                  stdout=full, stderr=full, env=os.environ | {"TDENGINE_DSN": power_dsn})

    def answers() -> bool:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            try:
                connection.request("GET", "/status")
                return connection.getresponse().status == 200
            except ConnectionRefusedError:
                return False

    try:
        wait_for(answers, what="the server")
        with CopyViewer(port) as viewer:
            viewer.send("refused, and logged")
            wait_for(lambda: viewer.closed, what="the refusal")
        assert answers()
        server.terminate()
        assert server.wait(10) == 0
    finally:
        server.kill()
