"""Something that was begun in a thread, to be waited for by whoever needs it."""

from collections.abc import Callable
from threading import Thread
from typing import Generic, TypeVar

from upgrader.errors import UpgraderError

T = TypeVar("T")


class Begun(Generic[T]):
    """Runs `work` at once. An error of ours waits with the result; a run that ends meanwhile does not wait for it."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._result: list[T] = []
        self._error: UpgraderError | None = None
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Until it is done."""
        self._thread.join()

    def result(self) -> T:
        """What the work returned. Raises what it raised."""
        self.wait()
        if self._error is not None:
            raise self._error
        return self._result[0] if self._result else self._work()  # an error of others is raised where it is seen

    def _run(self) -> None:
        try:
            self._result.append(self._work())
        except UpgraderError as error:
            self._error = error
