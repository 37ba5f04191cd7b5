"""Run what was typed: one place where errors become messages and exit codes. typer is loaded for what needs it."""

import errno
import sys

from upgrader import context
from upgrader.cli.output import Output
from upgrader.cli.plan_words import answer, plain_words
from upgrader.cli.session import Session
from upgrader.cli.streams import make_lasting
from upgrader.errors import UpgraderError

_FLAGS = frozenset({"--json", "--yes", "-y"})
_VALUES = frozenset({"--config", "--profile", "--state-dir", "--prefix"})
_ROOM = "free some space (`upgrader prune` gives back what no way back needs), then the same command again"
_WRITES = "let it be written by this user (`findmnt --target PATH` shows the mount), then the same command again"
_HINTS = {errno.ENOSPC: _ROOM, errno.EDQUOT: _ROOM, errno.EROFS: _WRITES, errno.EACCES: _WRITES, errno.EPERM: _WRITES}
_NAMED = tuple(f"{option}=" for option in _VALUES)


def main() -> None:
    """Run, print, exit with the code of the outcome or of the error."""
    make_lasting()
    common, own = _common_apart(sys.argv[1:])
    output = Output.for_json() if "--json" in common else Output.for_people()
    named = [word for word in own[:2] if not word.startswith("-")]
    command = " ".join(named if named[:1] == ["known"] else named[:1]) or "upgrader"
    if own in ([], ["known"]):
        own = [*own, "--help"]
    elif own[0] == "help":
        own = [*own[1:], "--help"]
    context.INTERRUPTS.install()
    try:
        sys.exit(_answered([*common, *own], output))
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


def _common_apart(words: list[str]) -> tuple[list[str], list[str]]:
    """The options that every command has, and the rest: they belong before the command, and people write them after it too."""
    common: list[str] = []
    own: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            own += [word, *rest]
        elif word in _FLAGS or word.startswith(_NAMED):
            common.append(word)
        elif word in _VALUES:
            value = next(rest, None)
            if value is None:
                return common, [word]  # for typer to complain of
            common += [word, value]
        else:
            own.append(word)
    return common, own


def _refused(error: OSError) -> UpgraderError:
    """What no room of ours had words for. What a move had changed was undone where it failed."""
    what = error.strerror or type(error).__name__
    hint = _HINTS.get(error.errno or 0, "")
    why = str(error.filename or "")
    return UpgraderError(f"the system refused: {what}", why=why, hint=hint, code="system_error", unchanged="")
