"""The package pointer `<prefix>/lib/node_modules/openclaw` and the side name it is exchanged with.

One exchange switches: afterwards the pointer is a link to the slot, and what npm made there lies unchanged at the side
name; the same exchange returns it to its very place. npm neither lists nor removes names that begin with a dot in
lib/node_modules (npm 11.19: docs/openclaw-install.md).
"""

from collections.abc import Iterator
from pathlib import Path

from upgrader.adapters.durable import remove_durably, sync_directory
from upgrader.domain.slot import Slot

_SIDE = ".openclaw-upgrader-"


def side_of(pointer: Path, transaction: str) -> Path:
    """The side name of a pointer for one transaction: a sibling, so that the exchange stays on one file system."""
    return pointer.with_name(f"{_SIDE}{transaction}")


def side_names(pointer: Path) -> Iterator[Path]:
    """All side names beside a pointer, whatever they are."""
    yield from sorted(pointer.parent.glob(f"{_SIDE}*"))


def prepare_side(pointer: Path, slot: Slot, transaction: str) -> Path:
    """Make ready what the pointer will be exchanged with, durably, and return its path.

    A slot whose tree lies at a side name already (adopted before) is exchanged from there; for any other slot the side
    is a new link to its package root. Raises OSError.
    """
    if slot.package_root.parent == pointer.parent and slot.package_root.name.startswith(_SIDE):
        return slot.package_root
    side = side_of(pointer, transaction)
    if side.is_symlink() and side.readlink() == slot.package_root:
        return side
    side.symlink_to(slot.package_root)
    sync_directory(side.parent)
    return side


def drop_side(side: Path) -> None:
    """Remove a side that is a link (after the end of a transaction); a directory there is a tree and stays."""
    if side.is_symlink():
        remove_durably(side)
