"""Port RepairRecord: this machine's pairing as it was before a repair began. Private, durable, gone when the repair ends."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from upgrader.adapters.files.durable import make_private, remove_durably, replace_durably
from upgrader.adapters.moves.open_marks import unmarked
from upgrader.domain.diagnosis.repairing import KeptPairing
from upgrader.domain.installation.facts import PairingEra
from upgrader.domain.pairing.ports import Cell


@dataclass(frozen=True)
class RepairFile:
    """`<home>/repair.json`, 0600: it holds tokens, as a snapshot does. `mark`: see open_marks."""

    home: Path
    mark: Callable[[Path], None] = unmarked

    def write(self, kept: KeptPairing) -> None:
        """Durable before the first rung."""
        files = {name: None if data is None else base64.b64encode(data).decode() for name, data in kept.files.items()}
        rows = {name: [[key, _shown(cell)] for key, cell in row or ()] for name, row in kept.rows.items()}
        make_private(self.home)
        self.mark(self.home)
        value = {"era": kept.era.value, "device": kept.device_id, "files": files, "rows": rows}
        replace_durably(self._path, json.dumps(value).encode())

    def read(self) -> KeptPairing | None:
        """What a killed repair left; None where nothing was, or what was left cannot be read."""
        try:
            return _kept(json.loads(self._path.read_bytes()))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def clear(self) -> None:
        """The repair has ended."""
        if self._path.exists():
            remove_durably(self._path)

    @property
    def _path(self) -> Path:
        return self.home / "repair.json"


def _shown(cell: Cell) -> object:
    return {"bytes": base64.b64encode(cell).decode()} if isinstance(cell, bytes) else cell


def _cell(value: Any) -> Cell:
    if isinstance(value, dict):
        return base64.b64decode(value["bytes"])
    if value is None or isinstance(value, str | int | float):
        return value
    raise ValueError("a cell of another kind")


def _kept(value: Mapping[str, Any]) -> KeptPairing:
    files = {str(name): None if data is None else base64.b64decode(data) for name, data in value["files"].items()}
    rows = {str(name): tuple((str(key), _cell(cell)) for key, cell in row) for name, row in value["rows"].items()}
    return KeptPairing(PairingEra(value["era"]), str(value["device"]), files, rows)
