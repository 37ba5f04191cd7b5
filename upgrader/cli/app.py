"""The command line: options, dispatch, one place where errors become messages and exit codes."""

import sys
from importlib import import_module
from typing import Annotated

import typer
from typer.exceptions import TyperException

from upgrader import __version__, context
from upgrader.cli.output import Output
from upgrader.cli.plain_text import command_of
from upgrader.cli.session import Session
from upgrader.cli.streams import make_lasting
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

_COMMON = ("--json", "--yes", "-y")

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
    "prune",
    "demo",
)
_ALSO = {"hold": "pin", "unpin": "pin"}

app = typer.Typer(
    name="upgrader",
    help="Upgrade OpenClaw as a transaction: plan, canary, cut over, check pairing, roll back with nothing lost.",
    epilog=_EXAMPLES,
    no_args_is_help=True,
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
    version: Annotated[bool | None, typer.Option("--version", callback=_version, is_eager=True)] = None,  # noqa: ARG001
) -> None:
    """Options that select the installation and the form of the answer."""
    chosen = context.Options(config=config, profile=profile, state_dir=state_dir, prefix=prefix)
    output = _output(json=json)
    answers = context.Answers.YES if yes else context.Answers.ASK
    ctx.obj = Session(chosen, answers, output)


def _output(*, json: bool) -> Output:
    return Output.for_json() if json else Output.for_people()


def load(words: list[str]) -> None:
    """Add the commands that the words may mean: a plan need not load what a demo needs. None named: all, for the help."""
    named = [_ALSO.get(word, word) for word in words]
    for name in [each for each in _MODULES if each in named] or _MODULES:
        import_module(f"upgrader.cli.{name}").register(app)


def main() -> None:
    """Entry point: run, print, exit with the code of the outcome or of the error."""
    make_lasting()
    words = _common_first(sys.argv[1:])
    load(words)
    output = _output(json="--json" in words)
    command = next((word for word in words if not word.startswith("-")), "upgrader")
    context.INTERRUPTS.install()
    try:
        sys.exit(command_of(app)(words, standalone_mode=False) or 0)
    except UpgraderError as error:
        sys.exit(output.error(command, error))
    except typer.Abort:
        sys.exit(130)
    except TyperException as error:
        sys.exit(output.error(command, _usage(error)))
    except KeyboardInterrupt as error:
        sys.exit(output.interrupted(command, error))
    except OSError as error:
        sys.exit(output.error(command, _refused(error)))


def _common_first(words: list[str]) -> list[str]:
    """`--json`, `--yes` and `-y` belong before the command; people write them after it too."""
    common = [word for word in words if word in _COMMON]
    return [*common, *(word for word in words if word not in _COMMON)]


def _refused(error: OSError) -> UpgraderError:
    """What no room of ours had words for. What a move had changed was undone where it failed."""
    what = error.strerror or type(error).__name__
    return UpgraderError(f"the system refused: {what}", why=str(error.filename or ""), code="system_error", unchanged="")


def _usage(error: TyperException) -> UsageError:
    return UsageError(error.format_message(), hint="`upgrader --help` shows the commands")
