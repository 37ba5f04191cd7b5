"""`upgrader verify`."""

from typing import Annotated

import typer

from upgrader.cli.arguments import LiveTurn
from upgrader.cli.session import of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("verify", epilog="Example: upgrader verify")(verify)


def verify(
    ctx: typer.Context,
    turn: LiveTurn = False,
    full: Annotated[bool, typer.Option("--full", help="read every file of the package again, not only its times")] = False,
    by_hand: Annotated[bool, typer.Option("--print", help="print the same checks as OpenClaw's own commands")] = False,
) -> int:
    """Check what runs now, each kind of client. Changes nothing: pairing, handshakes, a real call, the log."""
    from upgrader.context.choices import LiveProbe

    session = of(ctx)
    if by_hand:
        return session.output.finish(session.wiring.verify_by_hand())
    from upgrader.context.drifting import Reading

    probe, reading = LiveProbe.TURN if turn else LiveProbe.NONE, Reading.FULL if full else Reading.LOOKS
    return session.output.finish(session.wiring.verify(probe, reading))
