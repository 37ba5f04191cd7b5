"""`upgrader known`: the table of releases."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from upgrader import context
from upgrader.cli.arguments import Offline, version
from upgrader.cli.session import of

_WORDS = ("good", "caution", "bad", "unknown")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    known = typer.Typer(no_args_is_help=True, help="The table of known-good and known-bad releases.", rich_markup_mode=None)
    known.command("list", epilog="Example: upgrader known list --area scopes")(show_list)
    known.command("show", epilog="Example: upgrader known show 2026.2.19")(show)
    known.command("check", epilog="Example: upgrader known check known_versions.toml")(check)
    known.command("add", epilog="Example: upgrader known add 2026.9.7 --verdict bad --sentence '…' --source owner/repo#1")(add)
    known.command("update", epilog="Example: upgrader known update")(update)
    known.command("schema", epilog="Example: upgrader known schema > known-versions.schema.json")(schema)
    app.add_typer(known, name="known")


def show_list(
    ctx: typer.Context,
    area: Annotated[str, typer.Option(help="only what concerns this area", metavar="AREA")] = "",
    verdict: Annotated[str, typer.Option(help="good, caution, bad or unknown", metavar="VERDICT")] = "",
) -> int:
    """Show releases by areas as a map."""
    from upgrader.context import tables
    from upgrader.domain.table.evidence import Verdict

    session = of(ctx)
    chosen = Verdict(_one_of(verdict)) if verdict else None
    return session.output.finish(tables.show_list(context.Machine.here(), area, chosen))


def show(
    ctx: typer.Context,
    release: Annotated[str, typer.Argument(help="the release", metavar="VERSION")],
    offline: Offline = False,
) -> int:
    """Show all that is known of one release, with its sources."""
    from upgrader.context import tables

    found = version(release)
    assert found is not None
    session = of(ctx)
    reach = context.Reach.OFFLINE if offline else context.Reach.ONLINE
    return session.output.finish(tables.show_one(context.Machine.here(), found, reach))


def check(
    ctx: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="a table; what counts here when left out", metavar="FILE")] = None,
) -> int:
    """Check a table strictly. Faults come with line and key; expired opinions and dead edges are told."""
    from upgrader.context import tables

    session = of(ctx)
    return session.output.finish(tables.check(context.Machine.here(), file))


def add(
    ctx: typer.Context,
    release: Annotated[str, typer.Argument(help="the release", metavar="VERSION")],
    verdict: Annotated[
        str, typer.Option(help="good, caution, bad or unknown; asked for when left out", metavar="VERDICT")
    ] = "",
    sentence: Annotated[str, typer.Option(help="why, in plain words; asked for when left out", metavar="TEXT")] = "",
    area: Annotated[list[str] | None, typer.Option(help="what it concerns; may be repeated", metavar="AREA")] = None,
    source: Annotated[
        list[str] | None, typer.Option(help="issue (owner/name#1) or other record; may be repeated", metavar="SOURCE")
    ] = None,
    truth: Annotated[str, typer.Option(help="claimed, released, confirmed or measured", metavar="TRUTH")] = "confirmed",
    confidence: Annotated[str, typer.Option(help="low, medium or high", metavar="LEVEL")] = "low",
) -> int:
    """Write an entry of your own. It counts in the place of the one that came with the tool."""
    from upgrader.context import tables

    session = of(ctx)
    found = version(release)
    values: dict[str, Any] = {
        "version": str(found),
        "verdict": _one_of(verdict) if verdict else _asked("verdict (good, caution, bad, unknown)", _typed_verdict),
        "sentence": sentence or _asked("why, in one sentence"),
        "areas": area or (_asked("areas, separated by blanks (`known list` names them)").split() if sys.stdin.isatty() else []),
        "sources": source or ([] if truth == "measured" else _asked("sources, separated by blanks").split()),
        "truth": truth,
        "confidence": confidence,
    }
    return session.output.finish(tables.add(context.Machine.here(), values))


def update(
    ctx: typer.Context,
    source: Annotated[
        str, typer.Argument(help="a file or https address; the newest published wheel when left out", metavar="SOURCE")
    ] = "",
    sha256: Annotated[str, typer.Option("--sha256", help="take the table with this digest", metavar="DIGEST")] = "",
) -> int:
    """Take a newer table. It is known to be genuine, checked, and its changes are shown before they count."""
    from upgrader.context import tables

    session = of(ctx)
    machine = context.Machine.here()
    return session.output.finish(tables.update(machine, source, sha256, session.answers, session.output.progress))


def schema() -> None:
    """Print the JSON Schema of the table, by which editors complete it."""
    from upgrader.context import tables

    typer.echo(tables.schema(), nl=False)


def _one_of(verdict: str) -> str:
    from upgrader.errors import UsageError

    if verdict not in _WORDS:
        raise UsageError(f"{verdict[:40]!r} is no verdict", hint=f"one of {', '.join(_WORDS)}", code="bad_verdict")
    return verdict


def _typed_verdict(text: str) -> str:
    """A verdict typed at the prompt; another word is asked for again."""
    if text not in _WORDS:
        raise typer.BadParameter(f"{text[:40]!r} is no verdict")
    return text


def _asked(question: str, read: Callable[[str], str] = str) -> str:
    """What a person at the terminal answers. Raises UsageError where nobody is there."""
    from upgrader.errors import UsageError

    if not sys.stdin.isatty():
        raise UsageError(
            f"left out: {question}", why="there is nobody to ask", hint="`upgrader known add --help` shows its options"
        )
    answer: str = typer.prompt(question, err=True, value_proc=read)
    return answer
