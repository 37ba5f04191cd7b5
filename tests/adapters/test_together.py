"""Two works at once."""

import threading

import pytest

from upgrader.adapters.together import Together

beside = Together(4)


def test_both_run_at_once_and_both_results_come_back() -> None:
    met = threading.Barrier(2)
    assert beside(lambda: met.wait(10) >= 0, lambda: met.wait(10) >= 0) == (True, True)


def test_what_either_raises_is_raised_and_the_first_is_not_kept_by_the_second() -> None:
    until = threading.Event()
    with pytest.raises(ZeroDivisionError):
        beside(lambda: 1 // 0, lambda: until.wait(60))
    until.set()
    with pytest.raises(KeyError):
        beside(lambda: 1, lambda: dict[str, int]()["none"])


def test_a_small_machine_does_one_after_the_other() -> None:
    done: list[int] = []
    assert Together(2)(lambda: done.append(1), lambda: done.append(2)) == (None, None)
    assert done == [1, 2]
