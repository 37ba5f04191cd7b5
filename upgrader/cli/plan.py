"""`upgrader plan`."""

from pathlib import Path
from typing import Annotated

import typer

from upgrader import context
from upgrader.cli.arguments import Accept, Offline, Reason, Target, accepted, version
from upgrader.cli.session import of


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("plan", epilog="Example: upgrader plan 2026.9.6 --json")(plan)


def plan(
    ctx: typer.Context,
    target: Target = None,
    accept: Accept = None,
    reason: Reason = "",
    offline: Offline = False,
    every: Annotated[bool, typer.Option("--all", help="the table of all candidates")] = False,
    out: Annotated[str, typer.Option("--out", help="keep the plan for `upgrader upgrade FILE`", metavar="FILE")] = "",
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="exit 10 when an upgrade is available")
    ] = False,
) -> int:
    """Say whether to upgrade, to what, by which steps, and why. Changes nothing."""
    from upgrader.context import planning
    from upgrader.domain.plan import ExitStyle

    session = of(ctx)
    reach = context.Reach.OFFLINE if offline else context.Reach.ONLINE
    style = ExitStyle.DETAILED if detailed_exitcode else ExitStyle.PLAIN
    machine = context.Machine.here()
    wish = planning.Wish(version(target), accepted(accept), reason, reach)
    if every:
        return session.output.finish(planning.plan_all(machine, session.options, wish))
    return session.output.finish(planning.plan(machine, session.options, wish, style, Path(out) if out else None))
