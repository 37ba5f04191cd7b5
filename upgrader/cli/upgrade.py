"""`upgrader upgrade`."""

import typer

from upgrader.cli.arguments import Accept, Target, accepted, version
from upgrader.cli.session import of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("upgrade", epilog="Example: upgrader upgrade 2026.9.6 --yes")(upgrade)


def upgrade(ctx: typer.Context, target: Target = None, accept: Accept = None) -> int:
    """Move to TARGET, or end where it began."""
    session = of(ctx)
    return session.output.finish(session.wiring.upgrade(version(target), accepted(accept)))
