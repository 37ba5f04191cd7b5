"""`upgrader demo`."""

from pathlib import Path
from typing import Annotated

import typer

from upgrader import context
from upgrader.cli.session import of
from upgrader.domain.demo import Fault


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo", epilog="Example: upgrader demo --fault narrowed")(demo)


def demo(
    ctx: typer.Context,
    directory: Annotated[
        Path, typer.Argument(help="an empty or new directory; everything stays inside it", metavar="DIR")
    ] = Path("upgrader-demo"),
    fault: Annotated[Fault, typer.Option(help="how pairing is broken after the second cutover")] = Fault.DELETED,
    keep: Annotated[bool, typer.Option("--keep", help="leave the directory behind")] = False,
) -> int:
    """Show an upgrade and a rollback on a disposable OpenClaw."""
    session = of(ctx)
    residue = context.Residue.KEEP if keep else context.Residue.REMOVE
    stage = context.Stage(session.wiring.machine, session.output.progress, session.output.heading, session.output.tell)
    return session.output.finish(stage.run(directory, fault, residue))
