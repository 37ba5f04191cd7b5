"""`upgrader status`."""

import typer

from upgrader.cli.session import of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status", epilog="Example: upgrader status --json")(status)


def status(ctx: typer.Context) -> int:
    """Show what is here, what is kept, and what is unfinished."""
    session = of(ctx)
    return session.output.finish(session.wiring.status())
