"""The embedded database among a thousand silent connections: clients get in, it stays idle, and logs nothing."""

import resource
import subprocess
import sys
import time

import pytest

from tests.helpers.guests import silent
from tests.helpers.others import processor_s
from tests.helpers.waiting import wait_for

pytestmark = pytest.mark.embedded_only
ASK = "import sys, taosws; c = taosws.connect(sys.argv[1]); assert list(c.query('SELECT 1')) == [(1,)]"


def ask(dsn: str) -> None:
    """A client's question, in a process of its own: one that is never answered can be ended."""
    subprocess.run([sys.executable, "-c", ASK, dsn], check=True, timeout=10)


@pytest.mark.parametrize("sent", (b"", b"POST /rest/sql HTTP/1.1\r\nHost: local"))
def test_silent_connections_lock_nobody_out(start_embedded, sent):
    embedded = start_embedded()
    resource.prlimit(embedded.process.pid, resource.RLIMIT_NOFILE, (1024, 1024))
    log = embedded.log.stat().st_size
    with silent(embedded.port, 1100, sent):
        before, started = processor_s(embedded), time.monotonic()
        for _ in range(3):
            ask(embedded.dsn)
        wait_for(lambda: time.monotonic() - started > 3, 10)
        assert processor_s(embedded) - before < 1
    assert embedded.log.stat().st_size == log
    assert embedded.end() == 0
