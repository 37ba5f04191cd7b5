"""The command line as typer reads it: options and dispatch."""

from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException
from typer.main import get_command

from upgrader import __version__, context
from upgrader.cli.output import Output
from upgrader.cli.session import Session
from upgrader.errors import UpgraderError, UsageError

_EXAMPLES = """
Examples:

  upgrader plan                    may I upgrade, to what, and why

  upgrader canary 2026.9.6         try that release on a clone of my state

  upgrader upgrade 2026.9.6        move, or end where it began

  upgrader rollback                return to the release and state of before

Exit codes: 0 done, 1 error, 2 usage, 3 blocked or a check failed, 4 rolled back, 5 rollback incomplete, 6 busy,
7 inconclusive, 130/143 interrupted.
"""

# One module of this room for each command, in the order of the help; some modules have several commands.
_MODULES = (
    "plan",
    "canary",
    "upgrade",
    "rollback",
    "status",
    "verify",
    "diagnose",
    "repair",
    "pin",
    "history",
    "known",
    "adopt",
    "restore",
    "watch",
    "prune",
    "demo",
)
_ALSO = {"hold": "pin", "unpin": "pin"}


class _Interrupt(Exception):
    """An interrupt on its way through typer, which would end in silence with 130, whatever the signal."""

    def __init__(self, signalled: KeyboardInterrupt) -> None:
        super().__init__()
        self.signalled = signalled


class _Commands(TyperGroup):
    """The commands; an interrupt leaves them as it came."""

    def invoke(self, ctx: Any) -> Any:
        """Do what was typed. Raises _Interrupt."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise _Interrupt(error) from error


app = typer.Typer(
    name="upgrader",
    cls=_Commands,
    help="Upgrade OpenClaw as a transaction: plan, canary, cut over, check pairing, roll back with nothing lost.",
    epilog=_EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(value: bool | None) -> None:  # noqa: FBT001 - the shape of a typer callback
    if value:
        typer.echo(f"upgrader {__version__}")
        raise typer.Exit


@app.callback()
def options(
    ctx: typer.Context,
    config: Annotated[str, typer.Option(help="openclaw.json to use", metavar="FILE")] = "",
    profile: Annotated[str, typer.Option(help="OpenClaw profile", metavar="NAME")] = "",
    state_dir: Annotated[str, typer.Option(help="OpenClaw state directory", metavar="DIR")] = "",
    prefix: Annotated[str, typer.Option(help="npm prefix that holds the package", metavar="DIR")] = "",
    json: Annotated[bool, typer.Option("--json", help="one JSON document on stdout")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask; for scripts")] = False,
    version: Annotated[  # noqa: ARG001
        bool | None, typer.Option("--version", callback=_version, is_eager=True, help="the version of upgrader")
    ] = None,
) -> None:
    """Options that select the installation and the form of the answer."""
    chosen = context.Options(config=config, profile=profile, state_dir=state_dir, prefix=prefix)
    output = Output.for_json() if json else Output.for_people()
    answers = context.Answers.YES if yes else context.Answers.ASK
    ctx.obj = Session(chosen, answers, output)


def load(words: list[str]) -> None:
    """Add the commands that the words may mean: a plan need not load what a demo needs. None named: all, for the help."""
    named = [_ALSO.get(word, word) for word in words]
    for name in [each for each in _MODULES if each in named] or _MODULES:
        import_module(f"upgrader.cli.{name}").register(app)


def typed(words: list[str]) -> int:
    """Do what the words say and return the exit code.

    Raises UpgraderError, UsageError for words that say nothing, KeyboardInterrupt.
    """
    load(words)
    try:
        return int(get_command(app)(words, prog_name="upgrader", standalone_mode=False) or 0)
    except _Interrupt as carried:
        raise carried.signalled from None
    except typer.Abort as error:
        raise UpgraderError("no answer was given", code="declined") from error
    except TyperException as error:
        raise _usage(words, error) from error


def _usage(words: list[str], error: TyperException) -> UsageError:
    """What typer says of words that do not fit, with where to read what would."""
    command = next((word for word in words if not word.startswith("-")), "")
    known = command in (*_MODULES, *_ALSO)
    hint = f"`upgrader {command} --help` shows its words" if known else "`upgrader --help` shows the commands"
    return UsageError(error.format_message(), hint=hint)
