"""Joins what stops a gateway for a moment and edits its stores, and what a repair that was killed in it has left."""

from upgrader.adapters.moves.files import DurableFiles
from upgrader.adapters.moves.holds import OwnershipHolds
from upgrader.adapters.probes.observed_files import StateFiles
from upgrader.adapters.repair.outage_record import OutageFile
from upgrader.adapters.repair.pairing_editor import StoreEditor
from upgrader.adapters.repair.repair_record import RepairFile
from upgrader.context.interrupts import INTERRUPTS
from upgrader.context.machine import Machine
from upgrader.context.moving import Moving, live_readiness
from upgrader.context.observing import KNOWLEDGE
from upgrader.operations.repair.killed import KilledRepair
from upgrader.operations.repair.outage import Outage
from upgrader.services.openclaw.pairing import pairing_edits
from upgrader.services.openclaw.places import locks


def outage(moving: Moving) -> Outage:
    """A stop of this gateway, with something done in it."""
    machine, keeping = moving.machine, moving.keeping
    return Outage(
        supervisor=moving.supervisor(),
        holds=OwnershipHolds(locks.ownership, locks.owner_of, machine.clock),
        readiness=live_readiness(machine),
        shield=INTERRUPTS.shielded,
        record=OutageFile(keeping.home, keeping.mark_repair),
        snapshots=keeping.snapshots(),
        files=DurableFiles(),
    )


def editor(machine: Machine) -> StoreEditor:
    """Edits of the pairing stores."""
    return StoreEditor(pairing_edits, StateFiles(), KNOWLEDGE.database, machine.clock)


def end_killed_repair(moving: Moving) -> str:
    """End it; says what was done."""
    record = RepairFile(moving.keeping.home, moving.keeping.mark_repair)
    killed = KilledRepair(moving.found, outage(moving), record, editor(moving.machine))
    with moving.progress.step("ending a repair that was killed"):
        return killed.end()
