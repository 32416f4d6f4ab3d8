"""Tables of cases in one test. As a test of its own, each of hundreds would cost more than its question does."""

from collections.abc import Callable, Iterable

import pytest


def check_each(cases: Iterable[tuple], check: Callable) -> None:
    """Calls `check` with each case. Fails with every case that it fails for, named by its first part."""
    failures = []
    for case in cases:
        try:
            check(*case)
        except (Exception, pytest.fail.Exception) as failure:
            failures.append(f"{case[0]}\n{type(failure).__name__}: {failure}")
    assert not failures, f"{len(failures)} cases failed:\n" + "\n\n".join(failures)
