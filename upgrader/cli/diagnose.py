"""`upgrader diagnose`."""

from pathlib import Path
from typing import Annotated

import typer

from upgrader import context
from upgrader.cli.session import Session, of
from upgrader.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("diagnose", epilog="Example: upgrader diagnose --json")(diagnose)


def diagnose(
    ctx: typer.Context,
    follow: Annotated[bool, typer.Option("--follow", help="name what happens while it happens, until Ctrl-C")] = False,
    bundle: Annotated[
        Path | None, typer.Option("--bundle", help="also write a report fit for a public issue", metavar="FILE")
    ] = None,
) -> int:
    """Find why clients are refused, and what to type next. Changes nothing: causes by likelihood, each with its evidence."""
    session = of(ctx)
    if follow and bundle is not None:
        raise UsageError("`--follow` and `--bundle` do not go together", hint="run them one after the other")
    if follow:
        return _followed(session)
    wiring = session.wiring
    outcome = context.diagnose(wiring.machine, wiring.options, wiring.progress).run()
    if bundle is not None:
        context.write_bundle(wiring, bundle, session.output.document(outcome))
        session.output.note(f"written: {bundle}")
    return session.output.finish(outcome)


def _followed(session: Session) -> int:
    """An interrupt is how it ends: no error."""
    try:
        context.follow(session.wiring, session.output.happening)
    except KeyboardInterrupt:
        return 0
    return 0
