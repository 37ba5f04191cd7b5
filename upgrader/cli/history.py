"""`upgrader history`."""

import typer

from upgrader import context
from upgrader.cli.session import of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("history", epilog="Example: upgrader history --json")(history)


def history(ctx: typer.Context) -> int:
    """Show the moves, the pins, and every overridden rule. Each with the reason that was given."""
    from upgrader.context.recording import show_history

    session = of(ctx)
    return session.output.finish(show_history(context.Machine.here(), session.options))
