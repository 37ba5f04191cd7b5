"""Two works at once, the second in a thread of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def beside(first: Callable[[], A], second: Callable[[], B]) -> tuple[A, B]:
    """Both results, once both have ended. Raises what the first raised, else what the second did."""
    with ThreadPoolExecutor(1) as pool:
        begun = pool.submit(second)
        done = first()
    return done, begun.result()
