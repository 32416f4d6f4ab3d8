"""Waiting for a condition, with a deadline."""

import time
from collections.abc import Callable


def wait_for(condition: Callable, seconds: float = 20, what: str = "the condition"):
    """The first true value of `condition()`; fails after `seconds`. The longer it takes, the less often it asks."""
    started = time.monotonic()
    while not (value := condition()):
        waited = time.monotonic() - started
        assert waited < seconds, f"{what} did not come within {seconds} s"
        time.sleep(min(0.01 + waited / 20, 0.1))
    return value
