"""The demo's own programs as processes, for tests."""

import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

from tests.helpers.databases import ROOT
from tests.helpers.waiting import wait_for


def copy_of_the_demo(folder: Path) -> Path:
    """The demo's own files in a folder of their own, for a test that edits them."""
    demo = folder / "demo"
    shutil.copytree(ROOT / "bridge", demo / "bridge")
    for file in (*ROOT.glob("*.py"), *ROOT.glob("prsp-*")):
        shutil.copy(file, demo)
    return demo


def edit(file: Path, *replacements: tuple[str, str]) -> None:
    """Replaces texts that are there."""
    text = file.read_text()
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    file.write_text(text)


def now_ms() -> int:
    return time.time_ns() // 10**6


_reserved = []  # the sockets that keep the ports of `free_port`


def free_port() -> int:
    """A port of 127.0.0.1 that nobody else gets while the tests run, in whatever process.

    A socket stays bound to it, so the kernel gives the port to no other program. This socket never listens, and
    SO_REUSEADDR lets the program that is tested listen beside it.
    """
    keeper = socket.socket()
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    keeper.bind(("127.0.0.1", 0))
    _reserved.append(keeper)
    return keeper.getsockname()[1]


def listens(port: int) -> bool:
    """Whether a program listens at this port of 127.0.0.1."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Program:
    """A program of the demo, its output in a file; `with` ends it by SIGTERM."""

    def __init__(self, log: Path, *command: str, cwd: Path = ROOT, **environment):
        self.log = log
        with log.open("w") as output:
            self.process = subprocess.Popen(
                command, cwd=cwd, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
                env=os.environ | {name: str(value) for name, value in environment.items()})
        atexit.register(self.kill)  # for a test that fails before it ends the program

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self, seconds: float = 20) -> int:
        """Asks it to stop, and returns its exit status."""
        self.process.terminate()
        return self.wait(seconds)

    def wait(self, seconds: float = 20) -> int:
        """Waits until it has ended of itself, and returns its exit status."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"did not end within {seconds} s: {self.text()}") from None

    def kill(self) -> None:
        """Ends it, and all that it has started, by SIGKILL."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def processes(self) -> list[int]:
        """It and all that it has started."""
        found = []
        for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))):
            with suppress(ProcessLookupError):  # it has ended meanwhile
                if os.getsid(pid) == self.process.pid:
                    found.append(pid)
        return found

    def text(self) -> str:
        return self.log.read_text()

    def says(self, words: str, seconds: float = 20) -> str:
        """Waits for these words in the output, and returns all of it."""
        wait_for(lambda: words in self.text(), seconds, f"{words!r} in the output of {self.process.args}")
        return self.text()


def producer(folder: Path, dsn: str, *options: str, cwd: Path = ROOT) -> Program:
    return Program(folder / "producer.log", sys.executable, "producer.py", *options, cwd=cwd, TDENGINE_DSN=dsn)


class Server(Program):
    """`perspective_server.py` at a free port."""

    COMMAND = (sys.executable, "perspective_server.py")

    def __init__(self, folder: Path, dsn: str, *options: str, cwd: Path = ROOT):
        self.port = free_port()
        super().__init__(folder / f"server-{self.port}.log", *self.COMMAND,
                         f"--perspective-port={self.port}", *options, cwd=cwd, TDENGINE_DSN=dsn)

    def __enter__(self):
        self.says("serving", 40)  # a database may be far, and the machine busy
        return self

    def get(self, path: str, **headers: str):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        return urllib.request.urlopen(request, timeout=5)

    def status(self) -> dict:
        with self.get("/status") as reply:
            return json.load(reply)

    def seen(self, rows: int) -> dict:
        """Waits until the server has seen so many rows, and no more; returns its status."""
        status = wait_for(lambda: (s := self.status())["rows_seen"] >= rows and s, 15, f"{rows} rows")
        assert status["rows_seen"] == rows
        return status
