"""`upgrader verify`."""

import typer

from upgrader.cli.arguments import LiveTurn
from upgrader.cli.session import of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("verify", epilog="Example: upgrader verify")(verify)


def verify(ctx: typer.Context, turn: LiveTurn = False) -> int:
    """Run the live checks: pairing, handshakes, a real call, the log. Changes nothing."""
    from upgrader.context.choices import LiveProbe

    session = of(ctx)
    return session.output.finish(session.wiring.verify(LiveProbe.TURN if turn else LiveProbe.NONE))
