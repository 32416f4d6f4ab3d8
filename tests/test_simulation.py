"""simulation.py: random rows that are the same again, in their ranges, and that have something to predict."""

import numpy as np
import pytest

import simulation
from bridge.settings import parse

START, HOUR = 1_764_000_000_000, 3600  # epoch ms, seconds
METERS = np.arange(20)


@pytest.fixture(autouse=True)
def set_options():
    options_are()


def options_are(seed: int = 1, cycle_s: int = 120) -> None:
    parse("", "producer", arguments=(f"--seed={seed}", f"--cycle-s={cycle_s}"))


def hour(meter: int, every_ms: int = 1000) -> dict[str, np.ndarray]:
    """A meter's rows of an hour."""
    times = np.arange(START, START + HOUR * 1000, every_ms)
    return simulation.random_rows(np.full(len(times), meter), times)


def explained(values: np.ndarray, period_s: float) -> float:
    """The share of the variance that a sine of this period explains, of values one second apart."""
    angle = 2 * np.pi * np.arange(len(values)) / period_s
    waves = np.column_stack([np.ones(len(values)), np.sin(angle), np.cos(angle)])
    rest = values - waves @ np.linalg.lstsq(waves, values, rcond=None)[0]
    return 1 - rest.var() / values.var()


def test_a_row_is_the_same_in_whatever_company():
    """Alone, among others, or in another order: a row that is written again is the same row."""
    times = np.array([START, START + 7, START + 86_400_000])
    together = simulation.random_rows(np.tile(METERS, 3), np.repeat(times, len(METERS)))
    for position in (0, 33, 59):
        alone = simulation.random_rows(METERS[[position % 20]], times[[position // 20]])
        assert {name: values[0] for name, values in alone.items()} == {
            name: values[position] for name, values in together.items()}


def test_the_seed_decides():
    before = hour(3)
    options_are(seed=2)
    assert not np.allclose(hour(3)["current"], before["current"])
    assert (hour(3)["voltage"] != before["voltage"]).any()
    options_are(seed=1)
    assert all(np.array_equal(values, before[name]) for name, values in hour(3).items())


def test_rows_of_other_meters_and_other_times_differ():
    rows = simulation.random_rows(np.repeat(METERS, 3000), np.tile(np.arange(START, START + 3000), len(METERS)))
    assert len(np.unique(rows["current"])) == len(np.unique(rows["phase"])) == len(METERS) * 3000


@pytest.mark.parametrize("seed", range(1, 6))
def test_ranges(seed):
    """Outliers are in the range, too; and the range is used."""
    options_are(seed=seed)
    rows = {name: np.concatenate([hour(meter)[name] for meter in METERS]) for name in ("current", "voltage", "phase")}
    assert 5 <= rows["current"].min() < 6 and 14 < rows["current"].max() <= 15
    assert 0 <= rows["phase"].min() < 0.05 and 0.95 < rows["phase"].max() <= 1
    assert rows["voltage"].dtype.kind == "i"
    assert set(rows["voltage"].tolist()) == set(range(215, 226))


@pytest.mark.parametrize("cycle_s", (120, 600))
def test_the_cycle_is_there(cycle_s):
    options_are(cycle_s=cycle_s)
    for meter in METERS:
        current = hour(meter)["current"]
        assert 0.75 < explained(current, cycle_s) < 0.97  # noise, drift and outliers have the rest
        assert explained(current, cycle_s * 1.37) < 0.05
        assert explained(hour(meter)["voltage"], cycle_s) > 0.4


def test_locations_have_levels_and_meters_drift():
    """Averages of whole cycles: those of a location stay together, and move slowly."""
    averages = np.array([hour(meter)["current"].reshape(-1, 120).mean(axis=1) for meter in METERS])
    levels = averages.mean(axis=1)
    assert abs(levels[:10] - levels[10:]).max() < 0.5  # meters m and m + 10 have the same location
    assert levels[:10].std() > 0.5
    assert (0.1 < averages.std(axis=1)).all() and (averages.std(axis=1) < 0.6).all()
    assert abs(np.diff(averages)).max() < 0.6


def test_outliers_come_now_and_then():
    """Against the average of the same instant's neighbours, five seconds before and after."""
    shares = []
    for meter in METERS:
        current = hour(meter)["current"]
        expected = (np.roll(current, 5) + np.roll(current, -5)) / 2
        shares.append((abs(current - expected) > 4).mean())
    assert 0.0005 < np.mean(shares) < 0.005
