"""`upgrader demo`."""

from enum import Enum
from typing import Annotated

import typer

from upgrader import context
from upgrader.cli.session import of


class Fault(Enum):
    """How pairing is broken in the second story."""

    DELETED = "deleted"
    NARROWED = "narrowed"
    TOKEN = "token"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo", epilog="Example: upgrader demo --fault narrowed")(demo)


def demo(
    ctx: typer.Context,
    directory: Annotated[str, typer.Argument(help="an empty or new directory; everything stays inside it")] = "upgrader-demo",
    fault: Annotated[Fault, typer.Option(help="how pairing is broken after the second cutover")] = Fault.DELETED,
    keep: Annotated[bool, typer.Option("--keep", help="leave the directory behind")] = False,
) -> int:
    """Show an upgrade and an automatic rollback on a disposable OpenClaw of its own."""
    session = of(ctx)
    residue = context.Residue.KEEP if keep else context.Residue.REMOVE
    return session.output.finish(session.wiring.demo(directory, fault.value, residue))
