"""What a killed `repair` left: the gateway stopped, files half changed, this machine's record removed and not made again."""

from dataclasses import dataclass

from upgrader.domain.diagnosis.repairing import PairingEditor, RepairRecord
from upgrader.domain.ports import Discovery
from upgrader.operations.repair.outage import Outage

_BACK = "a repair that was killed while this machine had no record was undone: its pairing is as it was before"


@dataclass(frozen=True)
class KilledRepair:
    """Ends it before anything else is done. Every rung is whole or not at all and may be done twice; what must not stay is a
    stopped gateway and a machine without the record it had, which reads like a removal on purpose."""

    discovery: Discovery
    outage: Outage
    record: RepairRecord
    editor: PairingEditor

    def end(self) -> str:
        """Says what it did, empty where nothing was left. Raises Blocked, StepFailed and what a stop and a start raise."""
        said = [self.outage.resume(self.discovery.find())]
        kept = self.record.read()
        if kept is not None and kept.device_id and self.editor.has_record(kept):
            found = self.discovery.find()
            if not self.editor.has_record(self.editor.keep(found, kept.device_id)):
                self.outage.during(found, lambda: self.editor.restore(found, kept))
                said.append(_BACK)
        self.record.clear()
        return "; ".join(filter(None, said))
