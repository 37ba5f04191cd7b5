"""Where answers go: data on stdout, all else on stderr, one renderer for each form."""

import sys
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from upgrader.domain.outcome import Outcome
from upgrader.errors import UpgraderError

if TYPE_CHECKING:
    from rich.console import Console

    from upgrader.domain.plan.decision import PlanData
    from upgrader.report.progress import ConsoleProgress


_AFTER_INTERRUPT = "`upgrader status` shows what stands, and ends a move that was left open"


@dataclass(frozen=True)
class Output:
    """One form of answer. `progress` writes to stderr in both. rich and the renderers are loaded when something is shown."""

    as_json: bool

    @classmethod
    def for_people(cls) -> "Output":
        """Text, in colour where the terminal has it; NO_COLOR is honoured by rich."""
        return cls(as_json=False)

    @classmethod
    def for_json(cls) -> "Output":
        """One JSON document."""
        return cls(as_json=True)

    @cached_property
    def stdout(self) -> "Console":
        """Where answers go."""
        from upgrader.report.console import CommandConsole

        return CommandConsole(emoji=False, soft_wrap=False, highlight=False)

    @cached_property
    def stderr(self) -> "Console":
        """Where all else goes."""
        from upgrader.report.console import CommandConsole

        return CommandConsole(emoji=False, stderr=True, highlight=False)

    @cached_property
    def progress(self) -> "ConsoleProgress":
        """Progress on stderr."""
        from upgrader.report.progress import ConsoleProgress

        return ConsoleProgress(self.stderr)

    def plan(self, data: "PlanData") -> None:
        """Show a plan on stderr, before a question about it."""
        from upgrader.report.plan_text import render_plan

        self.stderr.print(render_plan(data))

    def ahead(self, outcome: Outcome[Any]) -> None:
        """What would be done, on stderr, before a question about it."""
        from upgrader.report.show import show

        show(outcome, self.stderr)

    def heading(self, text: str) -> None:
        """A chapter of the demo; with JSON it goes to stderr."""
        (self.stderr if self.as_json else self.stdout).rule(text, align="left")

    def tell(self, outcome: Outcome[Any]) -> None:
        """An outcome within the demo's story; with JSON it goes to stderr, the demo's own is the document."""
        from upgrader.report.show import show

        show(outcome, self.stderr if self.as_json else self.stdout)

    def happening(self, value: object) -> None:
        """One thing that happened, at once: a line of text, or of JSON."""
        from upgrader.report import envelope, happenings

        self._document(envelope.line(value) if self.as_json else happenings.line(value))
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """A line for the person, on stderr."""
        self.stderr.print(text, markup=False)

    def document(self, outcome: Outcome[Any]) -> str:
        """An outcome as the JSON document it is."""
        from upgrader.report import envelope

        return envelope.to_json(outcome)

    def finish(self, outcome: Outcome[Any]) -> int:
        """Print an outcome and return its exit code."""
        if self.as_json:
            from upgrader.report import envelope

            self._document(envelope.to_json(outcome))
        else:
            from upgrader.report.show import show

            show(outcome, self.stdout)
            for notice in outcome.notices:
                self.stderr.print(f"note: {notice}", markup=False)
        return outcome.exit_code

    def error(self, command: str, error: UpgraderError) -> int:
        """Print an error and return its exit code."""
        return self._error(command, error, error.exit_code)

    def interrupted(self, command: str, error: KeyboardInterrupt) -> int:
        """Say that it was interrupted, and what tells what stands; returns 130 or 143."""
        said = UpgraderError(f"{command} was interrupted", hint=_AFTER_INTERRUPT, code="interrupted", unchanged="")
        return self._error(command, said, getattr(error, "exit_code", 130))

    def _error(self, command: str, error: UpgraderError, code: int) -> int:
        """One document, or lines on standard error; both where the system takes no document."""
        if self.as_json:
            from upgrader.report import envelope

            try:
                self._document(envelope.error_json(command, error, code))
            except OSError:
                return Output.for_people()._error(command, error, code)
        else:
            from upgrader.report import text

            self.stderr.print(text.error_lines(error), crop=False)
        return code

    def _document(self, document: str) -> None:
        sys.stdout.write(document + "\n")
        sys.stdout.flush()  # now, while what the system refuses can still be told
