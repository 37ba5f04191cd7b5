"""Two works at once."""

import threading

import pytest

from upgrader.adapters.together import at_once


def test_both_run_at_once_and_both_results_come_back() -> None:
    met = threading.Barrier(2)
    assert at_once(lambda: met.wait(10) >= 0, lambda: met.wait(10) >= 0) == (True, True)


def test_what_either_raises_is_raised_and_the_first_is_not_kept_by_the_second() -> None:
    until = threading.Event()
    with pytest.raises(ZeroDivisionError):
        at_once(lambda: 1 // 0, lambda: until.wait(60))
    until.set()
    with pytest.raises(KeyError):
        at_once(lambda: 1, lambda: dict[str, int]()["none"])
