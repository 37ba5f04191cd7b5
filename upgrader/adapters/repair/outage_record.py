"""Port OutageRecord: what the next command needs when this one dies while the gateway is stopped. Private, durable."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from upgrader.adapters.files.durable import make_private, remove_durably, replace_durably
from upgrader.adapters.moves.open_marks import unmarked
from upgrader.domain.diagnosis.repairing import OpenOutage
from upgrader.domain.kept.snapshot import OutsideFile
from upgrader.domain.moves.launching import Launch


@dataclass(frozen=True)
class OutageFile:
    """`<home>/outage.json`, 0600: the launch record may hold a token in its environment. `mark`: see open_marks."""

    home: Path
    mark: Callable[[Path], None] = unmarked

    def write(self, outage: OpenOutage) -> None:
        """Durable before the gateway is stopped."""
        files = [{"path": str(each.path), "digest": each.digest, "mode": each.mode} for each in outage.files]
        launch = json.loads(outage.launch.to_bytes()) if outage.launch else None
        make_private(self.home)
        self.mark(self.home)
        replace_durably(self._path, json.dumps({"launch": launch, "files": files}).encode())

    def read(self) -> OpenOutage | None:
        """What was left open; None where nothing was, or what was left cannot be read."""
        try:
            value = json.loads(self._path.read_bytes())
            launch = Launch.from_bytes(json.dumps(value["launch"]).encode()) if value["launch"] else None
            files = tuple(OutsideFile(Path(each["path"]), each["digest"], int(each["mode"])) for each in value["files"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return OpenOutage(launch, files)

    def clear(self) -> None:
        """The gateway is back."""
        if self._path.exists():
            remove_durably(self._path)

    @property
    def _path(self) -> Path:
        return self.home / "outage.json"
