"""What every command gets from the options: the wiring and where the answer goes."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from upgrader import context
from upgrader.cli.output import Output

if TYPE_CHECKING:
    import typer


@dataclass(frozen=True)
class Session:
    """One run of the command line. The wiring of moves is loaded by the commands that move."""

    options: context.Options
    answers: context.Answers
    output: Output

    @cached_property
    def wiring(self) -> "context.Wiring":
        """The commands over this machine."""
        return context.Wiring(self.options, self.answers, self.output.progress, self.output.plan)


def of(ctx: "typer.Context") -> Session:
    """The session the global options made."""
    session = ctx.obj
    if not isinstance(session, Session):
        raise TypeError("the global options did not run")
    return session
