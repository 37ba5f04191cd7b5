"""`upgrader restore`."""

import typer

from upgrader.cli.session import of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("restore", epilog="Example: upgrader restore --yes")(restore)


def restore(ctx: typer.Context) -> int:
    """Put the package back as upgrader left it. For after `npm i -g` or OpenClaw's own updater; the state stays as it is."""
    from upgrader.context import restoring

    session = of(ctx)
    return session.output.finish(restoring.restore(session.wiring))
