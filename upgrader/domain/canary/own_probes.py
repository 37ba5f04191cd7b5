"""What a person asks of a canary by programs of their own."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from upgrader.domain.check import Need


@dataclass(frozen=True)
class OwnProbe:
    """A program to run against the canary. It says by its exit code: 0 pass, 1 fail, anything else inconclusive."""

    name: str
    argv: tuple[str, ...]
    need: Need = Need.WANTED
    limit: timedelta = timedelta(minutes=2)

    @property
    def program(self) -> Path:
        """The file that is run."""
        return Path(self.argv[0])

    @property
    def files(self) -> tuple[Path, ...]:
        """The program and whatever of its words may be a file it needs: a script for an interpreter."""
        return tuple(Path(word) for word in self.argv if word.startswith("/"))


@dataclass(frozen=True)
class OwnProbeRan:
    """How one went. `exit_code` is None when it did not end in time or could not be run; `said` its last lines, redacted.

    `proven`: the word it was given lies in the clone's state, so it spoke with the canary and with nobody else.
    """

    probe: OwnProbe
    exit_code: int | None
    said: str
    proven: bool = False


@dataclass(frozen=True)
class BudgetWish:
    """What a person set for a step instead of what is grown from the size of the state; None: nothing."""

    doctor: timedelta | None = None
    ready: timedelta | None = None
    turn: timedelta | None = None
    child: timedelta | None = None
    terminal: timedelta | None = None
    stop: timedelta | None = None


@dataclass(frozen=True)
class CanarySettings:
    """What a person decided about all canaries of this machine."""

    budgets: BudgetWish = BudgetWish()
    probes: tuple[OwnProbe, ...] = ()
