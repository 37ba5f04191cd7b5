"""Where answers go: data on stdout, all else on stderr, one renderer for each form."""

import sys
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from upgrader.domain.outcome import Outcome
from upgrader.domain.plan import PlanData
from upgrader.errors import UpgraderError
from upgrader.report import envelope, text
from upgrader.report.plan_text import render_plan
from upgrader.report.progress import ConsoleProgress


@dataclass(frozen=True)
class Output:
    """One form of answer. `progress` writes to stderr in both."""

    stdout: Console
    stderr: Console
    as_json: bool

    @classmethod
    def for_people(cls) -> "Output":
        """Text, in colour where the terminal has it; NO_COLOR is honoured by rich."""
        return cls(Console(soft_wrap=False, highlight=False), Console(stderr=True, highlight=False), as_json=False)

    @classmethod
    def for_json(cls) -> "Output":
        """One JSON document."""
        return cls(Console(highlight=False), Console(stderr=True, highlight=False), as_json=True)

    @property
    def progress(self) -> ConsoleProgress:
        """Progress on stderr."""
        return ConsoleProgress(self.stderr)

    def plan(self, data: PlanData) -> None:
        """Show a plan on stderr, before a question about it."""
        self.stderr.print(render_plan(data))

    def heading(self, text: str) -> None:
        """A chapter of the demo; with JSON it goes to stderr."""
        (self.stderr if self.as_json else self.stdout).rule(text, align="left")

    def tell(self, outcome: Outcome[Any]) -> None:
        """An outcome within the demo's story; with JSON it goes to stderr, the demo's own is the document."""
        text.show(outcome, self.stderr if self.as_json else self.stdout)

    def finish(self, outcome: Outcome[Any]) -> int:
        """Print an outcome and return its exit code."""
        if self.as_json:
            self._document(envelope.to_json(outcome))
        else:
            text.show(outcome, self.stdout)
            for notice in outcome.notices:
                self.stderr.print(f"note: {notice}", markup=False)
        return outcome.exit_code

    def error(self, command: str, error: UpgraderError) -> int:
        """Print an error and return its exit code."""
        if self.as_json:
            self._document(envelope.error_json(command, error))
        else:
            self.stderr.print(text.error_lines(error))
        return error.exit_code

    def interrupted(self, command: str, error: KeyboardInterrupt) -> int:
        """Say that it was interrupted before anything was changed; returns 130 or 143."""
        code: int = getattr(error, "exit_code", 130)
        self.stderr.print(f"interrupted: {command} stopped; nothing was changed", markup=False)
        return code

    def _document(self, document: str) -> None:
        sys.stdout.write(document + "\n")
