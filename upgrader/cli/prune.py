"""`upgrader prune`."""

from typing import Annotated

import typer

from upgrader.cli.session import of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("prune", epilog="Example: upgrader prune --dry-run")(prune)


def prune(
    ctx: typer.Context,
    keep: Annotated[int, typer.Option("--keep", help="states of earlier moves to keep", min=1, metavar="N")] = 3,
    days: Annotated[
        int, typer.Option("--set-aside-days", help="how long a state that a move took out is kept", min=0, metavar="N")
    ] = 30,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show what would go; remove nothing")] = False,
) -> int:
    """Remove kept installs and states that no way back needs."""
    from datetime import timedelta

    from upgrader.context import pruning
    from upgrader.domain.kept.pruning import Allowance, Manner

    session = of(ctx)
    manner = Manner.SHOW if dry_run else Manner.REMOVE
    allowance = Allowance(keep, timedelta(days=days))
    return session.output.finish(pruning.prune(session.wiring, allowance, manner, session.output.ahead))
