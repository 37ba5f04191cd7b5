"""Joins the notice of what changed behind our back, and `upgrader adopt`."""

from dataclasses import replace
from datetime import datetime
from enum import Enum
from pathlib import Path

from upgrader.adapters.files.exchange import present_id
from upgrader.context.keeping import Keeping
from upgrader.context.machine import Machine
from upgrader.context.remembering import history_of
from upgrader.domain.decisions.history import Event, EventKind
from upgrader.domain.kept.slot import Slot, SlotDamaged, SlotOrigin
from upgrader.domain.moves.drift import Drift, LeftAs, damaged_tree, drifts
from upgrader.domain.outcome import Outcome, Status
from upgrader.domain.told import AdoptData, VerifyData
from upgrader.errors import UpgraderError


class Reading(Enum):
    """How the tree of the active slot is compared with what was recorded: by its times where a full reading stands behind them
    and not at all otherwise; by its times, else in full; in full."""

    KNOWN = "known"
    LOOKS = "looks"
    FULL = "full"


def drift_of(keeping: Keeping, reading: Reading) -> tuple[Drift, ...]:
    """What is not as the last move left it, the tree of the active slot included."""
    left = left_as(keeping)
    found = drifts(keeping.installation, left)
    if left is None or found or left.slot.origin is not SlotOrigin.STAGED:
        return found
    slots = keeping.slots()
    if reading is Reading.KNOWN and not slots.was_read(left.slot):
        return ()
    try:
        (slots.verify if reading is Reading.FULL else slots.look_over)(left.slot)
    except SlotDamaged as error:
        return (damaged_tree(left.slot, error.why),)
    return ()


def with_drift(keeping: Keeping, outcome: Outcome[VerifyData], reading: Reading) -> Outcome[VerifyData]:
    """The outcome of the live checks, with what changed behind our back."""
    found = drift_of(keeping, reading)
    return replace(
        outcome, data=replace(outcome.data, drift=found), notices=(*outcome.notices, *told(found), *keeping.open_notes())
    )


def told(found: tuple[Drift, ...]) -> tuple[str, ...]:
    """Each change as a notice."""
    return tuple(f"changed behind our back: {each.in_words()}" for each in found)


def adopted(machine: Machine, keeping: Keeping, reason: str) -> Outcome[AdoptData]:
    """Take the package as it stands for what was left, also where nothing was. Raises UpgraderError when it cannot be read."""
    installation, left = keeping.installation, left_as(keeping)
    found = drifts(installation, left)  # a tree that was written into is not for adopting
    slot = keeping.slots().adopt(installation)
    if left is not None and not found:
        return Outcome("adopt", AdoptData(slot.id, str(slot.version), ()), Status.UNCHANGED)
    at = machine.clock.now().isoformat(timespec="seconds")
    why = "; ".join(each.what for each in found) or "nothing was left here yet"
    event = Event(at, EventKind.ADOPT, str(slot.version), slot.id, why=why, reason=reason)
    history_of(keeping).append(event)
    return Outcome("adopt", AdoptData(slot.id, str(slot.version), found))


def left_as(keeping: Keeping) -> LeftAs | None:
    """The slot that the last committed move or the last adoption left active."""
    moves = keeping.journals().committed()
    moved = moves[-1] if moves else None
    adoptions = [each for each in history_of(keeping).events() if each.kind is EventKind.ADOPT]
    last = adoptions[-1] if adoptions else None
    if last is not None and (moved is None or _moment(last.at) >= _moment(moved.started)):
        slot = _found(keeping, last.target)
    else:
        slot = moved.target if moved else None
    if slot is None:
        return None
    now = _found(keeping, slot.id)
    return LeftAs(now, _root(now)) if now else LeftAs(slot, None)  # a move takes an adopted tree from place to place


def _root(slot: Slot) -> Path | None:
    """Where the tree lies, None where something else lies there now."""
    if slot.identity is not None and present_id(slot.package_root) != slot.identity:
        return None
    return slot.package_root


def _found(keeping: Keeping, slot_id: str) -> Slot | None:
    try:
        return keeping.slots().find(slot_id)
    except UpgraderError:
        return None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
