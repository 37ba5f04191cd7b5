"""What `upgrade`, `rollback`, `canary`, `verify` and a recovery tell: values for the renderer."""

from dataclasses import dataclass
from pathlib import Path

from upgrader.domain.canary.held import HeldCanary
from upgrader.domain.canary.report import CanaryReport
from upgrader.domain.check import Judgement
from upgrader.domain.diagnosis.cause import ClientLine
from upgrader.domain.moves.drift import Drift
from upgrader.domain.moves.settle import Settled
from upgrader.domain.plan.decision import Plan


@dataclass(frozen=True)
class Recovery:
    """An unfinished run that was found and ended: `ending` is `finished` or `undone`; `problems` is empty when it worked."""

    transaction: str
    move: str
    target: str
    ending: str
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class MoveData:
    """One upgrade or rollback. Outage in seconds, from the stop to the answer of the new gateway; None when none ran.

    `serving` says in one phrase what runs now and how that is known. `set_aside` is the tree that was taken out.
    """

    present: str
    target: str
    serving: str
    transaction: str = ""
    plan: Plan | None = None
    canary: CanaryReport | None = None
    checks: tuple[Judgement, ...] = ()
    settled: tuple[Settled, ...] = ()
    outage_seconds: float | None = None
    snapshot: str = ""
    set_aside: Path | None = None
    undone_outage_seconds: float | None = None


@dataclass(frozen=True)
class VerifyData:
    """What the live checks say now, for each kind of client whether it gets what it asks for, and what changed unasked."""

    version: str
    running: bool
    checks: tuple[Judgement, ...]
    clients: tuple[ClientLine, ...] = ()
    drift: tuple[Drift, ...] = ()


@dataclass(frozen=True)
class HandCheck:
    """One check a person makes with OpenClaw's own commands: the command, and what a whole pairing answers."""

    command: str
    expect: str


@dataclass(frozen=True)
class HandData:
    """`verify --print`: the same checks by hand."""

    version: str
    checks: tuple[HandCheck, ...]


@dataclass(frozen=True)
class AdoptData:
    """The slot that stands for the package as it is now, and what had changed."""

    slot: str
    version: str
    drift: tuple[Drift, ...]


@dataclass(frozen=True)
class Ground:
    """What a canary stood on, by id: the slot tried, the slot to return to, the snapshot cloned."""

    slot: str
    present: str
    snapshot: str


@dataclass(frozen=True)
class CanaryData:
    """One canary, asked for by itself. `ground` names what it stood on; `held` is set when it was left running."""

    present: str
    target: str
    report: CanaryReport
    ground: Ground | None = None
    held: HeldCanary | None = None


@dataclass(frozen=True)
class CanariesData:
    """Several canaries on clones of one snapshot, in the order asked for."""

    present: str
    canaries: tuple[CanaryData, ...]
