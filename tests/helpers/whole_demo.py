"""The whole demo, as a newcomer starts it: `sh run.sh` in a copy of the tree, at ports of its own."""

import os
import shutil
from pathlib import Path

import taosws

from tests.helpers.databases import ROOT
from tests.helpers.programs import Program, Server, free_port, listens

NOT_COPIED = {"artefacts", "assets", "benchmarks", "logs", "run.lock", "tests"}  # and what starts with a dot


def not_copied(folder: str, names: list[str]) -> set[str]:
    """For shutil.copytree: what is made, and what no user runs. `public/assets` is a link, which is copied."""
    return {name for name in names if folder == str(ROOT) and (name.startswith(".") or name in NOT_COPIED)}


class WholeDemo(Program):
    """`sh run.sh`. Where `TDENGINE_DSN` names no TDengine, it starts the embedded database."""

    def __init__(self, folder: Path, **environment):
        self.tree = folder / "demo"
        shutil.copytree(ROOT, self.tree, ignore=not_copied, symlinks=True)
        (self.tree / ".venv").symlink_to(ROOT / ".venv")
        self.port, self.database_port = free_port(), free_port()
        self.database = f"run_{self.port}" if "TDENGINE_DSN" in os.environ else "power"
        server = os.environ.get("TDENGINE_DSN", f"taosws://root:taosdata@localhost:{self.database_port}")
        self.dsn = f"{server}/{self.database}"
        self.log = folder / "run.log"
        self.environment = {
            "TDENGINE_DSN": self.dsn, "PERSPECTIVE_PORT": self.port, "EMBEDDED_PORT": self.database_port} | environment
        self.start()

    def start(self) -> None:
        """Starts it, or starts it once more after it has ended."""
        super().__init__(self.log, "sh", "run.sh", cwd=self.tree, **self.environment)

    def wait(self, seconds: float = 20) -> int:
        status = super().wait(seconds)
        if "TDENGINE_DSN" in os.environ:
            taosws.connect(os.environ["TDENGINE_DSN"]).execute(f"DROP DATABASE IF EXISTS {self.database}")
        return status

    def runs(self) -> None:
        """Waits until it says where to open the page."""
        self.says("in a browser", 60)

    def stopped(self) -> None:
        """Waits for the end that it was asked for. Fails where something goes on, or a file is left that says so."""
        assert self.wait() == 0, self.text()
        assert "has ended" not in self.text()
        assert self.listening() == []
        logs = self.tree / self.environment.get("LOGS", "logs")
        assert not (self.tree / "run.lock").exists() and not list(logs.glob(".*"))

    def listening(self) -> list[int]:
        """Those of the demo's ports at which a program listens."""
        return [port for port in (self.port, self.database_port) if listens(port)]

    def process_of(self, part: str) -> int:
        """The number of the process whose command has this word."""
        for pid in filter(str.isdecimal, os.listdir("/proc")):
            try:
                command = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
                folder = os.readlink(f"/proc/{pid}/cwd")
            except OSError:  # it has ended meanwhile
                continue
            if folder == str(self.tree) and "python" in command[0] and part in command:
                return int(pid)
        raise AssertionError(f"no process of {part}")

    get, status = Server.get, Server.status
