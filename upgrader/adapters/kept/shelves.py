"""Port Shelves on disk: who needs which kept thing, what removing one frees, and the removal itself.

A removal first takes away that by which a thing is found (name or record), durably, then its content: what a crash leaves
is never taken for something whole, and the tidying of the next run removes it.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psutil

from upgrader.adapters.files.disk import allocated_bytes
from upgrader.adapters.files.durable import remove_durably, sync_directory
from upgrader.adapters.files.exchange import file_id, present_id
from upgrader.adapters.files.half_made import mark
from upgrader.adapters.files.manifests import HEADER, TREE
from upgrader.adapters.files.tree import remove_tree
from upgrader.adapters.files.trees import remove
from upgrader.adapters.kept.slot_record import RECORD
from upgrader.adapters.kept.slots import SlotStore
from upgrader.adapters.kept.snapshot_shelf import PARTIAL, SnapshotShelf
from upgrader.adapters.kept.snapshots import FileSnapshots
from upgrader.adapters.moves.journal_file import JournalDamaged, JournalOnDisk, Journals
from upgrader.adapters.moves.lock import locked
from upgrader.adapters.moves.pointer import is_side_name
from upgrader.domain.installation.facts import Installation
from upgrader.domain.kept.pruning import Kept, KeptKind, PruneFailed, SetAside, Shelf, SlotUse
from upgrader.domain.kept.slot import Slot, SlotOrigin
from upgrader.domain.kept.snapshot import Snapshot
from upgrader.domain.moves.transaction import Opened
from upgrader.domain.version import Version
from upgrader.errors import Blocked

_ELSEWHERE = "a snapshot of another installation needs it"
_UNIT_FILES = ("*.service", "*.service.d/*.conf")


@dataclass(frozen=True)
class KeptThings:
    """All that is kept below `data` for one user; `home` is the folder of this installation in it.

    `unit_folders` are searched for units that name a slot.
    """

    data: Path
    home: Path
    installation: Installation
    slots: SlotStore
    snapshots: FileSnapshots
    pinned: Version | None
    unit_folders: tuple[Path, ...]

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the lock of the slots and those of every other installation; the caller has its own. Raises Busy."""
        others = tuple(each / "lock" for each in self._homes() if each != self.home)
        with self.slots.alone("prune"), locked(others, "prune"):
            self.snapshots.tidy()
            yield

    def look(self) -> Shelf:
        """All that is kept, and who needs it. Raises Blocked while a move is unfinished, JournalDamaged where one may be."""
        homes = self._homes()
        journals = [(found.path, _opened(found)) for each in homes for found in self._closed(each)]
        moves = [opened for _, opened in journals if opened is not None]
        shelves = {each: SnapshotShelf(each).list() for each in homes}
        unreadable = [*_unreadable(shelves), *(path for path, opened in journals if opened is None)]
        own = shelves.pop(self.home, ())
        slots, nodes, programs = self.slots.list(), self.data / "nodes", tuple(_programs())
        root = self.installation.package.root
        return Shelf(
            present=self.installation.package.version,
            snapshots=own,
            slots=slots,
            rooted=next((slot.id for slot in slots if slot.package_root == root), ""),
            pinned=self.pinned,
            uses=(
                *self._used_now(programs, moves),
                *self._named_by_units(slots),
                *(SlotUse(each.slot_id, _ELSEWHERE) for listed in shelves.values() for each in listed),
            ),
            set_aside=tuple(_set_aside(moves, self.installation.state.path)),
            nodes=tuple(sorted(each.parent.parent for each in nodes.glob("[!.]*/bin/node"))),
            running=frozenset(_homes_of(nodes, programs)),
            files=tuple(sorted((self.home / "files").glob("*"))),
            records=tuple(self._lost_records()),
            blind=f"{unreadable[0]} cannot be read and may need it" if unreadable else "",
        )

    def weigh(self, kept: Kept) -> int:
        """The bytes on disk of files that have no other name. What cannot be read counts for nothing."""
        places = [kept.place]
        if kept.kind is KeptKind.SLOT:
            slot = self.slots.find(kept.name)
            places = [self.data / "slots" / kept.name]
            if slot is not None and _is_ours_to_remove(slot):
                places.append(slot.package_root)
        return sum(_freed(place) for place in places)

    def remove(self, kept: Kept) -> None:
        """Remove it. Raises PruneFailed."""
        removals: dict[KeptKind, Callable[[Kept], None]] = {
            KeptKind.SNAPSHOT: self._remove_snapshot,
            KeptKind.SLOT: self._remove_slot,
            KeptKind.NODE: self._remove_node,
            KeptKind.SET_ASIDE: self._remove_set_aside,
            KeptKind.FILE: lambda one: remove_durably(one.place),
            KeptKind.RECORD: lambda one: remove(one.place),
        }
        try:
            removals[kept.kind](kept)
        except OSError as error:
            why = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            raise PruneFailed(f"{kept.kind.value} {kept.name} could not be removed", why=why) from error

    # -- who needs what --------------------------------------------------------------------------------------------

    def _homes(self) -> list[Path]:
        return sorted(each for each in (self.data / "installations").glob("*") if each.is_dir())

    def _closed(self, home: Path) -> tuple[JournalOnDisk, ...]:
        journals = Journals(home / "journal")
        if (unfinished := journals.open_run()) is not None:
            state = unfinished.opened().installation.state.path
            raise Blocked(
                "a move is unfinished, and what it needs is not touched",
                why=f"that of the state {state}, begun {unfinished.opened().started}",
                hint=f"`upgrader --state-dir {state} status` ends it",
                code="unfinished_move",
            )
        return journals.all()

    def _used_now(self, programs: Iterable[Path], moves: list[Opened]) -> Iterator[SlotUse]:
        shelf = self.data / "slots"
        for home in _homes_of(shelf, programs):
            yield SlotUse(home.name, "a process runs from it")
        pointers = sorted({each.installation.package.pointer for each in moves})
        for pointer in (each for each in pointers if each.is_symlink()):
            for home in _homes_of(shelf, (pointer.resolve(),)):
                yield SlotUse(home.name, f"{pointer} leads to it")

    def _named_by_units(self, slots: tuple[Slot, ...]) -> Iterator[SlotUse]:
        units = b"\n".join(_units(self.unit_folders))
        for slot in slots:
            if slot.origin is SlotOrigin.STAGED and os.fsencode(self.data / "slots" / slot.id) in units:
                yield SlotUse(slot.id, "a unit names it")
            if slot.origin is SlotOrigin.ADOPTED and _is_in_npms_place(slot):
                yield SlotUse(slot.id, f"it is npm's own directory {slot.package_root}")

    def _lost_records(self) -> Iterator[Path]:
        """Records of restores of which one tree is gone: those two are never exchanged again. They hold rows and files."""
        state = self.installation.state.path
        trees = (state, *state.parent.glob(f"{state.name}.*"), *(self.home / "snapshots").glob(f"*/{TREE}"))
        present = {f"{found.device}.{found.inode}" for tree in trees if (found := present_id(tree)) is not None}
        for record in sorted((self.home / "settling").glob("*-*")):
            if not set(record.name.split("-")) <= present:
                yield record

    # -- removals --------------------------------------------------------------------------------------------------

    def _remove_snapshot(self, kept: Kept) -> None:
        hidden = kept.place.rename(kept.place.with_name(f"{PARTIAL}{kept.name}"))
        remove_durably(hidden / HEADER)  # from here on it is what a crash leaves: never a snapshot, and tidied
        sync_directory(hidden.parent)
        remove(hidden)

    def _remove_slot(self, kept: Kept) -> None:
        slot, home = self.slots.find(kept.name), self.data / "slots" / kept.name
        if slot is not None and _is_ours_to_remove(slot):
            remove_tree(slot.package_root)
        mark(home)
        remove_durably(home / RECORD)
        remove_tree(home)

    def _remove_node(self, kept: Kept) -> None:
        hidden = kept.place.rename(kept.place.with_name(f".room-{kept.name}"))
        sync_directory(hidden.parent)
        remove_tree(hidden)

    def _remove_set_aside(self, kept: Kept) -> None:
        identity = file_id(kept.place)
        remove(kept.place)
        self.snapshots.forget(identity)


def _is_ours_to_remove(slot: Slot) -> bool:
    """Whether the tree of an adopted slot is the very one that was adopted, at a side name: never what npm has now."""
    adopted = slot.origin is SlotOrigin.ADOPTED and slot.identity is not None
    return adopted and is_side_name(slot.package_root) and present_id(slot.package_root) == slot.identity


def _is_in_npms_place(slot: Slot) -> bool:
    return present_id(slot.package_root) == slot.identity and not is_side_name(slot.package_root)


def _unreadable(shelves: Mapping[Path, tuple[Snapshot, ...]]) -> Iterator[Path]:
    """Folders of snapshots whose header says nothing: what they need cannot be known."""
    for home, listed in shelves.items():
        readable = {each.tree.parent for each in listed}
        yield from (folder for folder in _snapshot_folders(home) if folder not in readable)


def _snapshot_folders(home: Path) -> list[Path]:
    return sorted(each for each in (home / "snapshots").glob("*") if not each.name.startswith(PARTIAL))


def _opened(journal: JournalOnDisk) -> Opened | None:
    try:
        return journal.opened()
    except JournalDamaged:
        return None


def _set_aside(moves: list[Opened], state: Path) -> Iterator[SetAside]:
    for move in moves:
        ours = move.installation.state.path == state
        if ours and move.standby.is_dir() and not move.standby.is_symlink():
            yield SetAside(move.standby, datetime.fromisoformat(move.started))


def _programs() -> Iterator[Path]:
    """The programs of all processes that can be seen, and the absolute paths among their arguments."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            yield from (Path(word) for word in (process.exe(), *process.cmdline()) if word.startswith("/"))


def _homes_of(folder: Path, paths: Iterable[Path]) -> Iterator[Path]:
    return (folder / path.relative_to(folder).parts[0] for path in paths if path != folder and path.is_relative_to(folder))


def _units(folders: tuple[Path, ...]) -> Iterator[bytes]:
    for folder in folders:
        for pattern in _UNIT_FILES:
            for unit in sorted(folder.glob(pattern)):
                with suppress(OSError):
                    yield unit.read_bytes()


def _freed(place: Path) -> int:
    total = 0
    for directory, _, names in os.walk(place):
        for name in names:
            with suppress(OSError):
                found = (Path(directory) / name).lstat()
                total += allocated_bytes(found) if found.st_nlink == 1 else 0
    if place.is_file() and not place.is_symlink():
        total += allocated_bytes(place.lstat())
    return total
