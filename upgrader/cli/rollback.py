"""`upgrader rollback`."""

from typing import Annotated

import typer

from upgrader.cli.arguments import Interrupt, Wait, patience
from upgrader.cli.session import of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("rollback", epilog="Example: upgrader rollback --yes")(rollback)


def rollback(
    ctx: typer.Context,
    snapshot: Annotated[
        str | None, typer.Argument(help="snapshot to return to; that of the last move when left out", metavar="SNAPSHOT")
    ] = None,
    wait: Wait = "2m",
    interrupt: Interrupt = False,
) -> int:
    """Return to the release and state of before. Package, Node, state, config and service; needs no network."""
    session = of(ctx)
    return session.output.finish(session.wiring.rollback(snapshot or "", patience(wait, interrupt=interrupt)))
