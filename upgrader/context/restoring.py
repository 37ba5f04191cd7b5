"""Joins `upgrader restore`."""

from upgrader.adapters.moves.pointer import PackagePointer
from upgrader.context.asking import registry
from upgrader.context.choices import Reach
from upgrader.context.drifting import left_as
from upgrader.context.keeping import Keeping
from upgrader.context.machine import Machine
from upgrader.context.recording import record_move
from upgrader.context.wiring import Wiring, told
from upgrader.domain.decisions.history import EventKind
from upgrader.domain.kept.slot import Slot
from upgrader.domain.outcome import Outcome, Status
from upgrader.domain.plan.release import Release
from upgrader.domain.told import MoveData
from upgrader.errors import Blocked
from upgrader.operations.moves.restore import Restore
from upgrader.services.openclaw import releases


def restore(wiring: Wiring) -> Outcome[MoveData]:
    """`upgrader restore`, with the locks of this installation; what a dead run left open is ended first."""
    machine = wiring.machine
    with wiring.recovered("restore") as (keeping, recovery):
        moving = wiring.moving(keeping)
        outcome = Restore(
            discovery=wiring.finder(),
            left=lambda: left_as(keeping),
            opens=_opens,
            restage=lambda slot: _restaged(machine, keeping, slot),
            slots=keeping.slots(),
            snapshots=keeping.snapshots(),
            verifier=moving.verifier,
            transact=moving.transact(),
            pointer=PackagePointer(),
            progress=wiring.progress,
            consent=lambda question: wiring.consent(question, None),
        ).run()
        if outcome.status is not Status.UNCHANGED:
            record_move(machine, keeping, EventKind.RESTORE, outcome)
    return told(outcome, recovery)


def _restaged(machine: Machine, keeping: Keeping, slot: Slot) -> Slot:
    """The same package once more. Raises Blocked where the registry announces another one now, and what staging raises."""
    release = registry(machine, keeping.installation.node, Reach.ONLINE).release(slot.version)
    if slot.integrity and release.integrity != slot.integrity:
        raise Blocked(
            f"the registry announces another package for {slot.version} than the one that was kept",
            why=f"{release.integrity or 'no digest'} instead of {slot.integrity}",
            hint="`upgrader rollback` returns to the release of before",
            code="integrity",
        )
    return keeping.slots().stage(release)


def _opens(slot: Slot) -> int | None:
    declared = Release(slot.version, state_schema=slot.state_schema, agent_schema=slot.agent_schema)
    return releases.reach(declared).state
