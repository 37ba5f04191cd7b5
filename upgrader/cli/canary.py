"""`upgrader canary`."""

from dataclasses import replace
from enum import Enum
from typing import Annotated, Any

import typer

from upgrader import context
from upgrader.cli.arguments import Accept, accepted
from upgrader.cli.session import Session, of
from upgrader.domain.canary.report import Extra
from upgrader.domain.outcome import Outcome
from upgrader.domain.told import CanaryData, Ground
from upgrader.domain.version import Version
from upgrader.errors import UsageError

Targets = Annotated[
    list[str] | None,
    typer.Argument(help="releases to try; the recommended one when left out", metavar="TARGET"),
]


class _Do(Enum):
    """What is to be done with a canary that is left running."""

    KEEP = "keep"
    ENTER = "enter"
    END = "end"


def register(app: typer.Typer) -> None:
    """Add the command, and the one by which a canary that is left running is kept."""
    app.command("canary", epilog="Example: upgrader canary 2026.9.6")(canary)
    app.command("canary-hold", hidden=True)(hold)


def canary(
    ctx: typer.Context,
    targets: Targets = None,
    accept: Accept = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="in an empty profile as well: is the release itself broken?")] = False,
    rollback: Annotated[bool, typer.Option("--rollback", help="the way back too, on what a rollback would restore")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="leave one running afterwards, to be tried by hand")] = False,
    enter: Annotated[bool, typer.Option("--enter", help="a shell in the canary that was left running")] = False,
    end: Annotated[bool, typer.Option("--end", help="end the canary that was left running")] = False,
) -> int:
    """Try TARGET on a clone of your state. The live gateway is not touched. Several are tried on one snapshot."""
    session = of(ctx)
    do = [each for each, wanted in ((_Do.KEEP, keep), (_Do.ENTER, enter), (_Do.END, end)) if wanted]
    wanted = tuple(Version.parse(each) for each in targets or ())
    _refuse_odd_words(do, wanted)
    if _Do.ENTER in do:
        _holding(session).enter()
        return 0
    if _Do.END in do:
        return session.output.finish(_holding(session).end())
    extras = frozenset(extra for extra, chosen in ((Extra.FRESH, fresh), (Extra.ROLLBACK, rollback)) if chosen)
    outcome = session.wiring.canary(wanted, accepted(accept), extras)
    return session.output.finish(_kept(session, outcome) if do else outcome)


def hold(ctx: typer.Context, slot: str, present: str, snapshot: str) -> int:
    """Keep one canary running; started by `canary --keep`."""
    _holding(of(ctx)).hold(Ground(slot, present, snapshot))
    return 0


def _refuse_odd_words(do: list[_Do], targets: tuple[Version, ...]) -> None:
    """Raises UsageError for options that do not go together."""
    if len(do) > 1:
        raise UsageError(f"--{do[0].value} and --{do[1].value} do not go together", hint="`upgrader canary --help`")
    if do and do[0] is not _Do.KEEP and targets:
        raise UsageError(f"--{do[0].value} takes no release", hint=f"`upgrader canary --{do[0].value}`")
    if do and len(targets) > 1:
        raise UsageError("only one canary is left running", hint="name one release with --keep")


def _kept(session: Session, outcome: Outcome[Any]) -> Outcome[Any]:
    """The outcome with a canary that goes on running; one that never served is not left behind."""
    data = outcome.data
    if not isinstance(data, CanaryData) or data.ground is None or data.report.candidate.ready_seconds is None:
        return outcome
    return replace(outcome, data=replace(data, held=_holding(session).keep(data.ground)))


def _holding(session: Session) -> "context.Holding":
    return context.Holding(context.Machine.here(), session.options, session.output.progress)
