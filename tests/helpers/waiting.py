"""Waiting for a condition, with a deadline."""

import time
from collections.abc import Callable


def wait_for(condition: Callable, seconds: float = 20, what: str = "the condition"):
    """The first true value of `condition()`; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not come within {seconds} s"
        time.sleep(0.03)
    return value
