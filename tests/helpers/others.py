"""What the other viewers see while a guest misbehaves: `with Others(server) as others: ...; others.unharmed()`."""

import re
import statistics
import threading
import time
from pathlib import Path

from tests.helpers.databases import Embedded
from tests.helpers.programs import Server
from tests.helpers.viewers import CopyViewer
from tests.helpers.waiting import wait_for

# How long others may wait, and how much may be logged. On a quiet machine rows have gaps of 0.3 s.
GAP_S, STATUS_S, LOG_BYTES = 1.5, 0.5, 100_000


class Others(CopyViewer):
    """An honest page beside the guest, which also asks for /status again and again. The producer must be at work."""

    def __init__(self, server: Server, query: str = ""):
        super().__init__(server.port, query)
        self.server, self.query = server, query
        self.came, self.took = [], []  # when rows came; how long /status took

    def __enter__(self):
        super().__enter__()
        wait_for(lambda: len(self.came) > 10, what="rows")
        self.gap_s = max(GAP_S, 2 * gaps(self.came)[-2])  # on a machine with much other work to do
        self.begin()
        self.stop = threading.Event()
        self.log_bytes, self.memory = self.server.log.stat().st_size, memory_mb(self.server)
        self.asking = threading.Thread(target=self.ask, daemon=True)
        self.asking.start()
        return self

    def __exit__(self, *error):
        self.stop.set()
        self.asking.join(10)
        super().__exit__(*error)

    def begin(self) -> None:
        """What came before counts no more."""
        self.came, self.took = self.came[-1:], []

    def take(self, arrow: bytes, anew: bool) -> None:
        super().take(arrow, anew)
        self.came.append(time.monotonic())

    def ask(self) -> None:
        while not self.stop.wait(0.1):
            started = time.monotonic()
            try:
                self.server.get(f"/status?{self.query}").close()
            except OSError:
                pass  # the time that it took counts
            self.took.append(time.monotonic() - started)

    def unharmed(self, seconds: float = 3) -> None:
        """Looks on for some more seconds. Fails where the others had to wait, or the log has grown much."""
        until = time.monotonic() + seconds
        wait_for(lambda: time.monotonic() > until, seconds + 5)
        longest = gaps([*self.came, time.monotonic()])
        assert longest[-2 - len(longest) // 10] <= self.gap_s and longest[-1] < 5 * self.gap_s, longest
        assert statistics.median(self.took) <= STATUS_S, self.took
        assert self.server.log.stat().st_size - self.log_bytes <= LOG_BYTES, self.server.text()[-3000:]
        assert not self.closed


def gaps(times: list[float]) -> list[float]:
    """The seconds between these times, ascending."""
    return sorted(after - before for before, after in zip(times, times[1:]))


def memory_mb(server: Server, what: str = "VmHWM") -> int:
    """The most memory that the server's own process has taken so far; "VmRSS": what it takes now."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(rf"{what}:\s+(\d+)", status)[1]) // 1024


def processor_s(program: Server | Embedded) -> float:
    """The processor time that the program's own process has taken so far, in seconds."""
    fields = Path(f"/proc/{program.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100
