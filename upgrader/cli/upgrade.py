"""`upgrader upgrade`."""

from pathlib import Path

import typer

from upgrader.cli.arguments import Accept, Interrupt, LiveTurn, Reason, Target, Wait, accepted, patience, version
from upgrader.cli.session import of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("upgrade", epilog="Example: upgrader upgrade 2026.9.6 --yes")(upgrade)


def upgrade(
    ctx: typer.Context,
    target: Target = None,
    accept: Accept = None,
    reason: Reason = "",
    wait: Wait = "2m",
    interrupt: Interrupt = False,
    turn: LiveTurn = False,
) -> int:
    """Move to TARGET, or end where it began. TARGET is a release, or the file of a saved plan."""
    from upgrader.context.choices import Conduct, LiveProbe

    session = of(ctx)
    conduct = Conduct(patience(wait, interrupt=interrupt), LiveProbe.TURN if turn else LiveProbe.NONE)
    if target is not None and Path(target).is_file():
        from upgrader.context.planning import saved_plan

        return session.output.finish(session.wiring.upgrade_as_planned(saved_plan(Path(target)), conduct))
    return session.output.finish(session.wiring.upgrade(version(target), accepted(accept), conduct, reason))
