"""`upgrader pin`, `hold` and `unpin`."""

from typing import TYPE_CHECKING, Annotated

import typer

from upgrader import context
from upgrader.cli.arguments import Reason, version
from upgrader.cli.session import of

if TYPE_CHECKING:
    from datetime import date

Until = Annotated[str, typer.Option("--until", help="the last day it holds", metavar="YYYY-MM-DD")]
UntilFixed = Annotated[str, typer.Option("--until-fixed", help="until a release mends this area", metavar="AREA")]
SwitchOff = Annotated[bool, typer.Option("--switch-off-updater", help="set update.auto.enabled to false in openclaw.json")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("pin", epilog="Example: upgrader pin --reason 'the trade fair' --until 2026-12-01")(pin)
    app.command("hold", epilog="Example: upgrader hold --until-fixed scopes --reason 'agents cannot spawn'")(hold)
    app.command("unpin", epilog="Example: upgrader unpin")(unpin)


def pin(
    ctx: typer.Context,
    release: Annotated[
        str | None, typer.Argument(help="release to stay on; the present one when left out", metavar="VERSION")
    ] = None,
    reason: Reason = "",
    until: Until = "",
    until_fixed: UntilFixed = "",
    switch_off_updater: SwitchOff = False,
) -> int:
    """Stay on one release. No plan recommends and no upgrade takes another until the pin ends or is overridden."""
    return _pin(ctx, release, reason, until, until_fixed, switch_off_updater=switch_off_updater)


def hold(
    ctx: typer.Context,
    reason: Reason = "",
    until: Until = "",
    until_fixed: UntilFixed = "",
    switch_off_updater: SwitchOff = False,
) -> int:
    """Stay on the present release for a while. Until a day, or until a release mends an area."""
    from upgrader.errors import UsageError

    if not until and not until_fixed:
        hint = "`upgrader hold --until YYYY-MM-DD --reason TEXT`"
        raise UsageError("a hold ends some day", why="neither a day nor an area is named", hint=hint)
    return _pin(ctx, None, reason, until, until_fixed, switch_off_updater=switch_off_updater)


def unpin(
    ctx: typer.Context,
    reason: Reason = "",
    restore_updater: Annotated[
        bool, typer.Option("--restore-updater", help="put openclaw.json back as it was before --switch-off-updater")
    ] = False,
) -> int:
    """Take the pin away."""
    from upgrader.context import recording
    from upgrader.domain.decisions.pinning import UpdaterWish

    session = of(ctx)
    wish = UpdaterWish.RESTORE if restore_updater else UpdaterWish.LEAVE
    return session.output.finish(recording.unpin(context.Machine.here(), session.options, reason, wish))


def _pin(
    ctx: typer.Context, release: str | None, reason: str, until: str, until_fixed: str, *, switch_off_updater: bool
) -> int:
    from upgrader.context import recording
    from upgrader.domain.decisions.pinning import PinWish, UpdaterWish

    session = of(ctx)
    updater = UpdaterWish.SWITCH_OFF if switch_off_updater else UpdaterWish.LEAVE
    wish = PinWish(version(release), reason, _day(until), until_fixed, updater)
    return session.output.finish(recording.pin(context.Machine.here(), session.options, wish))


def _day(text: str) -> "date | None":
    from datetime import date

    from upgrader.errors import UsageError

    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{text[:40]!r} is no day", hint="a day is written YYYY-MM-DD: `--until 2026-12-31`", code="bad_day"
        ) from error
