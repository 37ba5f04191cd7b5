"""Progress for people, on stderr: one line a step, with its time; animated only on a terminal."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

_MARKS = {True: ("✓", "✗"), False: ("ok", "failed")}


class ConsoleProgress:
    """Port Progress over a rich console that writes to stderr."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._depth = 0

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Show `text` while the block runs, then how long it took; a failed one says so. Steps may be nested."""
        began = time.monotonic()
        done, failed = _MARKS[self._console.encoding.lower().startswith("utf")]
        indent = "  " * self._depth
        self._depth += 1
        try:
            if self._console.is_terminal and self._depth == 1:
                with self._console.status(escape(text)):
                    yield
            else:
                self._console.print(f"{indent}… {escape(text)}" if done == "✓" else f"{indent}.. {escape(text)}")
                yield
        except BaseException:
            self._console.print(f"{indent}[red]{failed}[/red] {escape(text)} ({time.monotonic() - began:.1f} s)")
            raise
        finally:
            self._depth -= 1
        self._console.print(f"{indent}[green]{done}[/green] {escape(text)} ({time.monotonic() - began:.1f} s)")

    def note(self, text: str) -> None:
        """One line that stays."""
        self._console.print(f"{'  ' * self._depth}{escape(text)}")
