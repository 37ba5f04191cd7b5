"""`upgrader canary`."""

import typer

from upgrader.cli.arguments import Accept, Target, accepted, version
from upgrader.cli.session import of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("canary", epilog="Example: upgrader canary 2026.9.6")(canary)


def canary(ctx: typer.Context, target: Target = None, accept: Accept = None) -> int:
    """Try TARGET on a clone of your own state; the live gateway is not touched."""
    session = of(ctx)
    return session.output.finish(session.wiring.canary(version(target), accepted(accept)))
