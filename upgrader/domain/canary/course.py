"""One course of a release on a clone, as facts: what was done and seen, in order. Judged by `checks.canary`."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

from upgrader.domain.canary.clone import Clone
from upgrader.domain.canary.contents import Migration, SkillsListed
from upgrader.domain.canary.enclosure import Outside, Screen
from upgrader.domain.canary.own_probes import BudgetWish, OwnProbeRan
from upgrader.domain.canary.report import StepTook
from upgrader.domain.canary.turns import TurnKind, TurnSeen
from upgrader.domain.check import Judgement
from upgrader.domain.pairing.observation import LogFinding

NOT_IN_TIME = "did not end in time"
_BYTES_PER_SECOND = 4_000_000  # how fast a migration is taken to be at worst; 9.6's doctor on 6 MB took 12 to 21 s


@dataclass(frozen=True)
class Budgets:
    """How long each step may take. A step that takes longer has failed.

    Generous: a gateway that dies is seen at once, and a busy machine is no fault of a release (2026.2.17's first start took
    37 s on an idle machine of two cores and 237 s on the same one under a load of 23).
    """

    doctor: timedelta
    ready: timedelta
    turn: timedelta
    child: timedelta
    terminal: timedelta
    stop: timedelta

    @classmethod
    def for_state(cls, size_bytes: int) -> "Budgets":
        """Grown from the size of the state: a large one migrates slowly, and that is no fault."""
        work = timedelta(seconds=size_bytes / _BYTES_PER_SECOND)
        return cls(
            doctor=timedelta(minutes=10) + work,
            ready=timedelta(minutes=10) + work,
            turn=timedelta(minutes=5),
            child=timedelta(minutes=2),
            terminal=timedelta(minutes=3),
            stop=timedelta(seconds=30),
        )

    def wished(self, wish: BudgetWish) -> "Budgets":
        """The same with what a person set."""
        return Budgets(
            doctor=wish.doctor or self.doctor,
            ready=wish.ready or self.ready,
            turn=wish.turn or self.turn,
            child=wish.child or self.child,
            terminal=wish.terminal or self.terminal,
            stop=wish.stop or self.stop,
        )


class Readiness(Enum):
    """How a release tells that it is ready."""

    SOCKET = "socket"  # a WebSocket server's first message
    READYZ = "readyz"
    STARTUPZ = "startupz"  # first that, then readyz


@dataclass(frozen=True)
class DoctorRan:
    """How the doctor ended. `exit_code` is None when it took longer than its budget; `said` its last lines, redacted."""

    exit_code: int | None
    seconds: float
    said: str
    accepted: bool


@dataclass(frozen=True)
class Started:
    """How one start went. `exit_code` is set when the gateway ended before it was ready; `said` its last lines, redacted.

    `listening`: seconds until it listened, by its own log.
    """

    ready: bool
    seconds: float
    exit_code: int | None = None
    said: str = ""
    listening: float | None = None


@dataclass(frozen=True)
class Skipped:
    """A turn that was not tried, and why. `taken_by` names the release whose defaults take from agents what they have now."""

    kind: TurnKind
    reason: str
    taken_by: str = ""


@dataclass(frozen=True)
class Word:
    """A fresh word that was said in a session of the clone's gateway."""

    session: str
    text: str


@dataclass(frozen=True)
class PairingSeen:
    """What became of pairing; `proven` and `unproven` are the accepted connects that did and did not find the word."""

    judgements: tuple[Judgement, ...] = ()
    proven: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()


@dataclass(frozen=True)
class TerminalSeen:
    """What the terminal client showed, and the word it said to an agent.

    `held_up`: by words that are over a moment later, or by a stand-in model that had died.
    """

    screen: Screen
    word: str
    held_up: bool = False

    @property
    def ended_unasked(self) -> bool:
        """It ended by itself, neither answered nor refused, and nothing had held it up."""
        return self.screen.matched is None and self.screen.ended and not self.held_up


@dataclass(frozen=True)
class Answered:
    """Probes that did and did not prove that they spoke with this clone's gateway: by a fresh word that lies in its state."""

    proven: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()


class Until(Enum):
    """How far a course goes."""

    END = "end"
    FAILURE = "failure"  # no restart once something required has failed
    FIRST_ROUND = "first-round"  # no restart: beside a course that ended at a failure


@dataclass(frozen=True)
class Course:
    """All that was seen of one release on one clone, as far as it came. `ended`: a gateway that was ready and went away,
    `ended_again` the same of the second start.

    `cut`: there was no restart, because something had failed before it.
    """

    version: str
    clone: Clone
    seconds: float
    doctor: DoctorRan | None = None
    first: Started | None = None
    turns: tuple[TurnSeen, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    screen: TerminalSeen | None = None
    ended: Started | None = None
    second: Started | None = None
    ended_again: Started | None = None
    turns_again: tuple[TurnSeen, ...] = ()
    pairing_again: PairingSeen | None = None
    screen_again: TerminalSeen | None = None
    skills: SkillsListed = field(default_factory=SkillsListed)
    outside: Outside | None = None
    log: tuple[LogFinding, ...] = ()
    schema_after: int | None = None
    pairing: PairingSeen | None = None
    migration: Migration | None = None
    answered: Answered | None = None
    own: tuple[OwnProbeRan, ...] = ()
    memory_bytes: int | None = None
    steps: tuple[StepTook, ...] = ()
    cut: bool = False
