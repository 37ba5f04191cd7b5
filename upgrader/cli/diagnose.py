"""`upgrader diagnose`."""

import typer

from upgrader import context
from upgrader.cli.session import of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("diagnose", epilog="Example: upgrader diagnose --json")(diagnose)


def diagnose(ctx: typer.Context) -> int:
    """Find why clients are refused: causes by likelihood, with evidence and the next command. Changes nothing."""
    session = of(ctx)
    wiring = session.wiring
    return session.output.finish(context.diagnose(wiring.machine, wiring.options, wiring.progress).run())
