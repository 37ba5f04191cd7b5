"""Progress that is also kept: what was done, when, and how long it took."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from upgrader.domain.canary.report import StepTook
from upgrader.domain.ports import Clock, Progress


@dataclass
class TimedSteps:
    """Port Progress over another one. Each step is listed when it ends, one within another too."""

    progress: Progress
    clock: Clock
    _began: float = field(init=False)
    _taken: list[StepTook] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._began = self.clock.monotonic()

    @property
    def taken(self) -> tuple[StepTook, ...]:
        """All steps so far, in the order of their beginnings."""
        return tuple(sorted(self._taken, key=lambda step: step.began))

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Do it, and note how long it took."""
        began = self.clock.monotonic()
        try:
            with self.progress.step(text):
                yield
        finally:
            self._taken.append(StepTook(text, began - self._began, self.clock.monotonic() - began))

    def note(self, text: str) -> None:
        """Hand it on."""
        self.progress.note(text)
