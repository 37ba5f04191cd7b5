"""What every command gets from the options: the wiring and where the answer goes."""

from dataclasses import dataclass

import typer

from upgrader.cli.output import Output
from upgrader.context import Wiring


@dataclass(frozen=True)
class Session:
    """One run of the command line."""

    wiring: Wiring
    output: Output


def of(ctx: typer.Context) -> Session:
    """The session the global options made."""
    session = ctx.obj
    if not isinstance(session, Session):
        raise TypeError("the global options did not run")
    return session
