"""Two works at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def at_once(first: Callable[[], A], second: Callable[[], B]) -> tuple[A, B]:
    """Both results, once both have ended. Raises what the first raised at once, else what the second did.

    After the first's error the second is not waited for: an interrupt must not wait for a terminal, which ends with the
    place it works in.
    """
    pool = ThreadPoolExecutor(1)
    begun = pool.submit(second)
    try:
        done = first()
    finally:
        pool.shutdown(wait=False)
    return done, begun.result()
