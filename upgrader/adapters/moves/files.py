"""Port Files: single files and trees of a transaction, durable."""

from pathlib import Path

from upgrader.adapters.files.durable import remove_durably, replace_durably, sync_directory
from upgrader.adapters.files.trees import remove


class DurableFiles:
    """Over the durable writes and the tree removal."""

    def replace(self, path: Path, data: bytes, mode: int) -> None:
        """Replace a file durably with `mode`."""
        replace_durably(path, data, mode)

    def remove(self, path: Path) -> None:
        """Remove a file durably; one that is gone is fine."""
        remove_durably(path)

    def remove_tree(self, path: Path) -> None:
        """Remove a tree, durably; one that is gone is fine."""
        if path.exists():
            remove(path)
            sync_directory(path.parent)
