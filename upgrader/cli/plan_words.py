"""`upgrader plan` in plain words, answered without typer, whose loading takes a fifth of a plan.

Only `plan`, flags of this list and at most one release; every other word, and so every mistake, is typer's to read.
"""

from dataclasses import dataclass
from pathlib import Path

from upgrader import context
from upgrader.cli.session import Session

_FLAGS = {"--all": "every", "--offline": "offline", "--detailed-exitcode": "detailed_exitcode"}
_COMMON = frozenset({"--json", "--yes", "-y"})


@dataclass(frozen=True)
class PlanWords:
    """What was typed. `target` and `out` are empty where they were left out."""

    target: str = ""
    accept: tuple[str, ...] = ()
    reason: str = ""
    out: str = ""
    offline: bool = False
    every: bool = False
    detailed_exitcode: bool = False


def plain_words(words: list[str]) -> PlanWords | None:
    """What these words ask of a plan; None where typer has to read them."""
    rest = [word for word in words if word not in _COMMON]
    if not rest or rest[0] != "plan":
        return None
    flags, others = [word for word in rest[1:] if word in _FLAGS], [word for word in rest[1:] if word not in _FLAGS]
    if len(others) > 1 or any(not word or word.startswith("-") for word in others):
        return None
    return PlanWords(others[0] if others else "", **{_FLAGS[word]: True for word in flags})  # type: ignore[arg-type]


def answer(session: Session, words: PlanWords) -> int:
    """Plan, show it, and return the exit code. Raises what planning raises."""
    from upgrader.context.asking import begun
    from upgrader.domain.version import Version

    reach = context.Reach.OFFLINE if words.offline else context.Reach.ONLINE
    target = Version.parse(words.target) if words.target else None
    machine = context.Machine.here()
    asked = begun(machine, "" if words.every else str(target or "latest"), reach)

    from upgrader.context import planning  # what remains to be loaded is loaded while the registry answers
    from upgrader.domain.plan.decision import ExitStyle

    style = ExitStyle.DETAILED if words.detailed_exitcode else ExitStyle.PLAIN
    wish = planning.Wish(target, frozenset(words.accept), words.reason, reach, asked)
    if words.every:
        return session.output.finish(planning.plan_all(machine, session.options, wish))
    out = Path(words.out) if words.out else None
    return session.output.finish(planning.plan(machine, session.options, wish, style, out))
