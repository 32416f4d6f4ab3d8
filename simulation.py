"""What the demo's meters measure: random, yet the same for the same SEED, meter and time.

So a row that is written again, after a failure or by `--backfill`, is the same row. There is something to predict in
the rows: each location has a level, and all follow a cycle of CYCLE_S seconds. Each meter drifts, has noise, and about
once in five cycles an outlier, which lasts a hundredth of a cycle.

A new column gets its value in `random_rows`.
"""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from bridge.settings import options

LOCATIONS = ("San Francisco", "San Jose", "Oakland", "Palo Alto", "Mountain View",
             "Sunnyvale", "Santa Clara", "Cupertino", "Campbell", "Berkeley")
DRIFT_CYCLES, OUTLIER_CYCLES, OUTLIER_SHARE = 3, 0.01, 0.002

STEPS = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1B54A32D192ED03)
MIXING = (np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)), (np.uint64(27), np.uint64(0x94D049BB133111EB))
LAST_SHIFT = np.uint64(31)


def tags(meter: int) -> dict:
    """The tags of a meter, by their name in COLUMNS."""
    return {"groupid": meter % 4 + 1, "location": LOCATIONS[meter % len(LOCATIONS)]}


def random_rows(meter: np.ndarray, timestamps: np.ndarray) -> dict[str, Sequence]:
    """Rows as columns by their name in COLUMNS, an array or a list each.

    Row i is of `meter[i]`, a meter's number, at `timestamps[i]`, in epoch milliseconds; both are arrays of int64.
    """
    location = meter % len(LOCATIONS)
    cycles = timestamps / (1000 * options.cycle_s) + 0.1 * of_location("shift", location)  # since 1970
    load = np.sin(2 * np.pi * cycles)
    current = (8.5 + 3 * of_location("level", location) + 2 * load + 0.6 * drift("current", meter, cycles)
               + 0.8 * noise("current", meter, timestamps))
    outlier = random("outlier", meter, cycles // OUTLIER_CYCLES) < OUTLIER_SHARE
    return {
        "ts": timestamps,
        "current": np.where(outlier, current + np.where(current < 10, 5, -5), current),  # ampere, 5 to 15
        "voltage": np.rint(220 - 2 * load + 3 * noise("voltage", meter, timestamps)).astype(int),  # volt, 215 to 225
        "phase": 0.5 + 0.25 * np.cos(2 * np.pi * cycles) + 0.25 * noise("phase", meter, timestamps),  # radian, 0 to 1
    }


def random(what: str, *keys: np.ndarray) -> np.ndarray:
    """Numbers of [0, 1), evenly distributed: the same for the same SEED, `what` and whole numbers `keys`."""
    return (random_bits(what, *keys) >> np.uint64(11)) * 2.0**-53


def noise(what: str, *keys: np.ndarray) -> np.ndarray:
    """Numbers of (-1, 1), more often near 0: each is the sum of two of (-0.5, 0.5)."""
    bits = random_bits(what, *keys)
    return ((bits >> np.uint64(32)) + (bits & np.uint64(2**32 - 1))) * 2.0**-32 - 1


def drift(what: str, meter: np.ndarray, cycles: np.ndarray) -> np.ndarray:
    """Numbers of [-1, 1), which go from one random number to the next in DRIFT_CYCLES, in a straight line."""
    way = cycles / DRIFT_CYCLES
    step = np.floor(way)
    start, end = random(what, meter, step), random(what, meter, step + 1)
    return 2 * (start + (end - start) * (way - step)) - 1


def of_location(what: str, location: np.ndarray) -> np.ndarray:
    """A number of [0, 1) for each location."""
    return random(what, np.arange(len(LOCATIONS)))[location]


def random_bits(what: str, *keys: np.ndarray) -> np.ndarray:
    """64 random bits for each row of one or two keys, by the mixing function of SplitMix64."""
    start = blake2b(f"{options.seed} {what}".encode(), digest_size=8).digest()
    bits = np.frombuffer(start, np.uint64)
    for key, step in zip(keys, STEPS):
        bits = bits + key.astype(np.int64, copy=False).view(np.uint64) * step
    for shift, factor in MIXING:
        bits ^= bits >> shift
        bits *= factor
    bits ^= bits >> LAST_SHIFT
    return bits
