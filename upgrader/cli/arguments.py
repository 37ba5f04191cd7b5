"""Arguments and options that several commands share."""

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from upgrader.domain.moves.quiet import Patience
    from upgrader.domain.version import Version

Target = Annotated[str | None, typer.Argument(help="release to go to; the recommended one when left out", metavar="TARGET")]
Accept = Annotated[
    list[str] | None,
    typer.Option("--accept", help="override a rule by its code; recorded with the move", metavar="RULE"),
]
Reason = Annotated[str, typer.Option("--reason", help="why; kept in the history", metavar="TEXT")]
Offline = Annotated[bool, typer.Option("--offline", help="use what is cached; ask no registry")]

Wait = Annotated[str, typer.Option("--wait", help="how long to wait for agents at work: 90s, 5m, 1h", metavar="TIME")]
Interrupt = Annotated[bool, typer.Option("--interrupt", help="cut off what is still at work after the wait")]
LiveTurn = Annotated[
    bool, typer.Option("--live-probe", help="also ask an agent for a real turn with your own model; costs what that costs")
]
_TIME = re.compile(r"(\d{1,6})([smh]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}


def version(text: str | None) -> "Version | None":
    """The version an argument names, None when it was left out. Raises UsageError."""
    from upgrader.domain.version import Version  # packaging

    return None if text is None else Version.parse(text)


def accepted(codes: list[str] | None) -> frozenset[str]:
    """The rules a person overrides."""
    return frozenset(codes or ())


def patience(wait: str, *, interrupt: bool) -> "Patience":
    """How long to wait for agents at work, and what then. Raises UsageError."""
    from upgrader.domain.moves.quiet import AtLimit, Patience

    return Patience(span(wait), AtLimit.INTERRUPT if interrupt else AtLimit.POSTPONE)


def span(text: str) -> timedelta:
    """A time as people write it. Raises UsageError."""
    from upgrader.errors import UsageError

    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{text!r} is no time", hint="write 90s, 5m or 1h", code="bad_time")
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])
