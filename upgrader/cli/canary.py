"""`upgrader canary`."""

from typing import Annotated

import typer

from upgrader.cli.arguments import Accept, accepted
from upgrader.cli.session import of
from upgrader.domain.canary import Extra
from upgrader.domain.version import Version

Targets = Annotated[
    list[str] | None,
    typer.Argument(help="releases to try; the recommended one when left out", metavar="[TARGET]..."),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("canary", epilog="Example: upgrader canary 2026.9.6")(canary)


def canary(
    ctx: typer.Context,
    targets: Targets = None,
    accept: Accept = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="in an empty profile as well: is the release itself broken?")] = False,
    rollback: Annotated[bool, typer.Option("--rollback", help="the way back too, on what a rollback would restore")] = False,
) -> int:
    """Try TARGET on a clone of your own state; the live gateway is not touched. Several are tried on one snapshot."""
    session = of(ctx)
    chosen = ((Extra.FRESH, fresh), (Extra.ROLLBACK, rollback))
    extras = frozenset(extra for extra, wanted in chosen if wanted)
    wanted = tuple(Version.parse(each) for each in targets or ())
    return session.output.finish(session.wiring.canary(wanted, accepted(accept), extras))
