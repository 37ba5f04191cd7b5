"""Standbys: private trees beside the state directory that are exchanged into its place.

A record per standby (`<home>/records/<device>-<inode>.jsonl`) says how each source file looked when it was copied, so that
the refresh after the stop reads only what changed. It is named by the identity of the tree, which stays through renames.
Without its record a standby is refreshed by content: slower, never wrong.
"""

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from upgrader.adapters.databases.live import MAGIC, SIDE_FILES
from upgrader.adapters.files.durable import sync_directory
from upgrader.adapters.files.filecopy import Copier, starts_with, sync_filesystem
from upgrader.adapters.files.manifests import LINES, Cursor, LineWriter, read_lines, read_seen, seen_of
from upgrader.adapters.files.trees import copy_tree, entry_at, mirror, refresh_file, remove, walk
from upgrader.domain.kept.pathclass import PathClass, in_snapshot, in_standby
from upgrader.domain.kept.snapshot import Snapshot
from upgrader.domain.kept.tree import EntryKind, NotPrivate, Passed, Seen, TreeEntry, is_unchanged
from upgrader.domain.moves.journal import FileId
from upgrader.errors import UpgraderError

_SMALLEST_PAGE = 512  # bytes


class StandbyInTheWay(UpgraderError):
    """Something lies where the standby has to be made."""

    default_code = "standby_in_the_way"


class ChangedMeanwhile(UpgraderError):
    """The tree that should stand still did not."""

    default_code = "state_not_still"


class _Databases(Enum):
    """While a gateway runs its databases are left as they are; after the stop they are brought by content."""

    LEFT = "left"
    BROUGHT = "brought"


@dataclass(frozen=True)
class Standbys:
    """Makes and refreshes private trees; `records` is a private directory of ours."""

    records: Path
    classify: Callable[[str], PathClass]
    now_ns: Callable[[], int]
    advance: Callable[[int], None]

    def materialise(self, snapshot: Snapshot, destination: Path) -> FileId:
        """A private copy of the snapshot's tree. Raises StandbyInTheWay, NotPrivate, DiskFull, TreeUnreadable."""
        if os.path.lexists(destination):
            raise StandbyInTheWay(
                f"{destination} exists already",
                why="a private copy of the state has to be made there",
                hint="`upgrader status`",
            )
        copy_tree(snapshot.tree, destination, advance=self.advance)
        identity = _identity(destination)
        with LineWriter(self._record(identity)) as record:
            for line in read_lines(snapshot.tree.parent / LINES):
                if line.kind is EntryKind.FILE and line.inode:
                    record.write(seen_of(line))
        must_be_private(destination)
        sync_filesystem(destination)
        sync_directory(destination.parent)
        return identity

    def prefill(self, live: Path, destination: Path) -> None:
        """Bring what changed in a live tree and is no database; torn copies are found again by `refresh`."""
        self._bring(live, destination, _Databases.LEFT)

    def refresh(self, live: Path, destination: Path) -> None:
        """Make the standby equal to the stopped tree, durable. Raises ChangedMeanwhile and what `mirror` raises."""
        passed = self._bring(live, destination, _Databases.BROUGHT)
        gone = [one.path for one in passed if "vanished" in one.why]
        if gone:
            raise ChangedMeanwhile(f"{gone[0]} vanished while the stopped state was copied", why="something still writes there")
        sync_filesystem(destination)

    def seen(self, tree: Path) -> Iterator[Seen]:
        """What is known of the source files of a standby, sorted; nothing where there is no record."""
        return read_seen(self._record(_identity(tree)))

    def forget(self, identity: FileId) -> None:
        """Remove the record of a standby that is none any more."""
        self._record(identity).unlink(missing_ok=True)

    def _bring(self, live: Path, destination: Path, databases: _Databases) -> tuple[Passed, ...]:
        record = self._record(_identity(destination))
        fresh = record.with_suffix(".new")
        with LineWriter(fresh) as writer:
            bringer = _Bringer(live, destination, Cursor(read_seen(record)), writer, databases, self.now_ns(), self.advance)
            report = mirror(live, destination, bringer.place, lambda path: in_standby(self.classify(path)))
        fresh.replace(record)
        return report.passed

    def _record(self, identity: FileId) -> Path:
        return self.records / f"{identity.device}-{identity.inode}.jsonl"


class _Bringer:
    """Decides file by file; writes down what was seen of each before it is touched."""

    def __init__(
        self,
        live: Path,
        destination: Path,
        known: Cursor[Seen],
        record: LineWriter,
        databases: _Databases,
        began_ns: int,
        advance: Callable[[int], None],
    ) -> None:
        self._live, self._destination, self._known, self._record = live, destination, known, record
        self._databases, self._began_ns, self._advance = databases, began_ns, advance
        self._copier = Copier()

    def place(self, entry: TreeEntry, there: TreeEntry | None) -> int | None:
        """Keep what is proven unchanged, bring the rest; see trees.Place."""
        then = self._known.find(entry.path)
        if then is not None and is_unchanged(entry, then) and _looks_like(there, entry):
            self._record.write(then)
            return None
        database = (then is not None and then.database) or self._is_database(entry)
        if database and self._databases is _Databases.LEFT:
            self._record.write(self._seen(entry, database=True))
            return None
        written = refresh_file(self._copier, self._live / entry.path, self._destination / entry.path, there)
        self._record.write(self._seen(entry, database=database))
        self._advance(written)
        return written

    def _seen(self, entry: TreeEntry, *, database: bool) -> Seen:
        return Seen(entry.path, entry.inode, entry.size, entry.mtime_ns, entry.ctime_ns, self._began_ns, database)

    def _is_database(self, entry: TreeEntry) -> bool:
        """By its first bytes, or as the side file of a database. No database is open through SQLite here."""
        if any(entry.path.endswith(ending) for ending in SIDE_FILES):
            return True
        return entry.size >= _SMALLEST_PAGE and starts_with(self._live / entry.path, MAGIC)


def must_be_private(tree: Path) -> None:
    """Raises NotPrivate naming the first file of `tree` that has another name: writing it would change something else."""
    for entry in walk(tree):
        if entry.kind is EntryKind.FILE and entry.links != 1:
            raise NotPrivate(f"{tree / entry.path} is not a private copy", why=f"it has {entry.links} names")


def remove_classes(tree: Path, classify: Callable[[str], PathClass]) -> None:
    """Remove from a tree what no snapshot holds."""
    for entry in walk(tree):
        if not in_snapshot(classify(entry.path)):
            remove(tree / entry.path)


def move_tree(tree: Path, destination: Path, advance: Callable[[int], None]) -> None:
    """Move a tree by rename; across file systems copy it, durably, and remove the original last.

    However it is cut off, what bears the name of `tree` or `destination` is whole: `drop_left` removes the rest.
    """
    try:
        tree.rename(destination)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        half = destination.with_name(f".{destination.name}.half")
        remove(half)
        copy_tree(tree, half, advance=advance)
        sync_filesystem(half)
        half.rename(destination)
        sync_directory(destination.parent)
        tree.rename(_leaving(tree))
        sync_directory(tree.parent)
        drop_left(tree)
        return
    sync_directory(destination.parent)
    sync_directory(tree.parent)


def drop_left(tree: Path) -> None:
    """Remove what is left of a tree that was copied elsewhere. Nothing there is fine."""
    if os.path.lexists(_leaving(tree)):
        remove(_leaving(tree))
        sync_directory(tree.parent)


def _leaving(tree: Path) -> Path:
    return tree.with_name(f"{tree.name}.leaving")


def _looks_like(there: TreeEntry | None, entry: TreeEntry) -> bool:
    """Whether the standby's file can be the copy it is recorded to be."""
    return (
        there is not None
        and there.kind is EntryKind.FILE
        and there.links == 1
        and (there.size, there.mtime_ns, there.mode) == (entry.size, entry.mtime_ns, entry.mode)
    )


def _identity(tree: Path) -> FileId:
    top = entry_at(tree, "")
    return FileId(top.device, top.inode)
