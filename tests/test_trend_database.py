"""The trend of rows in the database: what is asked, and the process that forecasts."""

import asyncio
import math
import os
import subprocess
import sys
import time
from contextlib import asynccontextmanager

import numpy as np
import pyarrow as pa
import pytest

import meters
from bridge.settings import options, parse
from bridge.trend import chosen, questions, trend
from bridge.trend.measure import measure
from bridge.trend.process import INSTALL, Asker
from bridge.trend.refusal import Refusal
from bridge.trend.series import measured
from bridge.trend.trends import KEEP_S, MOST_WAITING, Trends
from bridge.trend.windows import MINUTE, choose
from tests.helpers.databases import ROOT
from tests.helpers.meter_rows import MeterRows
from tests.helpers.programs import now_ms

HOUR = 60 * MINUTE


@pytest.fixture
def set_options(power_dsn):
    """A function that sets options of the trend; the database is the test's own."""
    before = dict(vars(options))

    def set_options(*arguments: str) -> None:
        parse("a test", "database", "producer", "trend", arguments=[f"--tdengine-dsn={power_dsn}", *arguments])

    set_options()
    yield set_options
    vars(options).clear()
    vars(options).update(before)


@pytest.fixture
def fill(power):
    """A function that writes values of one meter: `values` by their time in epoch ms."""
    return MeterRows(power).write


def cycle(until: int, count: int, step: int, period_ms: int, seed: int = 1) -> dict[int, float]:
    """`count` values with a cycle and noise, one every `step` ms, until then."""
    random = np.random.default_rng(seed)
    times = until - step * np.arange(count)[::-1]
    values = 10 + 2 * np.sin(2 * np.pi * times / period_ms) + random.normal(0, 0.3, count)
    return dict(zip(times.tolist(), values.tolist()))


@asynccontextmanager
async def running():
    trends = Trends()
    try:
        yield trends
    finally:
        await trends.close()


def computed(length: int, until: int | None = None) -> pa.Table:
    """The trend by the process, as a server gets it."""
    async def compute() -> pa.Table:
        async with running() as trends:
            return (await trends.trend(length, until))[0]
    return asyncio.run(compute())


def test_averages_are_numpys(power, fill, set_options):
    until = now_ms() // MINUTE * MINUTE  # rows stand at the borders of windows, too
    rows = {name: cycle(until, 5000, 1000, HOUR, seed) for seed, name in enumerate("AB")}
    for at in list(rows["A"])[-300:-100:2]:
        rows["A"][at] = None
    rows["B"][list(rows["B"])[3000]] = math.nan  # its window is a gap
    for number, (name, values) in enumerate(rows.items()):
        fill(number, name, values)
    what = measure()
    spans = list(power.query(questions.spans(what, HOUR, until)))
    assert sorted(spans) == sorted((min(inside), max(inside), sum(values[at] is not None for at in inside))
                                   for values in rows.values()
                                   for inside in [[at for at in values if until - HOUR < at <= until]])
    windows = choose(spans[0][0], spans[0][1])
    assert windows.width == 5000 and windows.count == 719
    names, found = measured(list(power.query(questions.averages(what, windows))), windows)
    assert names == ["A", "B"]
    for values, series in zip(rows.values(), found):
        for number, average in enumerate(series):
            start = windows.start + number * 5000
            inside = [np.float32(v) for at, v in values.items() if start <= at < start + 5000 and v is not None]
            assert average == pytest.approx(np.mean(inside, dtype=float), nan_ok=True)
    assert np.isnan(found[1]).sum() == 1


def test_trend_of_the_database(fill, set_options, capfd):
    set_options("--trend-tag=groupid")
    now = now_ms() // (5 * MINUTE) * 5 * MINUTE  # so the number of whole windows is always the same
    for meter in range(3):
        fill(meter, "A", cycle(now, 24 * 60 * 4, MINUTE, 24 * HOUR, seed=meter))
    fill(3, "B", {now - at * HOUR: 1.0 for at in range(9)})
    table = computed(4 * 24 * HOUR + 10 * MINUTE)
    assert table.schema.equals(trend.SCHEMA)
    assert chosen.notes(table) == {"3": "All values are 1 in this range: there is no trend in a constant."}
    count = 24 * 4 * 12 - 1
    assert table["location"].value_counts().to_pylist()[:3] == [
        {"values": name, "counts": count + count // 4} for name in "012"]
    inside = []
    for meter in range(3):
        coming = table.slice(meter * (count + count // 4) + count, count // 4)
        times = coming["timestamp"].cast(pa.int64()).to_numpy() + 150_000
        right = 10 + 2 * np.sin(2 * np.pi * times / (24 * HOUR))
        assert np.abs(coming["expected"].to_numpy() - right).mean() < 0.15
        inside.append((coming["low"].to_numpy() < right) & (right < coming["high"].to_numpy()))
    assert np.mean(inside) > 0.95
    assert chosen.outside(table).num_rows < 0.1 * 3 * count // 4
    assert capfd.readouterr().err == ""


def test_a_range_of_the_past(fill, set_options):
    now = now_ms()
    fill(0, "A", cycle(now, 7200, 1000, HOUR))
    table = Asker().trend(HOUR, now - HOUR)
    times = table.filter(table["measured"].is_valid())["timestamp"].cast(pa.int64()).to_pylist()
    assert now - 2 * HOUR <= times[0] and times[-1] + 5000 <= now - HOUR


def test_a_table_without_tags(power, power_dsn, set_options, monkeypatch):
    monkeypatch.setattr(meters, "SUPER_TABLE", "plain")
    monkeypatch.setattr(meters, "TAGS", ())
    monkeypatch.setattr(meters, "COLUMNS", meters.COLUMNS[:2])
    power.execute("CREATE TABLE plain (ts TIMESTAMP, `current` FLOAT)")
    values = " ".join(f"({at}, {value})" for at, value in cycle(now_ms(), 60, 1000, HOUR).items())
    power.execute(f"INSERT INTO plain VALUES {values}")
    table = Asker().trend(HOUR, None)
    assert table["location"].unique().to_pylist() == ["plain"]
    assert table["measured"].null_count == table.num_rows // 5


def test_too_few_rows(fill, set_options):
    now = now_ms()
    with pytest.raises(Refusal, match="No values of current were measured in this range."):
        computed(HOUR)
    fill(0, "A", {now - 1500: 1.0, now: 2.0})
    with pytest.raises(Refusal, match="There are 0 whole windows of 2 s so far, and a trend needs 3"):
        Asker().trend(HOUR, None)


def test_what_is_not_there_is_said_in_words(set_options, database, power, connection):
    with pytest.raises(Refusal, match="the super table does not exist yet: start producer.py"):
        Asker().trend(HOUR, None)
    connection.execute(f"DROP DATABASE {database}")
    with pytest.raises(Refusal, match="the database does not exist yet"):
        Asker().trend(HOUR, None)
    set_options("--tdengine-dsn=taosws://root:taosdata@localhost:1")
    with pytest.raises(Refusal, match="localhost:1 does not answer"):
        Asker().trend(HOUR, None)


@pytest.mark.parametrize("precision, columns, words", (
    ("us", "`current` FLOAT, voltage INT, phase FLOAT", "counts time in us"),
    ("ms", "voltage INT, phase FLOAT", "column current is missing")))
def test_another_table(set_options, database, connection, precision, columns, words):
    connection.execute(f"DROP DATABASE {database}")
    connection.execute(f"CREATE DATABASE {database} PRECISION '{precision}'")
    connection.execute(f"CREATE STABLE {database}.meters (ts TIMESTAMP, {columns}) "
                       "TAGS (groupid INT, location BINARY(24))")
    with pytest.raises(Refusal, match=words):
        Asker().trend(HOUR, None)


@pytest.mark.embedded_only
def test_no_analysis_node(connection, fill, set_options):
    assert list(connection.query("SHOW ANODES")) == []
    assert list(connection.query("SELECT url, status FROM information_schema.ins_anodes")) == []
    fill(0, "A", cycle(now_ms(), 600, 1000, HOUR))
    set_options("--trend-by=tdengine")
    with pytest.raises(Refusal, match="TDengine has no analysis node .* error 0x0443: .* TREND_BY=theta"):
        Asker().trend(HOUR, None)


def test_statsmodels_forecasts_the_same(fill, set_options, capfd):
    fill(0, "A", cycle(now_ms(), 600, 1000, HOUR))
    tables = []
    for way in ("theta", "statsmodels"):
        set_options(f"--trend-by={way}")
        tables.append(computed(HOUR))
    ours, theirs = (table["expected"].drop_null().to_numpy() for table in tables)
    assert 0 < np.abs(ours - theirs).max() < 0.1
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("package, way", (("statsmodels", "statsmodels"), ("numpy", "theta")))
def test_missing_packages(fill, set_options, tmp_path, monkeypatch, package, way):
    fill(0, "A", cycle(now_ms(), 60, 1000, HOUR))
    (tmp_path / f"{package}.py").write_text(f"raise ModuleNotFoundError('No module', name='{package}')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    set_options(f"--trend-by={way}")
    with pytest.raises(Refusal, match=f"The package {package} is missing: run {INSTALL}"):
        computed(HOUR)
    assert (ROOT / INSTALL.split()[-1]).exists()


def test_the_server_imports_nothing_of_it():
    code = "import bridge.trend.trends, sys; print({'statsmodels', 'scipy', 'taosws'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True).stdout == "set()\n"


def test_all_who_ask_for_the_same_share_it(fill, set_options):
    fill(0, "A", cycle(now_ms(), 600, 1000, HOUR))

    async def ask() -> None:
        async with running() as trends:
            (first, until), *others = await asyncio.gather(*(trends.trend(HOUR) for _ in range(5)))
            assert all(table is first for table, _ in others)
            assert KEEP_S - 1 < until - time.monotonic()
            assert (await trends.trend(HOUR))[0] is first
            assert (await trends.trend(2 * HOUR))[0] is not first
            trends.kept[HOUR, None].until = 0
            assert (await trends.trend(HOUR))[0] is not first
            for length in range(HOUR, HOUR + 12):
                await trends.trend(length)
            assert len(trends.kept) <= 12
    asyncio.run(ask())


def test_a_process_that_ends_is_replaced(fill, set_options):
    fill(0, "A", cycle(now_ms(), 600, 1000, HOUR))

    async def ask() -> None:
        async with running() as trends:
            await trends.trend(HOUR)
            os.kill(trends.process.pid, 9)
            await trends.process.wait()
            with pytest.raises(Refusal, match="has ended: ask again"):
                await trends.trend(2 * HOUR)
            assert (await trends.trend(3 * HOUR))[0].num_rows
    asyncio.run(ask())


def test_what_nobody_waits_for_is_not_computed(fill, set_options):
    fill(0, "A", cycle(now_ms(), 600, 1000, HOUR))

    async def ask() -> None:
        async with running() as trends:
            asked = [asyncio.create_task(trends.trend(length * HOUR)) for length in (1, 2, 3)]
            await asyncio.sleep(0)
            for task in asked[:2]:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
            assert list(trends.kept) == [(3 * HOUR, None)]
            assert asked[2].result()[0].num_rows
    asyncio.run(ask())


def test_few_wait_at_a_time(fill, set_options):
    set_options()

    async def ask():
        async with running() as trends:
            answers = await asyncio.gather(
                *(trends.trend(HOUR + number) for number in range(MOST_WAITING + 5)), return_exceptions=True)
            assert sum("asked for" in str(answer) for answer in answers) == 5
    asyncio.run(ask())
