"""What of the kept things may go: a pure rule over what stands on the shelf. Nothing a way back needs is ever chosen."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Protocol

from upgrader.domain.kept.slot import Slot
from upgrader.domain.kept.snapshot import Moment, Snapshot, returning
from upgrader.domain.version import Version
from upgrader.errors import UpgraderError


class KeptKind(Enum):
    """What a kept thing is."""

    SNAPSHOT = "snapshot"
    SLOT = "slot"
    NODE = "node"
    SET_ASIDE = "set aside"
    FILE = "file"
    RECORD = "record"


@dataclass(frozen=True)
class SetAside:
    """A whole state that a move going back took out: `place` its directory, `since` when (UTC)."""

    place: Path
    since: datetime


@dataclass(frozen=True)
class SlotUse:
    """Why a slot must stay that no record of this installation names: a process, a unit, a link, another installation."""

    slot: str
    why: str


@dataclass(frozen=True)
class Shelf:
    """All that is kept. `present` is the installed release; `rooted` the slot the installation is started from, if any.

    `uses` are the needs of others; `blind` says why slots cannot be judged at all (a snapshot that cannot be read may
    name any of them), empty where they can. `nodes` are the kept Node binaries' homes, `running` those that processes run
    from; `files` the kept single files, `records` what was noted of restores whose trees are gone.
    """

    present: Version
    snapshots: tuple[Snapshot, ...]
    slots: tuple[Slot, ...]
    rooted: str = ""
    pinned: Version | None = None
    uses: tuple[SlotUse, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    nodes: tuple[Path, ...] = ()
    running: frozenset[Path] = frozenset()
    files: tuple[Path, ...] = ()
    records: tuple[Path, ...] = ()
    blind: str = ""


@dataclass(frozen=True)
class Allowance:
    """How much is kept beyond what must be: so many states of moves, and states set aside for so long."""

    snapshots: int = 3
    set_aside: timedelta = timedelta(days=30)


@dataclass(frozen=True)
class Kept:
    """One thing on the shelf. `place` is its directory or file; `why` says why it goes or stays."""

    kind: KeptKind
    name: str
    place: Path
    why: str


@dataclass(frozen=True)
class Choice:
    """What goes, in the order in which it may be removed at any moment's end, and what stays."""

    going: tuple[Kept, ...]
    staying: tuple[Kept, ...]


@dataclass(frozen=True)
class Weighed:
    """One thing and the bytes that its removal frees: those that nothing else shares by a hard link."""

    kept: Kept
    freed_bytes: int


class Manner(Enum):
    """Whether things are only shown or removed."""

    SHOW = "show"
    REMOVE = "remove"


@dataclass(frozen=True)
class PruneData:
    """What `upgrader prune` tells: what goes, or would go with Manner.SHOW, and what stays."""

    manner: Manner
    going: tuple[Weighed, ...]
    staying: tuple[Kept, ...]
    freed_bytes: int


class PruneFailed(UpgraderError):
    """Something could not be removed; what went before it is gone, the rest is whole."""

    default_code = "prune_failed"
    default_hint = "mend the cause, then `upgrader prune` goes on where it stopped"


class Shelves(Protocol):
    """The kept things on disk."""

    def look(self) -> Shelf:
        """All that is kept. Raises Blocked while a move of anybody is unfinished."""

    def weigh(self, kept: Kept) -> int:
        """The bytes that removing it frees."""

    def remove(self, kept: Kept) -> None:
        """Remove it so that a crash leaves it whole, or nothing that is ever used. Raises PruneFailed."""

    def alone(self) -> AbstractContextManager[None]:
        """Nobody stages, moves or prunes on this user's shelf while the block runs. Raises Busy."""


@dataclass
class _Sorted:
    going: list[Kept] = field(default_factory=list)
    staying: list[Kept] = field(default_factory=list)

    def divide(self, things: Iterable[Kept], needs: Mapping[str, str]) -> frozenset[str]:
        """What has its name in `needs` stays, for that reason; the rest may go, for its own. Returns the names that stay."""
        staying = set()
        for thing in things:
            if thing.name in needs:
                self.staying.append(replace(thing, why=needs[thing.name]))
                staying.add(thing.name)
            else:
                self.going.append(thing)
        return frozenset(staying)


def choose(shelf: Shelf, allowance: Allowance, now: datetime) -> Choice:
    """Sort the shelf. Snapshots go before the slots they name, slots before their Node: what is left is always usable."""
    found = _Sorted()
    kept = _snapshots(shelf, allowance, found)
    _files(shelf, kept, found)
    found.going.extend(Kept(KeptKind.RECORD, each.name, each, "of a restore whose trees are gone") for each in shelf.records)
    slots = _slots(shelf, kept, found)
    _nodes(shelf, slots, found)
    for each in shelf.set_aside:
        old = now - each.since >= allowance.set_aside
        why = f"set aside on {each.since.date()}, " + ("long enough ago" if old else "not long ago")
        (found.going if old else found.staying).append(Kept(KeptKind.SET_ASIDE, each.place.name, each.place, why))
    return Choice(tuple(found.going), tuple(found.staying))


def _snapshots(shelf: Shelf, allowance: Allowance, found: _Sorted) -> tuple[Snapshot, ...]:
    """Sort the snapshots; returns those that stay. In `needs` the later reason is the better one to tell."""
    newest = list(reversed(shelf.snapshots))
    stopped = [each for each in newest if each.moment is Moment.STOPPED]
    before = returning(shelf.snapshots, shelf.present)
    needs = {each.id: "the next snapshot shares its unchanged files" for each in newest[:1]}
    needs |= {each.id: f"one of the newest {allowance.snapshots}" for each in stopped[: allowance.snapshots]}
    needs |= {each.id: "`upgrader rollback` returns to it" for each in (before,) if each}
    things = (Kept(KeptKind.SNAPSHOT, s.id, s.tree.parent, f"an older state of {s.version}") for s in newest)
    staying = found.divide(things, needs)
    return tuple(each for each in newest if each.id in staying)


def _slots(shelf: Shelf, kept: tuple[Snapshot, ...], found: _Sorted) -> tuple[Slot, ...]:
    """Sort the slots; returns those that stay. In `needs` the later reason is the better one to tell."""
    newest = list(reversed(shelf.slots))
    needs = {slot.id: shelf.blind for slot in newest if shelf.blind}
    needs |= {slot.id: "the newest one" for slot in newest[:1]}
    needs |= {slot.id: "it is pinned" for slot in newest if slot.version == shelf.pinned}
    needs |= {each.slot: each.why for each in shelf.uses}
    needs |= {each.slot_id: f"snapshot {each.id} needs it" for each in reversed(kept)}
    needs[shelf.rooted] = "the installation runs from it"
    things = (Kept(KeptKind.SLOT, slot.id, slot.package_root, "nothing that is kept needs it") for slot in newest)
    staying = found.divide(things, needs)
    return tuple(slot for slot in newest if slot.id in staying)


def _nodes(shelf: Shelf, slots: tuple[Slot, ...], found: _Sorted) -> None:
    used = {slot.node.path for slot in slots}
    needs = {home.name: "a process runs from it" for home in shelf.running}
    needs |= {home.name: "a kept slot runs on it" for home in shelf.nodes if any(path.is_relative_to(home) for path in used)}
    found.divide((Kept(KeptKind.NODE, home.name, home, "no kept slot runs on it") for home in shelf.nodes), needs)


def _files(shelf: Shelf, kept: tuple[Snapshot, ...], found: _Sorted) -> None:
    """Kept bytes of units and configs that only removed snapshots named: they may hold a token that is long replaced."""
    used = {file.digest for snapshot in kept for file in snapshot.outside}
    for path in shelf.files:
        if path.name not in used and not shelf.blind:
            found.going.append(Kept(KeptKind.FILE, path.name[:12], path, "no kept snapshot needs it"))
