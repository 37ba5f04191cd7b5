"""Two works at once, where the machine has room for that."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")
# On two cores the live gateway's slowest answers took four times as long while a gateway and a terminal client of a canary
# worked at once (`scripts/bench --canary`); its own gateway and the processes that starts are busy enough for one of them.
_FEW = 2


@dataclass(frozen=True)
class Together:
    """Does two things at once on a machine with more than two processors, else one after the other."""

    processors: int

    @classmethod
    def here(cls) -> "Together":
        """For this machine, as far as this process may use it."""
        return cls(len(os.sched_getaffinity(0)))

    def __call__(self, first: Callable[[], A], second: Callable[[], B]) -> tuple[A, B]:
        """Both results, once both have ended. Raises what the first raised at once, else what the second did.

        Then the second is not waited for: an interrupt must not wait for a terminal; it ends with the place it works in.
        """
        if self.processors <= _FEW:
            return first(), second()
        pool = ThreadPoolExecutor(1)
        begun = pool.submit(second)
        try:
            done = first()
        finally:
            pool.shutdown(wait=False)
        return done, begun.result()
