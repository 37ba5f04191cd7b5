"""`upgrader adopt`."""

import typer

from upgrader.cli.arguments import Reason
from upgrader.cli.session import of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("adopt", epilog="Example: upgrader adopt --reason 'I ran npm myself'")(adopt)


def adopt(ctx: typer.Context, reason: Reason = "") -> int:
    """Take the installed package as it stands. For when somebody changed it without upgrader, and meant it."""
    session = of(ctx)
    return session.output.finish(session.wiring.adopt(reason))
