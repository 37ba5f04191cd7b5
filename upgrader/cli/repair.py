"""`upgrader repair`."""

from typing import Annotated

import typer

from upgrader import context
from upgrader.cli.session import of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("repair", epilog="Example: upgrader repair --dry-run")(repair)


def repair(
    ctx: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show the steps; change nothing")] = False,
    rotate: Annotated[
        bool, typer.Option("--rotate-gateway-token", help="a new shared token in every place that names the old one")
    ] = False,
) -> int:
    """Mend this machine's pairing by the least step that works. Snapshot first; undone when nothing helps."""
    session = of(ctx)
    if rotate:
        turn = context.plan_rotation if dry_run else context.rotate_token
        return session.output.finish(turn(session.wiring))
    mend = context.plan_repair if dry_run else context.repair
    return session.output.finish(mend(session.wiring))
