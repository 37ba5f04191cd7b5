"""Interrupts: the first one ends the present step cleanly; while something is undone they wait."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupted(KeyboardInterrupt):
    """SIGINT or SIGTERM. `exit_code` is 130 or 143."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


class Interrupts:
    """Turns SIGINT, SIGTERM and SIGHUP into one `Interrupted`; inside `shielded` they are kept for later."""

    def __init__(self) -> None:
        self._shields = 0
        self._pending = 0

    def install(self) -> None:
        """Take the signals over; called once by the entry point."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._handle)

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """Signals that arrive in the block are raised after it, the last one as Interrupted."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
        if self._pending and not self._shields:
            number, self._pending = self._pending, 0
            raise Interrupted(number)

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature of a handler
        if self._shields:
            self._pending = number
            return
        raise Interrupted(number)
