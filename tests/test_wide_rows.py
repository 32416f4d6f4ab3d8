"""Rows of any weight: a page is dropped when it stops reading, never for what the server sends."""

import pyarrow as pa
import pytest

from tests.helpers.programs import Server, copy_of_the_demo, edit, producer
from tests.helpers.viewers import CopyViewer
from tests.helpers.waiting import wait_for

TEXT = ('    Column("vector", "BINARY(7000)"),', '"vector": [f"{ts} -0.0352804," * 240 for ts in timestamps]')
DOUBLES = ("".join(f'    Column("x{i}", "DOUBLE"),\n' for i in range(400)),
           '**{f"x{i}": i + noise("x", meter, timestamps) for i in range(400)}')


class WeighingViewer(CopyViewer):
    """It counts the rows and their bytes, and keeps the times of those that its ring would have."""

    def __init__(self, port: int):
        super().__init__(port)
        self.bytes = self.largest = 0

    def take(self, arrow: bytes, anew: bool) -> None:
        self.bytes += len(arrow)
        self.largest = max(self.largest, len(arrow))
        times = pa.ipc.open_stream(arrow).read_all()["timestamp"].to_pylist()
        self.rows = (([] if anew else self.rows) + times)[-self.limits[-1]:]


@pytest.mark.parametrize("columns, values, megabytes", ((*TEXT, 60), (*DOUBLES, 30)), ids=("long texts", "400 doubles"))
def test_wide_rows(power_dsn, tmp_path, columns, values, megabytes):
    """More than 60 MB of text, 400 columns: each page has all rows, and the poller goes on without a restart."""
    demo, limit = copy_of_the_demo(tmp_path), 10_000
    edit(demo / "meters.py", ('    Column("phase", "FLOAT"),\n', f'    Column("phase", "FLOAT"),\n{columns}\n'))
    edit(demo / "simulation.py", ('"phase": ', f'{values}, "phase": '))
    rows = f"--rows-per-interval={limit // 10}"
    assert producer(tmp_path, power_dsn, "--count=10", rows, "--interval-ms=100", cwd=demo).wait(60) == 0
    with Server(tmp_path, power_dsn, "--tdengine-timeout-s=1", cwd=demo) as server, \
            WeighingViewer(server.port) as viewer:
        wait_for(lambda: len(viewer.rows) == limit, 60, "all rows")
        assert viewer.bytes > megabytes * 10**6 and viewer.largest < 2**21
        with producer(tmp_path, power_dsn, "--rows-per-interval=100", cwd=demo):
            newest = viewer.rows[-1]
            wait_for(lambda: viewer.rows[-1] > newest, 20, "newer rows")
        assert server.text().count("poller started") == 1
        assert "does not read" not in server.text() and viewer.closed is None
