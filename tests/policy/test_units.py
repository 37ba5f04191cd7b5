"""Sizes, spans and moments are written the same way everywhere; progress tells a pipe now and then that it lives."""

import io
import threading

import pytest
from rich.console import Console

from upgrader.domain.units import counted, moment, size, span
from upgrader.report.progress import ConsoleProgress


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (size(0), "0 B"),
        (size(999), "999 B"),
        (size(1000), "1.0 kB"),
        (size(99_940), "99.9 kB"),
        (size(99_960), "100 kB"),
        (size(999_600), "1.0 MB"),
        (size(1_790_000_000), "1.8 GB"),
        (size(5_000_000_000_000_000), "5000 TB"),
        (span(0.04), "0 s"),
        (span(9.26), "9.3 s"),
        (span(30), "30 s"),
        (span(59.96), "60 s"),
        (span(119.4), "119 s"),
        (span(356), "5 min 56 s"),
        (span(600), "10 min"),
        (span(11_100), "3 h 5 min"),
        (counted(1, "file"), "1 file"),
        (counted(0, "entry/entries"), "0 entries"),
        (moment("2026-11-21T20:27:56+01:00"), "2026-11-21 19:27 UTC"),
    ],
)
def test_figures_are_written_for_people(said: str, wanted: str) -> None:
    assert said == wanted


class _Heard(io.StringIO):
    """A pipe that notices when it is told `word`."""

    encoding = "utf-8"

    def __init__(self, word: str) -> None:
        super().__init__()
        self.word, self.heard = word, threading.Event()

    def write(self, text: str) -> int:
        written = super().write(text)
        if self.word in self.getvalue():
            self.heard.set()
        return written


def test_a_pipe_hears_again_of_a_step_that_lasts() -> None:
    pipe = _Heard("so far")
    progress = ConsoleProgress(Console(file=pipe, width=80), every_s=0.01)
    with progress.step("outer"), progress.step("inner"):
        assert pipe.heard.wait(30)
    lines = pipe.getvalue().splitlines()
    assert lines[0] == "… outer"
    assert lines[1].startswith("  … inner: ")
    assert lines[-2].startswith("  ✓ inner (")
    assert lines[-1].startswith("✓ outer (")


@pytest.mark.parametrize(("terminal", "shown"), [("dumb", True), ("xterm", False)])
def test_a_terminal_that_cannot_move_gets_the_lines_of_a_pipe(terminal: str, shown: bool) -> None:  # noqa: FBT001
    screen = io.StringIO()
    console = Console(file=screen, width=80, force_terminal=True, _environ={"TERM": terminal})
    with ConsoleProgress(console).step("outer"):
        pass
    assert ("… outer" in screen.getvalue().splitlines()) is shown
