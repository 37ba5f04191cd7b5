"""`upgrader watch`."""

from typing import Annotated

import typer

from upgrader.cli.arguments import span
from upgrader.cli.session import of
from upgrader.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("watch", epilog="Example, from a timer: upgrader watch --once --restore")(watch)


def watch(
    ctx: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="one look, for cron and timers: exit 3 where something changed")] = False,
    limit: Annotated[str, typer.Option("--for", help="end after this time: 90s, 5m, 8h", metavar="TIME")] = "",
    every: Annotated[str, typer.Option("--every", help="how often to glance at the package", metavar="TIME")] = "30s",
    restore: Annotated[bool, typer.Option("--restore", help="put the package back when somebody replaced it")] = False,
    adopt: Annotated[bool, typer.Option("--adopt", help="take what somebody put there as wanted")] = False,
) -> int:
    """Notice what changes behind our back, and fixes that are out. Ctrl-C ends it."""
    from upgrader.context import guarding
    from upgrader.domain.watching import Pace

    if restore and adopt:
        raise UsageError("`--restore` and `--adopt` do not go together", hint="say which of the two")
    glance = span(every)
    if not glance:
        raise UsageError("watching without a pause is refused", hint="`--every 1s` is the shortest", code="bad_time")
    session = of(ctx)
    mending = guarding.Mending.RESTORE if restore else guarding.Mending.ADOPT if adopt else guarding.Mending.TELL
    if once:
        return session.output.finish(guarding.watch_once(session.wiring, mending))
    time = span(limit) if limit else None
    try:
        ended = guarding.watch(session.wiring, mending, session.output.happening, Pace(glance=glance), time)
    except KeyboardInterrupt:  # how it ends where no time was named
        return 0
    return ended.exit_code
