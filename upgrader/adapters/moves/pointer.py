"""The package pointer `<prefix>/lib/node_modules/openclaw` and the side name it is exchanged with.

One exchange switches: afterwards the pointer is a link to the slot, and what npm made there lies unchanged at the side
name; the same exchange returns it to its very place. npm neither lists nor removes names that begin with a dot in
lib/node_modules (npm 11.19: docs/openclaw-install.md).
"""

import re
from collections.abc import Iterator
from pathlib import Path

from upgrader.adapters.files.durable import remove_durably, sync_directory
from upgrader.adapters.files.exchange import exchange, exchange_back, present_id, supports_exchange
from upgrader.adapters.files.mounts import is_mount_point
from upgrader.domain.kept.slot import Slot
from upgrader.domain.moves.journal import ExchangeBack, FileId

_SIDE = ".openclaw-upgrader-"
_NPM_LONGEST_S = 900.0


def side_of(pointer: Path, transaction: str) -> Path:
    """The side name of a pointer for one transaction: a sibling, so that the exchange stays on one file system."""
    return pointer.with_name(f"{_SIDE}{transaction}")


def side_for(pointer: Path, slot: Slot, transaction: str) -> Path:
    """What the pointer is exchanged with to reach `slot`: the adopted tree itself where it lies beside, else a new link."""
    if slot.package_root.parent == pointer.parent and is_side_name(slot.package_root):
        return slot.package_root
    return side_of(pointer, transaction)


def side_names(pointer: Path) -> Iterator[Path]:
    """All side names beside a pointer, whatever they are."""
    yield from sorted(pointer.parent.glob(f"{_SIDE}*"))


def is_side_name(path: Path) -> bool:
    """Whether this is a name that only we give: what lies there was taken out of npm's place by us."""
    return path.name.startswith(_SIDE)


def prepare_side(pointer: Path, slot: Slot, transaction: str) -> Path:
    """Make ready what the pointer will be exchanged with, durably, and return its path.

    A slot whose tree lies at a side name already (adopted before) is exchanged from there; for any other slot the side
    is a new link to its package root. Raises OSError.
    """
    side = side_for(pointer, slot, transaction)
    if side == slot.package_root:
        return side
    if side.is_symlink() and side.readlink() == slot.package_root:
        return side
    side.symlink_to(slot.package_root)
    sync_directory(side.parent)
    return side


def npm_at_work(pointer: Path, now: float) -> bool:
    """Whether npm is replacing what lies at a pointer: until it is done, what was there lies beside as `.openclaw-XXXXXXXX`.

    Source: @npmcli/arborist/lib/retire-path.js of npm 11; seen of 11.19.1 when `npm install -g openclaw@2026.9.6` replaced a
    link: there for 15 of 29 s, the link's target untouched. What a killed npm left a quarter of an hour ago or more is no sign.
    """
    retired = re.compile(rf"\.{re.escape(pointer.name)}-[A-Za-z0-9]{{8}}")
    beside = pointer.parent.iterdir() if pointer.parent.is_dir() else ()
    return any(retired.fullmatch(each.name) and now - each.lstat().st_ctime < _NPM_LONGEST_S for each in beside)


def drop_side(side: Path) -> None:
    """Remove a side that is a link (after the end of a transaction); a directory there is a tree and stays."""
    if side.is_symlink():
        remove_durably(side)


class PackagePointer:
    """Port Pointer over the functions of this room and of `exchange`."""

    def side(self, pointer: Path, slot: Slot, transaction: str) -> Path:
        """Where the side entry lies or will lie."""
        return side_for(pointer, slot, transaction)

    def prepare(self, pointer: Path, slot: Slot, transaction: str) -> Path:
        """Make it ready. Raises OSError."""
        return prepare_side(pointer, slot, transaction)

    def exchange(self, live: Path, side: Path) -> None:
        """Exchange the two names, durably. Raises ExchangeFailed."""
        exchange(live, side)

    def identity(self, path: Path) -> FileId | None:
        """Device and inode of what lies at `path`, None where there is nothing."""
        return present_id(path)

    def exchange_back(self, undo: ExchangeBack) -> bool:
        """Undo an exchange if it happened. Raises ExchangeFailed."""
        return exchange_back(undo)

    def objection(self, live: Path) -> str:
        """Tried beside it, in a folder that is gone afterwards; `live` itself is not touched."""
        if is_mount_point(live):
            return f"{live} is a mount point, which no rename can move"
        try:
            possible = supports_exchange(live.parent)
        except OSError as error:
            return f"{live.parent} cannot be written: {error.strerror}"
        return "" if possible else f"the file system of {live.parent} does not exchange two names in one step"

    def discard(self, side: Path) -> None:
        """Remove a side link; a tree there stays."""
        drop_side(side)

    def tidy(self, pointer: Path) -> None:
        """Remove side links that a dead run left: while no journal is open none has a meaning."""
        for side in side_names(pointer):
            drop_side(side)
