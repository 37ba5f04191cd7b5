"""Run what was typed: one place where errors become messages and exit codes. typer is loaded for what needs it."""

import sys

from upgrader import context
from upgrader.cli.output import Output
from upgrader.cli.plan_words import answer, plain_words
from upgrader.cli.session import Session
from upgrader.cli.streams import make_lasting
from upgrader.errors import UpgraderError

_COMMON = ("--json", "--yes", "-y")


def main() -> None:
    """Run, print, exit with the code of the outcome or of the error."""
    make_lasting()
    words = _common_first(sys.argv[1:])
    output = Output.for_json() if "--json" in words else Output.for_people()
    command = next((word for word in words if not word.startswith("-")), "upgrader")
    context.INTERRUPTS.install()
    try:
        sys.exit(_answered(words, output))
    except UpgraderError as error:
        sys.exit(output.error(command, error))
    except KeyboardInterrupt as error:
        sys.exit(output.interrupted(command, error))
    except OSError as error:
        sys.exit(output.error(command, _refused(error)))


def _answered(words: list[str], output: Output) -> int:
    plain = plain_words(words)
    if plain is not None:
        return answer(Session(context.Options(), context.Answers.ASK, output), plain)
    from upgrader.cli.app import typed  # typer and the commands

    return typed(words)


def _common_first(words: list[str]) -> list[str]:
    """`--json`, `--yes` and `-y` belong before the command; people write them after it too."""
    common = [word for word in words if word in _COMMON]
    return [*common, *(word for word in words if word not in _COMMON)]


def _refused(error: OSError) -> UpgraderError:
    """What no room of ours had words for. What a move had changed was undone where it failed."""
    what = error.strerror or type(error).__name__
    return UpgraderError(f"the system refused: {what}", why=str(error.filename or ""), code="system_error", unchanged="")
