"""`upgrader restore`: the package as upgrader left it, after somebody replaced it; the state stays as it is."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from upgrader.domain.installation.facts import Installation
from upgrader.domain.kept.slot import Slot, SlotDamaged, SlotOrigin
from upgrader.domain.moves.drift import Drift, DriftKind, LeftAs, cannot_open, drifts, needs_restart, still_in_the_way
from upgrader.domain.moves.ports import Pointer
from upgrader.domain.moves.transaction import Move
from upgrader.domain.outcome import Outcome, Status
from upgrader.domain.ports import Discovery, Progress, Slots, Snapshots, Verifier
from upgrader.domain.told import MoveData
from upgrader.errors import Blocked, UpgraderError
from upgrader.operations.moves.transact import Intention, Transact

_PACKAGE = frozenset({DriftKind.RELEASE, DriftKind.PACKAGE})


class NothingToRestore(UpgraderError):
    """What was left is not here any more, or nothing ever was."""

    default_code = "nothing_to_restore"


@dataclass(frozen=True)
class Restore:
    """`left` is how the package was left, `opens` the highest schema a release can open (None: nobody knows).

    `restage` installs the release of a damaged slot anew, the same package by its digest.
    """

    discovery: Discovery
    left: Callable[[], LeftAs | None]
    opens: Callable[[Slot], int | None]
    restage: Callable[[Slot], Slot]
    slots: Slots
    snapshots: Snapshots
    verifier: Verifier
    transact: Transact
    pointer: Pointer
    progress: Progress
    consent: Callable[[str], None]

    def run(self) -> Outcome[MoveData]:
        """0 restored or nothing to do, 3 blocked, 4 undone, 5 neither. Raises NothingToRestore, Blocked, SlotDamaged."""
        found, left = self.discovery.find(), self.left()
        if left is None:
            hint = "`upgrader plan` names a move worth making"
            raise NothingToRestore("upgrader has left no package here yet", why="no move was made", hint=hint)
        changed = tuple(each for each in drifts(found, left) if each.kind in _PACKAGE)
        data = MoveData(str(found.package.version), str(left.slot.version), "nothing was changed")
        if not changed:
            return self._restaged(found, left, data)
        self._refuse(found, left)
        with self.progress.step(f"verifying the kept {left.slot.version}"):
            self.slots.verify(left.slot)
        self.consent(_question(found, left, changed))
        with self.progress.step(f"recording the present {found.package.version}"):
            present = self.slots.adopt(found)
        if needs_restart(found, left):
            return self._moved(found, left, present, data)
        return self._exchanged(found, left, data)

    def _restaged(self, found: Installation, left: LeftAs, data: MoveData) -> Outcome[MoveData]:
        """The package lies where it should; where its tree was written into, the same release is installed anew."""
        try:
            with self.progress.step(f"verifying the kept {left.slot.version}"):
                self.slots.verify(left.slot)
        except SlotDamaged as error:
            self.transact.refuse(found)
            if left.slot.origin is not SlotOrigin.STAGED:
                raise
            self.consent(f"{error.why}. Install {left.slot.version} anew and go over to it?")
            with self.progress.step(f"staging {left.slot.version} anew"):
                fresh = self.restage(left.slot)
            return self._moved(found, LeftAs(fresh, fresh.package_root), left.slot, data)
        return Outcome("restore", replace(data, serving=f"{left.slot.version} is as it was left"), Status.UNCHANGED)

    def _refuse(self, found: Installation, left: LeftAs) -> None:
        """What cannot be restored is said before anything is changed."""
        was = left.slot.version
        if left.root is None:
            raise NothingToRestore(
                f"the tree of {was} is gone",
                why="npm replaced the directory it lay in, and no slot holds it",
                hint=f"`upgrader upgrade {was}` installs it anew; `upgrader adopt` keeps what is here",
                code="slot_gone",
            )
        self.transact.refuse(replace(found, obstacles=still_in_the_way(found, left)))
        why = cannot_open(found, left, self.opens(left.slot))
        if why:
            raise Blocked(
                f"{was} cannot run on this state any more",
                why=why,
                hint="`upgrader adopt` keeps what is here; `upgrader rollback` returns to the state of before the last move",
                code="schema",
            )

    def _exchanged(self, found: Installation, left: LeftAs, data: MoveData) -> Outcome[MoveData]:
        """One exchange of two names, which no crash can halve: it has happened or not, and both are whole. No outage."""
        pointer, name = found.package.pointer, self.transact.name()
        side = self.pointer.prepare(pointer, left.slot, name)
        with self.progress.step("putting the link back"):
            self.pointer.exchange(pointer, side)
        starts = f"{left.slot.version} starts next"
        serving = "the gateway was started before the change and ran on" if found.is_running else starts
        return Outcome("restore", replace(data, serving=f"the package is as it was left; {serving}"))

    def _moved(self, found: Installation, left: LeftAs, present: Slot, data: MoveData) -> Outcome[MoveData]:
        """A gateway runs what somebody installed: one journaled move to the slot, checked as every move is."""
        with self.progress.step("checking the gateway as it is"):
            before = self.verifier.check(found) if found.is_running else None
        with self.progress.step("taking a warm snapshot of the state"):
            snapshot = self.snapshots.take(found, present.id, f"before restoring {left.slot.version}")
        return self.transact.run(Intention(Move.RESTORE, found, present, left.slot, snapshot, before), data)


def _question(found: Installation, left: LeftAs, changed: tuple[Drift, ...]) -> str:
    stop = " The gateway is stopped and started." if needs_restart(found, left) else ""
    return f"{changed[0].what}. Return to the kept {left.slot.version}?{stop}"
