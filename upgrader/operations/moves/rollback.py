"""`upgrader rollback`: back to a kept state and the slot that ran it, without a network."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from upgrader.domain.check import loosest
from upgrader.domain.installation.facts import Installation
from upgrader.domain.kept.slot import Slot
from upgrader.domain.kept.snapshot import Moment, Snapshot, returning
from upgrader.domain.moves.ports import Journals
from upgrader.domain.moves.transaction import Move
from upgrader.domain.outcome import Outcome
from upgrader.domain.pairing.live import LiveReport
from upgrader.domain.ports import Discovery, Progress, Slots, Snapshots, Verifier
from upgrader.domain.told import MoveData
from upgrader.domain.units import moment
from upgrader.errors import UpgraderError
from upgrader.operations.moves.transact import Intention, Transact


class NothingToReturnTo(UpgraderError):
    """There is no kept state, or not the one that was named."""

    default_code = "no_snapshot"


@dataclass(frozen=True)
class Rollback:
    """Goes back, on request."""

    discovery: Discovery
    slots: Slots
    snapshots: Snapshots
    verifier: Verifier
    journals: Journals
    transact: Transact
    progress: Progress
    consent: Callable[[str], None]

    def run(self, wanted: str) -> Outcome[MoveData]:
        """Return to snapshot `wanted`, or to that of the last move. Raises NothingToReturnTo, SlotDamaged, SnapshotDamaged."""
        installation = self.discovery.find()
        snapshot = self._choose(wanted, installation)
        self.transact.refuse(installation)
        target = self._slot(snapshot)
        present = self._present(installation)
        data = MoveData(str(installation.package.version), str(target.version), "nothing was changed")
        with self.progress.step(f"verifying the kept {target.version} and its state"):
            self.slots.verify(target)
            self.snapshots.verify(snapshot)
        self.consent(
            f"Return to {target.version} and its state of {moment(snapshot.created)}? "
            f"The state as it is now ({installation.package.version}) is set aside whole."
        )
        with self.progress.step("looking at the gateway as it is"):
            before = self._expected(installation, target) if installation.is_running else None
        intention = Intention(Move.ROLLBACK, installation, present, target, snapshot, before)
        return self.transact.run(intention, data)

    def _expected(self, installation: Installation, target: Slot) -> LiveReport:
        """What is seen now, but nothing better than what the old release itself was like when it was left."""
        now = self.verifier.check(installation)
        return replace(now, judgements=loosest(now.judgements, self.journals.left_as(target.id)))

    def _choose(self, wanted: str, installation: Installation) -> Snapshot:
        kept = self.snapshots.list()
        if wanted:
            found = next((each for each in kept if each.id == wanted), None)
            if found is None:
                raise NothingToReturnTo(f"there is no snapshot {wanted}", hint="`upgrader status` lists the snapshots")
            if found.moment is not Moment.STOPPED:
                raise NothingToReturnTo(
                    f"snapshot {wanted} was taken while a gateway ran",
                    why="its databases are not of one single instant",
                    hint="`upgrader status` lists the others",
                    code="live_snapshot",
                )
            return found
        other = returning(kept, installation.package.version)
        if other is None:
            raise NothingToReturnTo(
                "there is no earlier release to return to",
                why="no move has been made yet, or its snapshot is gone",
                hint="`upgrader plan` shows which release to go to instead",
            )
        return other

    def _slot(self, snapshot: Snapshot) -> Slot:
        slot = self.slots.find(snapshot.slot_id)
        if slot is None:
            raise NothingToReturnTo(
                f"the install of {snapshot.version} that belongs to snapshot {snapshot.id} is gone",
                hint=f"`upgrader upgrade {snapshot.version}` installs it again and goes there",
                code="slot_gone",
            )
        return slot

    def _present(self, installation: Installation) -> Slot:
        with self.progress.step(f"recording the present {installation.package.version}"):
            return self.slots.adopt(installation)
