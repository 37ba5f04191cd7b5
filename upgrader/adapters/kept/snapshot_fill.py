"""Fills a snapshot's tree: databases as of one moment, unchanged files shared with the snapshot before, the rest copied.

Three rules. Nothing is ever shared with live data. A database somebody uses is copied through SQLite only. What is
copied is hashed as it is read, so that the copy can be compared with it afterwards.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from upgrader.adapters.databases.live import MAGIC, SIDE_FILES, Opened, held
from upgrader.adapters.files.filecopy import copy_hashed, digest_file, dress, free_bytes, starts_with
from upgrader.adapters.files.manifests import LINES, TREE, Cursor, LineWriter, line_of, read_lines, seen_of
from upgrader.adapters.files.trees import Wanted, entry_at, mirror, walk
from upgrader.domain.kept.snapshot import ManifestLine, SnapshotLimits
from upgrader.domain.kept.tree import CLOCK_SLACK_NS, DiskFull, EntryKind, Passed, Seen, TreeEntry, is_unchanged, order_of
from upgrader.domain.units import size

NOTE = "read.jsonl"
"""What was read of each file while it was copied; lies beside the tree until the manifest stands."""

_SMALLEST_PAGE = 512  # bytes; a shorter file holds no database


class Moved(Exception):
    """A database appeared or changed between the look and the copy: the round must be done again."""


@dataclass(frozen=True)
class Found:
    """The databases of a tree by their headers: `busy` have an owner or changed just now, `quiet` have not."""

    busy: tuple[str, ...]
    quiet: tuple[TreeEntry, ...]

    @property
    def paths(self) -> frozenset[str]:
        """All of them."""
        return frozenset((*self.busy, *(entry.path for entry in self.quiet)))


@dataclass(frozen=True)
class Filled:
    """How a fill went: what was left, and how the read transactions began (live only)."""

    passed: tuple[Passed, ...]
    opened: Opened | None


@dataclass(frozen=True)
class Filler:
    """Fills `folder`/tree from `source`; `previous` is the folder of the snapshot before, where there is one."""

    source: Path
    folder: Path
    previous: Path | None
    wanted: Wanted
    began_ns: int
    limits: SnapshotLimits
    monotonic: Callable[[], float]
    advance: Callable[[int], None]

    def fill_live(self) -> Filled:
        """Copy the tree of a running gateway. Raises Moved, SnapshotGivenUp, TreeUnreadable, DiskFull.

        Databases first: a row then never names a file that the copy lacks, because files come later.
        """
        found = self.find_databases()
        (self.folder / TREE).mkdir(mode=0o700)
        with held(self.source, found.busy, self.limits, self.monotonic) as databases:
            for path in found.busy:
                self._room_for(path)
                databases.back_up(path, self._tree / path, self.advance)
            opened = databases.opened
        passed = self._mirror(found.paths, frozenset(found.busy))
        for before in found.quiet:
            self._must_be_untouched(before)
        return Filled(passed, opened)

    def fill_stopped(self) -> Filled:
        """Copy the tree of a stopped gateway, databases with their side files as they lie. Raises TreeUnreadable, DiskFull."""
        found = self.find_databases()
        return Filled(self._mirror(found.paths, frozenset()), None)

    def find_databases(self) -> Found:
        """Look at the first bytes of every file. Must run before any database is opened in this process. Raises DiskFull."""
        busy: list[str] = []
        quiet: list[TreeEntry] = []
        need = 0
        for entry in walk(self.source, self.wanted):
            need += entry.allocated
            if entry.kind is not EntryKind.FILE or entry.size < _SMALLEST_PAGE or not self._is_database(entry.path):
                continue
            just_changed = entry.ctime_ns >= self.began_ns - CLOCK_SLACK_NS
            if just_changed or any((self.source / (entry.path + ending)).exists() for ending in SIDE_FILES):
                busy.append(entry.path)
            else:
                quiet.append(entry)
        self._must_fit(need)
        return Found(tuple(busy), tuple(quiet))

    def _must_fit(self, need: int) -> None:
        """Refuse before the first byte; with a snapshot before it most is shared, and a full disk is noticed while copying."""
        free = free_bytes(self.folder)
        if self.previous is None and need + self.limits.reserve_bytes > free:
            raise DiskFull(
                "there is no room for a snapshot",
                why=f"it needs {size(need)} and a reserve of {size(self.limits.reserve_bytes)}, {size(free)} are free",
                hint="`upgrader prune` gives back room",
            )

    @property
    def _tree(self) -> Path:
        return self.folder / TREE

    def _is_database(self, path: str) -> bool:
        try:
            return starts_with(self.source / path, MAGIC)
        except FileNotFoundError:
            return False

    def _room_for(self, path: str) -> None:
        """Make the directories above a database; their own modes come with the mirror."""
        place = self._tree
        for part in Path(path).parent.parts:
            place = place / part
            place.mkdir(mode=0o700, exist_ok=True)

    def _mirror(self, databases: frozenset[str], backed_up: frozenset[str]) -> tuple[Passed, ...]:
        """Bring everything but the databases already copied, and write down what was seen and read of each file."""
        before = Cursor(read_lines(self.previous / LINES) if self.previous is not None else iter(()))
        with LineWriter(self.folder / NOTE) as record:

            def wanted(path: str) -> bool:
                return self.wanted(path) and not _is_side_file(path, backed_up)

            def place(entry: TreeEntry, _there: TreeEntry | None) -> int | None:
                seen = self._seen(entry, databases)
                if entry.path in backed_up:
                    dress(self.source / entry.path, self._tree / entry.path, entry)
                    record.write(line_of(entry, "", seen))
                    return None
                line = before.find(entry.path)
                if line is not None and self._share(entry, line):
                    record.write(line_of(entry, line.digest, seen))
                    return None
                if backed_up and not seen.database and self._is_new_database(entry):
                    raise Moved(entry.path)
                size, digest = copy_hashed(self.source / entry.path, self._tree / entry.path)
                self.advance(size)
                record.write(line_of(entry, digest, seen))
                return size

            return mirror(self.source, self._tree, place, wanted).passed

    def _seen(self, entry: TreeEntry, databases: frozenset[str]) -> Seen:
        database = entry.path in databases or _is_side_file(entry.path, databases)
        return Seen(entry.path, entry.inode, entry.size, entry.mtime_ns, entry.ctime_ns, self.began_ns, database)

    def _share(self, entry: TreeEntry, line: ManifestLine) -> bool:
        """Give the file of the snapshot before a second name, where the live file is unchanged since."""
        if self.previous is None or not line.digest or not is_unchanged(entry, seen_of(line)):
            return False
        try:
            (self._tree / entry.path).hardlink_to(self.previous / TREE / entry.path)
        except OSError:  # too many names, or the older snapshot is damaged: a copy is always right
            return False
        return True

    def _is_new_database(self, entry: TreeEntry) -> bool:
        changed = entry.ctime_ns >= self.began_ns - CLOCK_SLACK_NS
        return changed and entry.size >= _SMALLEST_PAGE and self._is_database(entry.path)

    def _must_be_untouched(self, before: TreeEntry) -> None:
        """A quiet database copied plainly is as of the common moment only if nobody came to it meanwhile."""
        try:
            now = entry_at(self.source, before.path)
        except FileNotFoundError:
            raise Moved(before.path) from None
        opened = any((self.source / (before.path + ending)).exists() for ending in SIDE_FILES)
        if now != before or opened:
            raise Moved(before.path)


def copied_line(tree: Path, entry: TreeEntry, read: Cursor[ManifestLine], digest: Callable[[Path], str]) -> ManifestLine:
    """The manifest line of a copied path. Files are read again; a file shared with the snapshot before keeps its digest.

    Raises Moved when the copy is not what was read.
    """
    if entry.kind is not EntryKind.FILE:
        return line_of(entry, "", None)
    noted = read.find(entry.path)
    expected = noted.digest if noted is not None else ""
    found = expected if entry.links > 1 and expected else digest(tree / entry.path)
    if expected and found != expected:
        raise Moved(entry.path)
    return line_of(entry, found, seen_of(noted) if noted is not None else None)


def line_differs(tree: Path, entry: TreeEntry, line: ManifestLine) -> str:
    """In what a path of a snapshot differs from its manifest line; empty when it does not. Files are read."""
    if entry.path != line.path:
        return "it is missing" if order_of(entry.path) > order_of(line.path) else "it does not belong there"
    if (entry.kind, entry.mode, entry.target) != (line.kind, line.mode, line.target):
        return "its kind, mode or target has changed"
    if entry.kind is EntryKind.FILE and (entry.size != line.size or digest_file(tree / entry.path) != line.digest):
        return "its content has changed"
    return "" if entry.mtime_ns == line.mtime_ns else "its time has changed"


def _is_side_file(path: str, databases: frozenset[str]) -> bool:
    return any(path.endswith(ending) and path.removesuffix(ending) in databases for ending in SIDE_FILES)
