"""The embedded database as a process of its own, for tests and benchmarks.

taosws holds Python's global lock in every call, so a server in the test's process could not answer.
"""

import atexit
import re
import subprocess
import sys
from pathlib import Path

import taosws

from tests.helpers.waiting import wait_for

ROOT = Path(__file__).parents[2]


class Embedded:
    """An embedded database in a process of its own, its output in a file. It may be that of another checkout."""

    def __init__(self, log: Path, *options: str, checkout: Path = ROOT):
        self.log = log
        python = sys.executable if checkout == ROOT else checkout / ".venv" / "bin" / "python"
        command = [python, "-m", "embedded", "--port=0", *options]
        with log.open("w") as output:
            self.process = subprocess.Popen(command, cwd=checkout, stdout=output, stderr=subprocess.STDOUT)
        atexit.register(self.kill)  # for a test that fails before it ends the database
        try:
            self.port = int(wait_for(self._announced, 30, "the embedded database")[1])
        except BaseException:
            self.end()
            raise
        self.dsn = f"taosws://root:taosdata@localhost:{self.port}"
        self.http = f"http://localhost:{self.port}"

    def _announced(self):
        assert self.process.poll() is None, self.log.read_text()
        return re.search(r"on localhost:(\d+)", self.log.read_text())

    def connect(self, database: str = "", **options: str):
        """A connection. Keep it as long as its results: their fetch would wait for a socket that is gone."""
        query = "&".join(f"{name}={value}" for name, value in options.items())
        return taosws.connect(f"{self.dsn}/{database}?{query}")

    def kill(self):
        """Ends it as a crash would, by SIGKILL."""
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        """Asks it to stop, and returns its exit status."""
        self.process.terminate()
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
