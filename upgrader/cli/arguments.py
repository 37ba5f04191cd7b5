"""Arguments and options that several commands share."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from upgrader.domain.version import Version

Target = Annotated[str | None, typer.Argument(help="release to go to; the recommended one when left out", metavar="[TARGET]")]
Accept = Annotated[
    list[str] | None,
    typer.Option("--accept", help="override a rule by its code; recorded with the move", metavar="RULE"),
]
Offline = Annotated[bool, typer.Option("--offline", help="use what is cached; ask no registry")]


def version(text: str | None) -> "Version | None":
    """The version an argument names, None when it was left out. Raises UsageError."""
    from upgrader.domain.version import Version  # packaging

    return None if text is None else Version.parse(text)


def accepted(codes: list[str] | None) -> frozenset[str]:
    """The rules a person overrides."""
    return frozenset(codes or ())
