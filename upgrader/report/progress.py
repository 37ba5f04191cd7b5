"""Progress for people, on stderr: a line a step, with its time. A terminal shows what runs; a pipe hears of it now and then."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from upgrader.domain.units import span

_MARKS = {True: ("…", "✓", "✗"), False: ("..", "ok", "failed")}


@dataclass(frozen=True)
class _Step:
    """One step that runs."""

    text: str
    depth: int
    began: float = field(default_factory=time.monotonic)

    @property
    def took(self) -> str:
        return span(time.monotonic() - self.began)


class ConsoleProgress:
    """Port Progress over a rich console that writes to stderr. `every_s`: how often a pipe hears of a step that lasts."""

    def __init__(self, console: Console, every_s: float = 30.0) -> None:
        self._console = console
        self._every_s = every_s
        self._running: list[_Step] = []
        self._moving = console.is_terminal and not console.is_dumb_terminal
        self._begun, self._done, self._failed = _MARKS[console.encoding.lower().startswith("utf")]

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Show `text` while the block runs, then how long it took; a failed one says so. Steps may be nested."""
        step = _Step(text, len(self._running))
        if not (self._moving or step.depth):  # an inner one is told of when it ends, and by the heartbeat
            self._say(step, f"{self._begun} {escape(text)}")
        try:
            with self._told(step):
                yield
        except BaseException:
            self._say(step, f"[red]{self._failed}[/red] {escape(text)} ({step.took})")
            raise
        self._say(step, f"[green]{self._done}[/green] {escape(text)} ({step.took})")

    def note(self, text: str) -> None:
        """One line that stays."""
        self._console.print(f"{'  ' * len(self._running)}{escape(text)}")

    def __rich__(self) -> Text:
        """What runs now: the innermost step and its time, on one line."""
        last = self._running[-1:]
        return Text("".join(f"{each.text} ({each.took})" for each in last), no_wrap=True, overflow="ellipsis")

    @contextmanager
    def _told(self, step: _Step) -> Iterator[None]:
        self._running.append(step)
        try:
            if step.depth:
                yield
            else:
                with self._console.status(self) if self._moving else self._heartbeat():
                    yield
        finally:
            self._running.remove(step)

    @contextmanager
    def _heartbeat(self) -> Iterator[None]:
        """Whoever reads a log sees that it lives, and at what."""
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(self._every_s):
                for each in self._running[-1:]:
                    self._say(each, f"{self._begun} {escape(each.text)}: {each.took} so far")

        thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _say(self, step: _Step, line: str) -> None:
        self._console.print("  " * step.depth + line)
