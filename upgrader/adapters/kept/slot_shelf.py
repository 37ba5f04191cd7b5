"""Which retained installs there are, from their records alone; nothing is installed, read or verified."""

from dataclasses import replace
from pathlib import Path

from upgrader.adapters.kept.slot_record import RECORD, SlotRecordUnreadable, read_record
from upgrader.adapters.moves.pointer import side_names
from upgrader.domain.kept.slot import Slot


class SlotShelf:
    """The slots under one data directory."""

    def __init__(self, data: Path) -> None:
        self._root = data / "slots"

    def find(self, slot_id: str) -> Slot | None:
        """The slot of this id, or None. Raises SlotRecordUnreadable."""
        home = self._root / Path(slot_id).name  # an id is a plain name; nothing outside is ever read
        return self._located(read_record(home)) if (home / RECORD).is_file() else None

    def list(self) -> tuple[Slot, ...]:
        """All slots whose record can be read, oldest first."""
        found = []
        for record in self._root.glob(f"*/{RECORD}"):
            try:
                found.append(self._located(read_record(record.parent)))
            except SlotRecordUnreadable:
                continue
        return tuple(sorted(found, key=lambda slot: (slot.created, slot.id)))

    def _located(self, slot: Slot) -> Slot:
        """An adopted tree is where its directory lies now: at its own name, or at a side name of the pointer."""
        if slot.identity is None:
            return slot
        from upgrader.adapters.files.exchange import present_id

        for place in (slot.package_root, *side_names(slot.package_root)):
            if present_id(place) == slot.identity:
                return replace(slot, package_root=place)
        return slot
