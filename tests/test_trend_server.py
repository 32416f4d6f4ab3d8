"""GET /trend: the trend of the rows in the database, for a page."""

import math
import urllib.error
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute
import pytest

from bridge.trend.handler import ALL_MS, to_range
from tests.helpers.meter_rows import MeterRows
from tests.helpers.programs import Server, now_ms

HOUR_MS = 3_600_000


@pytest.mark.parametrize("text, length, until", (
    ("5m", 300_000, None), ("24h", 24 * HOUR_MS, None), ("7d", 7 * 24 * HOUR_MS, None), ("all", ALL_MS, None),
    ("1970-01-01T01:00Z/1970-01-01T03:00Z", 2 * HOUR_MS, 3 * HOUR_MS), ("/1970-01-01T03:00Z", ALL_MS, 3 * HOUR_MS),
))
def test_ranges(text, length, until):
    assert to_range(text) == (length, until)


def test_an_open_end_is_now():
    length, until = to_range("1970-01-01T00:00Z/")
    assert until is None and abs(length - now_ms()) < 60_000


@pytest.mark.parametrize("text", (
    "", "1", "0h", "1w", "x/y", "9999999h", "1970-01-01T03:00Z/1970-01-01T01:00Z", "1h/"))
def test_what_is_no_range(text):
    with pytest.raises(ValueError):
        to_range(text)


def test_the_trend_of_a_page(power_dsn, power, tmp_path):
    start = now_ms() - 600_000
    currents = {start + second * 1000: 10 + 3 * math.sin(second * math.tau / 120) for second in range(600)}
    MeterRows(power).write(1, "Campbell", currents)
    MeterRows(power).write(2, "San José", dict.fromkeys(currents, 2.5))
    with Server(tmp_path, power_dsn, "--perspective-token=sesame") as server:
        with pytest.raises(urllib.error.HTTPError, match="403"):
            server.get("/trend?range=1h")
        with pytest.raises(urllib.error.HTTPError, match="400"):
            server.get("/trend?range=1w&token=sesame")
        every = table_of(server.get("/trend?range=1h&token=sesame"))
        assert every["location"].unique().to_pylist() == ["Campbell", "San José"]
        answer = server.get("/trend?range=1h&token=sesame&location=Campbell", Origin="http://localhost:8081")
        assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:8081"
        assert answer.headers["Cache-Control"].startswith("max-age=")
        assert answer.headers["Trend-Note"] is None
        table = table_of(answer)
        assert table.num_rows == every["location"].to_pylist().count("Campbell") + 1
        assert table.column_names == ["timestamp", "location", "measured", "expected", "low", "high"]
        future = table.filter(pa.compute.greater(table["timestamp"].cast(pa.int64()), start + 600_000))
        assert future.num_rows > 10 and set(future["measured"].to_pylist()) == {None}
        for time, expected in zip(future["timestamp"].cast(pa.int64()).to_pylist(), future["expected"].to_pylist()):
            assert abs(expected - 10 - 3 * math.sin((time - start) / 1000 * math.tau / 120)) < 1
        answer = server.get("/trend?range=1h&token=sesame&location=San%20Jos%C3%A9", Origin="http://localhost:8081")
        assert answer.headers["Access-Control-Expose-Headers"] == "Trend-Note"
        assert answer.headers["Trend-Note"] == "All values are 2.5 in this range: there is no trend in a constant."
        assert set(table_of(answer)["measured"].to_pylist()) == {2.5, None}
        with pytest.raises(urllib.error.HTTPError) as error:
            server.get("/trend?range=1h&token=sesame&location=Atlantis")
        assert (error.value.code, error.value.read()) == (404, b"There is no location 'Atlantis' in this range.")
        begin, end = (datetime.fromtimestamp(start // 1000 + at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for at in (0, 2))
        with pytest.raises(urllib.error.HTTPError) as error:  # these are too few rows for a trend
            server.get(f"/trend?range={begin}/{end}&token=sesame")
        assert error.value.code == 503 and "windows" in error.value.read().decode()


def table_of(answer) -> pa.Table:
    return pa.ipc.open_stream(answer.read()).read_all()
