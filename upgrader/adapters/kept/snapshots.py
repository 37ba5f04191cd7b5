"""Port Snapshots on disk: `<home>/snapshots/<id>/`, kept files in `<home>/files/`, all of it 0700/0600.

A snapshot is made in `<home>/snapshots/.partial-<id>/` and gets its name by one rename when everything is durable. What a
crash leaves there is removed at the next run, unless its header stands: then only the rename was missing.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from upgrader.adapters.files.durable import make_private, replace_durably, sync_directory
from upgrader.adapters.files.filecopy import digest_file, sync_filesystem
from upgrader.adapters.files.manifests import HEADER, LINES, TREE, Cursor, LineWriter, header_bytes, note_of, read_lines
from upgrader.adapters.files.trees import entry_at, remove, walk
from upgrader.adapters.kept.snapshot_fill import NOTE, Filled, Filler, Moved, copied_line, line_differs
from upgrader.adapters.kept.snapshot_shelf import PARTIAL, SnapshotShelf
from upgrader.adapters.kept.standby import Standbys, drop_left, move_tree, remove_classes
from upgrader.domain.installation.facts import Installation
from upgrader.domain.kept.pathclass import PathClass, in_snapshot
from upgrader.domain.kept.snapshot import (
    Moment,
    OutsideFile,
    Snapshot,
    SnapshotDamaged,
    SnapshotGivenUp,
    SnapshotLimits,
    SnapshotUnknown,
)
from upgrader.domain.kept.tree import EntryKind, order_of
from upgrader.domain.moves.journal import FileId
from upgrader.domain.ports import Clock

_ROUNDS = 3
_STAMP, _STAMP_LENGTH = "%Y%m%dT%H%M%SZ", 16
_EPOCH = datetime.fromtimestamp(0, UTC)


def quietly(_bytes: int) -> None:
    """The progress that tells nobody."""


@dataclass(frozen=True)
class FileSnapshots:
    """All snapshots of one installation. `classify` says what a path of the state is for; `advance` is told bytes done."""

    home: Path
    classify: Callable[[str], PathClass]
    clock: Clock
    limits: SnapshotLimits = field(default_factory=SnapshotLimits)
    advance: Callable[[int], None] = quietly

    def take(self, installation: Installation, slot_id: str, reason: str) -> Snapshot:
        """A verified copy of the state: live through SQLite's backup where a gateway runs, plainly where none does.

        Raises SnapshotGivenUp (a limit was reached), TreeUnreadable, DiskFull; nothing is left then.
        """
        self.tidy()
        for _ in range(_ROUNDS):
            try:
                return self._take_once(installation, slot_id, reason)
            except Moved as moved:
                why = f"{moved} changed while it was copied, {_ROUNDS} times in a row"
        raise SnapshotGivenUp("no snapshot was taken", why=why, hint="try again when the gateway is idle")

    def materialise(self, snapshot: Snapshot, destination: Path) -> FileId:
        """A private, durable copy of the snapshot's tree at `destination`, which must not exist. Returns its identity.

        Raises SnapshotUnknown, StandbyInTheWay, NotPrivate, DiskFull, TreeUnreadable.
        """
        if not (snapshot.tree.parent / HEADER).exists():
            raise SnapshotUnknown(f"snapshot {snapshot.id} is not here", hint="`upgrader status` shows what is")
        identity = self._standbys.materialise(snapshot, destination)
        self._forget_settling(identity)
        return identity

    def prefill(self, live: Path, destination: Path) -> None:
        """Copy ahead, while a gateway still runs, what `refresh` would have to copy after the stop; databases excepted."""
        self._standbys.prefill(live, destination)

    def refresh(self, live: Path, destination: Path) -> None:
        """Make `destination` equal to the stopped tree `live`, durable. Raises NotPrivate, TreeUnreadable, DiskFull."""
        self._standbys.refresh(live, destination)

    def keep(self, installation: Installation, slot_id: str, tree: Path, outside: tuple[OutsideFile, ...]) -> Snapshot:
        """Turn a stopped tree into a snapshot: read, described, then moved by rename (copied across file systems).

        Caches in it are dropped. The tree stays where it is until its description is durable.
        """
        self.tidy()
        folder = self._new_folder()
        standbys = self._standbys
        identity = entry_at(tree, "")
        remove_classes(tree, self.classify)
        with LineWriter(folder / NOTE) as note:
            for seen in standbys.seen(tree):
                note.write(note_of(seen))
        kept = replace(
            self._header(installation, slot_id, "kept at a move", folder, Filled((), None)),
            moment=Moment.STOPPED,
            outside=outside,
        )
        finished = self._described(kept, folder, tree)
        replace_durably(folder / HEADER, header_bytes(finished))
        move_tree(tree, folder / TREE, self.advance)
        standbys.forget(FileId(identity.device, identity.inode))
        return replace(finished, tree=self._name(folder) / TREE)

    def forget(self, identity: FileId) -> None:
        """Drop what is known of a private tree that is gone: its inode may come back as another's."""
        self._standbys.forget(identity)

    def drop_left(self, tree: Path) -> None:
        """Remove what a `keep` that was cut off has left of a tree it had copied to another file system."""
        drop_left(tree)

    def keep_file(self, path: Path) -> OutsideFile:
        """Keep the bytes of a file outside the state directory; one that does not exist is kept as absent."""
        try:
            data, mode = path.read_bytes(), path.stat().st_mode & 0o7777
        except FileNotFoundError:
            return OutsideFile(path, None, 0o600)
        digest = hashlib.sha256(data).hexdigest()
        place = make_private(self.home / "files") / digest
        if not place.exists():
            replace_durably(place, data)
        return OutsideFile(path, digest, mode)

    def file_bytes(self, digest: str) -> bytes:
        """The bytes kept under a digest. Raises SnapshotUnknown, SnapshotDamaged."""
        try:
            data = (self.home / "files" / digest).read_bytes()
        except FileNotFoundError as error:
            raise SnapshotUnknown("the kept bytes of a file are gone", why=f"nothing lies under {digest[:12]}") from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise SnapshotDamaged("the kept bytes of a file have changed", why=f"they no longer match {digest[:12]}")
        return data

    def list(self) -> tuple[Snapshot, ...]:
        """All snapshots whose description can be read, oldest first: a damaged one is no reason not to use another."""
        return SnapshotShelf(self.home).list()

    def verify(self, snapshot: Snapshot) -> None:
        """Read everything again. Raises SnapshotDamaged naming the first path that differs from the manifest."""
        lines = snapshot.tree.parent / LINES
        if digest_file(lines) != snapshot.digest:
            raise SnapshotDamaged(f"snapshot {snapshot.id} is damaged", why="its list of files has changed")
        expected = read_lines(lines)
        for entry in walk(snapshot.tree):
            line = next(expected, None)
            if line is None:
                raise _damaged(snapshot, entry.path, "it does not belong there")
            if why := line_differs(snapshot.tree, entry, line):
                raise _damaged(snapshot, min(entry.path, line.path, key=order_of), why)
        if (missing := next(expected, None)) is not None:
            raise _damaged(snapshot, missing.path, "it is missing")

    def tidy(self) -> None:
        """Finish or remove what a crash left: a described tree only lacks its name, anything else was never a snapshot."""
        for folder in make_private(self.home / "snapshots").glob(f"{PARTIAL}*"):
            if (folder / HEADER).exists() and (folder / TREE).is_dir():
                self._name(folder)
            else:
                remove(folder)

    def _name(self, folder: Path) -> Path:
        """Give a finished partial its name, durably."""
        named = folder.with_name(folder.name.removeprefix(PARTIAL))
        folder.rename(named)
        sync_directory(named.parent)
        return named

    def _new_folder(self) -> Path:
        """An empty partial folder for a new snapshot; its name sorts after all others, also when the clock was set back."""
        folders = make_private(self.home / "snapshots")
        after = max((_moment(folder.name) for folder in folders.iterdir()), default=_EPOCH) + timedelta(seconds=1)
        return make_private(folders / f"{PARTIAL}{max(self.clock.now(), after).strftime(_STAMP)}-00")

    def _described(self, snapshot: Snapshot, folder: Path, tree: Path) -> Snapshot:
        """Read `tree` again, write its lines to `folder`, durable, and return the snapshot with its sums. Raises Moved."""
        files = size = 0
        note = folder / NOTE
        read = Cursor(read_lines(note) if note.exists() else iter(()))
        with LineWriter(folder / LINES) as lines:
            for entry in walk(tree):
                line = copied_line(tree, entry, read, digest_file)
                lines.write(line)
                files += entry.kind is EntryKind.FILE
                size += line.size
        note.unlink(missing_ok=True)
        sync_filesystem(folder)
        return replace(snapshot, files=files, size_bytes=size, digest=digest_file(folder / LINES))

    def _forget_settling(self, identity: FileId) -> None:
        """The inode of a new tree may have been that of an older one: what was settled there is not about this tree."""
        name = f"{identity.device}.{identity.inode}"
        for record in (self.home / "settling").glob("*-*"):
            if name in record.name.split("-"):
                remove(record)

    @property
    def _standbys(self) -> Standbys:
        return Standbys(make_private(self.home / "records"), self.classify, self._now_ns, self.advance)

    def _take_once(self, installation: Installation, slot_id: str, reason: str) -> Snapshot:
        source = installation.state.path
        began = self._now_ns()
        folder = self._new_folder()
        try:
            filler = Filler(
                source,
                folder,
                self._newest_of(source),
                lambda path: in_snapshot(self.classify(path)),
                began,
                self.limits,
                self.clock.monotonic,
                self.advance,
            )
            filled = filler.fill_live() if installation.is_running else filler.fill_stopped()
            sync_filesystem(folder)
            started = self._header(installation, slot_id, reason, folder, filled)
            finished = self._described(started, folder, folder / TREE)
            replace_durably(folder / HEADER, header_bytes(finished))
            return replace(finished, tree=self._name(folder) / TREE)
        except BaseException:
            remove(folder)
            raise

    def _header(self, installation: Installation, slot_id: str, reason: str, folder: Path, filled: Filled) -> Snapshot:
        return Snapshot(
            id=folder.name.removeprefix(PARTIAL),
            created=self.clock.now().isoformat(timespec="seconds"),
            moment=Moment.LIVE if installation.is_running else Moment.STOPPED,
            version=installation.package.version,
            slot_id=slot_id,
            tree=folder / TREE,
            files=0,
            size_bytes=0,
            digest="",
            outside=tuple(self.keep_file(path) for path in _outside(installation)),
            reason=reason,
            source=installation.state.path,
            passed=filled.passed,
            opened_ms=None if filled.opened is None else round(filled.opened.seconds * 1000, 3),
            one_instant=None if filled.opened is None else filled.opened.one_instant,
        )

    def _newest_of(self, source: Path) -> Path | None:
        """The folder of the newest snapshot of this very state: what did not change since is shared with it."""
        for snapshot in reversed(self.list()):
            if snapshot.source == source:
                return snapshot.tree.parent
        return None

    def _now_ns(self) -> int:
        return int(self.clock.now().timestamp() * 1_000_000_000)


def _moment(folder: str) -> datetime:
    """What the name of a snapshot's folder says; the epoch of one that is not named by us."""
    try:
        return datetime.strptime(folder.removeprefix(PARTIAL)[:_STAMP_LENGTH], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return _EPOCH


def _outside(installation: Installation) -> "tuple[Path, ...]":
    """Files of the installation that do not lie in its state directory: a config elsewhere, the unit and its drop-ins."""
    config, service = installation.state.config, installation.service
    paths = [] if config.is_relative_to(installation.state.path) else [config]
    if service.unit_path is not None:
        paths.append(service.unit_path)
    return (*paths, *service.drop_ins)


def _damaged(snapshot: Snapshot, path: str, why: str) -> SnapshotDamaged:
    return SnapshotDamaged(f"snapshot {snapshot.id} is damaged at {path}", why=why, hint="`upgrader status` shows the others")
