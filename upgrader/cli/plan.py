"""`upgrader plan`."""

from typing import Annotated

import typer

from upgrader.cli.arguments import Accept, Offline, Reason, Target
from upgrader.cli.plan_words import PlanWords, answer
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
    words = PlanWords(target or "", tuple(accept or ()), reason, out, offline, every, detailed_exitcode)
    return answer(of(ctx), words)
