"""Which snapshots there are, from their headers alone; nothing is copied, read or verified."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from upgrader.domain.kept.snapshot import Snapshot

PARTIAL = ".partial-"


class SnapshotShelf:
    """The snapshots below one installation's folder."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def list(self) -> "tuple[Snapshot, ...]":
        """All snapshots whose description can be read, oldest first: a damaged one is no reason not to use another."""
        root = self._home / "snapshots"
        if not root.is_dir():
            return ()
        folders = sorted(folder for folder in root.iterdir() if not folder.name.startswith(PARTIAL))
        return tuple(found for folder in folders if (found := _readable(folder)) is not None)


def _readable(folder: Path) -> "Snapshot | None":
    from upgrader.adapters.files.manifests import read_header  # where there are none, a plan need not know how they look
    from upgrader.domain.kept.snapshot import SnapshotDamaged

    try:
        return read_header(folder)
    except SnapshotDamaged:
        return None
