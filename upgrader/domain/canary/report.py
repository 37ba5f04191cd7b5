"""What a canary is asked and what it says."""

from dataclasses import dataclass
from enum import Enum

from upgrader.domain.canary.clone import Edit, Likeness
from upgrader.domain.canary.contents import Migration
from upgrader.domain.check import Judgement, Verdict
from upgrader.domain.installation.facts import Installation
from upgrader.domain.kept.slot import Slot
from upgrader.domain.kept.snapshot import Snapshot
from upgrader.domain.moves.settle import Settled


class Seal(Enum):
    """Sealed: own network, mount, PID and IPC namespaces. Unsealed: every secret in the clone is inert instead."""

    SEALED = "sealed"
    UNSEALED = "unsealed"


class Blame(Enum):
    """Whose a failure is. `state` and `both` were there before; `both` shows in an empty profile as well; `probe` is ours."""

    NONE = "none"
    RELEASE = "release"
    STATE = "state"
    BOTH = "both"
    PROBE = "probe"
    UNKNOWN = "unknown"


class Extra(Enum):
    """What a canary does beyond its course."""

    FRESH = "fresh"  # the candidate in an empty profile as well
    ROLLBACK = "rollback"  # the way back as well: the present release on what a rollback would restore


@dataclass(frozen=True)
class CanaryRequest:
    """Run `candidate` on a clone of `snapshot`; on failure `present` is the control on a second clone of the same snapshot.

    `known` is what the live checks said beforehand: where they failed, the control tells whether the candidate heals.
    """

    installation: Installation
    snapshot: Snapshot
    candidate: Slot
    present: Slot
    known: tuple[Judgement, ...] = ()
    extras: frozenset[Extra] = frozenset()


@dataclass(frozen=True)
class StepTook:
    """One step of a course: what was done, when it began after the course did, and how long it took, in seconds."""

    name: str
    began: float
    seconds: float


@dataclass(frozen=True)
class CanaryRun:
    """One course of one release on one clone. `seconds` from clone to end.

    `likeness` is the comparison of the clone with its source before its first start, `edits` what was changed in it on
    purpose; `restart_seconds` the second start on the same clone. `migration` is what the release made of the state by
    names and counts; `memory_bytes` of all its processes once it was ready. `listening_seconds`: until it listened after its
    first start, by its own log. `cut`: there was no restart, because something had
    failed before it and the present release does well.
    """

    version: str
    judgements: tuple[Judgement, ...]
    seconds: float
    state_schema_before: int | None = None
    state_schema_after: int | None = None
    ready_seconds: float | None = None
    doctor_seconds: float | None = None
    restart_seconds: float | None = None
    listening_seconds: float | None = None
    likeness: tuple[Likeness, ...] = ()
    edits: tuple[Edit, ...] = ()
    migration: Migration | None = None
    memory_bytes: int | None = None
    steps: tuple[StepTook, ...] = ()
    cut: bool = False


@dataclass(frozen=True)
class CanaryReport:
    """The verdict, the runs behind it, how it was sealed, whom to blame, and what could not be judged.

    `healed` is what the control failed and the candidate passes, in the control's words; `remaining` what both fail alike.
    `fresh` is the candidate in an empty profile: whether the release itself works. `rehearsal` is the present release on what
    a rollback from the candidate's state would restore, `settled` what that rollback would carry or settle. `proven` is set
    (ISO time) on a report that was kept and not run again. `live_memory_bytes`: what the live gateway has now,
    `live_listening_seconds` how long it took to listen when it was last started, by its log; None where that tells nothing.
    """

    verdict: Verdict
    seal: Seal
    candidate: CanaryRun
    control: CanaryRun | None = None
    blame: Blame = Blame.NONE
    limits: tuple[str, ...] = ()
    healed: tuple[Judgement, ...] = ()
    remaining: tuple[Judgement, ...] = ()
    fresh: CanaryRun | None = None
    rehearsal: CanaryRun | None = None
    settled: tuple[Settled, ...] = ()
    proven: str = ""
    live_memory_bytes: int | None = None
    live_listening_seconds: float | None = None
