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
ASK = """
import sys, taosws
for _ in range(3):
    connection = taosws.connect(sys.argv[1])
    assert list(connection.query('SELECT 1')) == [(1,)]
"""


def ask(dsn: str) -> None:
    """Questions of three clients, in a process of their own: those that are never answered can be ended."""
    subprocess.run([sys.executable, "-c", ASK, dsn], check=True, timeout=20)


def test_silent_connections_lock_nobody_out(start_embedded):
    embedded = start_embedded()
    resource.prlimit(embedded.process.pid, resource.RLIMIT_NOFILE, (1024, 1024))
    log = embedded.log.stat().st_size
    for sent in (b"", b"POST /rest/sql HTTP/1.1\r\nHost: local"):
        with silent(embedded.port, 1100, sent):
            before, started = processor_s(embedded), time.monotonic()
            ask(embedded.dsn)
            wait_for(lambda: time.monotonic() - started > 3, 10)
            assert processor_s(embedded) - before < 1, sent
    assert embedded.log.stat().st_size == log
    assert embedded.end() == 0
