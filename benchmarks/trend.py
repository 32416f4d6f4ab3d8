"""The trend of 10 and of 1000 locations: how long it takes, and how many values come where it expects them.

Each location has a row every 15 minutes, for three weeks: a cycle of a day with a shape of its own, a level, a drift,
noise that lasts, and an outlier now and then. For each day of the last week the trend is asked for the two weeks before
it, by the process that forecasts, database and all. The rival is "tomorrow is like today": each value is expected to be
that of a day before, in the range of 95 % of such differences in those two weeks.
"""

import asyncio
import time

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.measure import Figure, cpu_s, own_place, show
from bridge import tdengine
from bridge.settings import parse
from bridge.trend.trends import Trends
from bridge.trend.windows import DAY, MINUTE
from tests.helpers.meter_rows import MeterRows

STEP, A_DAY = 15 * MINUTE, 96
WEEKS, KNOWN, REPLAYED = 3, 14 * A_DAY, 7  # rows, rows that a trend knows, days that are replayed
START = 1_790_000_000_000 // DAY * DAY
BY_LIBRARY, BY_LIBRARY_DAYS = 10, 1  # locations that statsmodels forecasts, too, and days: with 1000 it takes minutes
GOAL = 90, 97  # % of the values


def values(location: int) -> np.ndarray:
    """What a location measures: noise of 0.3, a half of which lasts for hours."""
    random, count = np.random.default_rng(location), 7 * WEEKS * A_DAY
    phase = 2 * np.pi * np.arange(count) / A_DAY + random.uniform(0, 6)
    lasting = np.zeros(count)
    for at, push in enumerate(random.normal(0, 0.1, count)):
        lasting[at] = 0.9 * lasting[at - 1] + push
    return (random.uniform(8, 12) + 2 * np.sin(phase) + random.uniform(0, 1) * np.sin(2 * phase)
            + random.normal(0, 0.02) * np.arange(count) / A_DAY + lasting + random.normal(0, 0.2, count)
            + (random.random(count) < 0.002) * random.normal(0, 5, count))


def figures() -> list[Figure]:
    found = []
    for locations in (10, 1000):
        with own_place("--retention=0") as place:
            options = f"--tdengine-dsn={place.dsn}", "--tdengine-timeout-s=60"
            parse("a benchmark", "database", "producer", "trend", arguments=[*options, "--trend-by=theta"])
            currents = np.array([values(location) for location in range(locations)], dtype=np.float32)
            fill(currents)
            times, works, *ours, inside, missed, width = asyncio.run(replay(currents))
            theirs = [], []
            if locations == BY_LIBRARY:
                parse("a benchmark", "database", "producer", "trend", arguments=[*options, "--trend-by=statsmodels"])
                theirs = asyncio.run(replay(currents, BY_LIBRARY_DAYS))[:2]
        of = f"of {locations} locations"
        found += [Figure(f"a trend {of}", "s", times, "by statsmodels", theirs[0]),
                  Figure(f"processor time of the process that computes it, {of}", "s", works, "by statsmodels",
                         theirs[1]),
                  Figure(f"values {of} in the range where they are expected", "%", ours[0], "tomorrow is like today",
                         inside, f"{GOAL[0]} to {GOAL[1]}", bool(GOAL[0] <= np.median(ours[0]) <= GOAL[1])),
                  Figure(f"values {of} are so far from what is expected", "A", ours[1], "tomorrow is like today",
                         missed),
                  Figure(f"the range {of} is so wide", "A", ours[2], "tomorrow is like today", width)]
    return found


def fill(currents: np.ndarray) -> None:
    tdengine.connect().execute(f"CREATE DATABASE IF NOT EXISTS {tdengine.database()}")
    rows, at = MeterRows(tdengine.connect(tdengine.database())), START + STEP * np.arange(currents.shape[1])
    for location, course in enumerate(currents):
        rows.write(location, f"L{location:04}", dict(zip(at.tolist(), course.tolist())))


async def replay(currents: np.ndarray, replayed: int = REPLAYED) -> tuple[list[float], ...]:
    """Of each day: seconds, processor time in seconds, and of the values that came how many were inside (%), how far
    they were from what was expected, and how wide the range was; then the rival's three.
    """
    days, trends = [], Trends()
    try:
        await trends.trend(DAY, START + 2 * DAY)  # starts the process
        for day in range(replayed):
            now = (7 * (WEEKS - 1) + day) * A_DAY
            started, worked = time.perf_counter(), cpu_s(trends.process.pid)
            table, _ = await trends.trend(14 * DAY, START + now * STEP)
            took, work = time.perf_counter() - started, cpu_s(trends.process.pid) - worked
            coming = table.filter(pc.greater_equal(table["timestamp"].cast(pa.int64()), START + now * STEP))
            expected, low, high = (coming[name].to_numpy().reshape(len(currents), A_DAY)
                                   for name in ("expected", "low", "high"))
            came, known = currents[:, now:now + A_DAY], currents[:, now - KNOWN:now]
            before = known[:, -A_DAY:]
            least, most = np.quantile(known[:, A_DAY:] - known[:, :-A_DAY], (0.025, 0.975), axis=1)[:, :, None]
            days.append((took, work, share(came, low, high), np.abs(came - expected).mean(), (high - low).mean(),
                         share(came, before + least, before + most), np.abs(came - before).mean(),
                         (most - least).mean()))
    finally:
        await trends.close()
    return tuple(map(list, zip(*days)))


def share(came: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    return 100 * float(((low <= came) & (came <= high)).mean())


if __name__ == "__main__":
    show(figures())
