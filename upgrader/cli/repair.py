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
) -> int:
    """Mend this machine's pairing by the least step that works: snapshot first, undone when nothing helps."""
    session = of(ctx)
    act = context.plan_repair if dry_run else context.repair
    return session.output.finish(act(session.wiring))
