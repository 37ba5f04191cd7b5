"""Walks and mirrors file trees: sorted, in bounded memory, nothing shared with the source.

Memory grows with the largest directory and the depth, never with the number of files. Times are lstat's.
"""

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from upgrader.adapters.files.disk import allocated_bytes
from upgrader.adapters.files.filecopy import Copier, dress, patch_file
from upgrader.adapters.files.mounts import refuse_mounts_in
from upgrader.domain.kept.tree import EntryKind, NotPrivate, Passed, TreeEntry, TreeReport, TreeUnreadable

Wanted = Callable[[str], bool]
"""Whether a relative path belongs to the copy; a directory that does not is not entered."""

Place = Callable[[TreeEntry, TreeEntry | None], int | None]
"""Put one regular file (source entry, what lies at the destination) in place: bytes written, None when it was kept."""

Advance = Callable[[int], None]
"""Told the bytes written since the last call."""

_KINDS = {stat.S_IFREG: EntryKind.FILE, stat.S_IFDIR: EntryKind.DIRECTORY, stat.S_IFLNK: EntryKind.LINK}


@dataclass(frozen=True)
class Pair:
    """One path: what the source has, what the destination has. At least one of both."""

    source: TreeEntry | None
    destination: TreeEntry | None


@dataclass(frozen=True)
class Left:
    """All below this source directory has been handed out."""

    directory: TreeEntry


@dataclass
class _Tally:
    files: int = 0
    bytes: int = 0
    kept: int = 0
    removed: int = 0
    passed: list[Passed] = field(default_factory=list)

    def report(self) -> TreeReport:
        return TreeReport(self.files, self.bytes, self.kept, self.removed, tuple(self.passed))


def everything(_path: str) -> bool:
    """The `Wanted` that leaves nothing out."""
    return True


def walk(root: Path, wanted: Wanted = everything) -> Iterator[TreeEntry]:
    """All wanted paths below `root`, a directory before what it holds, names sorted. Vanished paths are passed over.

    Raises TreeUnreadable with the first directory that cannot be listed.
    """
    for step in pairs(root, None, wanted):
        if isinstance(step, Pair) and step.source is not None:
            yield step.source


def pairs(source: Path, destination: Path | None, wanted: Wanted) -> Iterator[Pair | Left]:
    """Both trees side by side, sorted; a directory of the source is entered, one that only the destination has is not.

    The destination may be changed at the path just handed out: its directories are listed only when they are entered.
    """
    todo: list[Pair | Left] = list(reversed(_listed(source, destination, "", wanted)))
    while todo:
        step = todo.pop()
        yield step
        if isinstance(step, Pair) and step.source is not None and step.source.kind is EntryKind.DIRECTORY:
            todo.append(Left(step.source))
            todo.extend(reversed(_listed(source, destination, step.source.path, wanted)))


def mirror(source: Path, destination: Path, place: Place, wanted: Wanted = everything) -> TreeReport:
    """Make the tree `destination` equal to `source`; how a regular file gets there is decided by `place`.

    Directories, links, modes, owners, times and extended attributes are seen to here. What the source no longer has is
    removed. Sockets, FIFOs and devices are not copied but listed, so is what vanishes meanwhile. Not durable yet:
    `sync_filesystem` once at the end. Raises TreeUnreadable, DiskFull, NotPrivate.
    """
    tally = _Tally()
    top = entry_at(source, "")
    if not destination.is_dir():
        destination.mkdir(mode=0o700)
    for step in pairs(source, destination, wanted):
        if isinstance(step, Left):
            _dress_directory(source, destination, step.directory, tally)
        elif step.source is None:
            assert step.destination is not None  # a pair has a side
            remove(destination / step.destination.path)
            tally.removed += 1
        else:
            _bring(source, destination, step.source, step.destination, place, tally)
    _dress_directory(source, destination, top, tally)
    return tally.report()


def copy_tree(source: Path, destination: Path, wanted: Wanted = everything, advance: Advance | None = None) -> TreeReport:
    """A private copy of `source` at `destination`, which must not exist or be empty. Raises what `mirror` raises."""
    copier = Copier()

    def place(entry: TreeEntry, _there: TreeEntry | None) -> int:
        size = copier.copy(source / entry.path, destination / entry.path)
        if advance is not None:
            advance(size)
        return size

    return mirror(source, destination, place, wanted)


def refresh_file(copier: Copier, source: Path, destination: Path, there: TreeEntry | None) -> int:
    """Make one private file equal to its source: clone, else the differing blocks, else a new copy. Returns bytes written.

    Raises NotPrivate when the file to be changed has another name: it would change a snapshot.
    """
    if there is None or there.kind is not EntryKind.FILE:
        return copier.copy(source, destination)
    if there.links != 1:
        raise NotPrivate(f"{destination} is not a private copy", why=f"it has {there.links} names")
    if copier.clone(source, fresh := destination.with_name(f".{destination.name}.upgrader-new")):
        fresh.replace(destination)
        return destination.lstat().st_size
    return patch_file(source, destination)


def entry_at(root: Path, path: str) -> TreeEntry:
    """What lies at `path` below `root`. Raises FileNotFoundError, TreeUnreadable."""
    place = f"{root}/{path}" if path else str(root)  # text: a Path object per file costs more than the call
    try:
        found = os.lstat(place)
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), EntryKind.OTHER)
        target = os.readlink(place) if kind is EntryKind.LINK else ""  # noqa: PTH115
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _unreadable(Path(place), error) from error
    return TreeEntry(
        path=path,
        kind=kind,
        mode=stat.S_IMODE(found.st_mode),
        size=0 if kind is EntryKind.DIRECTORY else found.st_size,
        mtime_ns=found.st_mtime_ns,
        ctime_ns=found.st_ctime_ns,
        inode=found.st_ino,
        device=found.st_dev,
        links=found.st_nlink,
        uid=found.st_uid,
        gid=found.st_gid,
        target=target,
        allocated=0 if kind is EntryKind.DIRECTORY else allocated_bytes(found),
    )


def remove(path: Path) -> None:
    """Remove whatever lies at `path`, never through a link or a mount; unwritable directories are opened first.

    Gone already is fine. Raises MountInside, OSError.
    """
    if path.is_dir() and not path.is_symlink():
        refuse_mounts_in(path)
        shutil.rmtree(path, onerror=_open_and_retry)
    else:
        path.unlink(missing_ok=True)


def _open_and_retry(_function: Callable[..., object], path: str, _error: object) -> None:
    """A directory without write permission keeps what it holds: give its owner the permission and try once more."""
    place = Path(path)
    if not os.path.lexists(path):
        return
    place.parent.chmod(0o700)
    if place.is_dir() and not place.is_symlink():
        place.chmod(0o700)
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


def _listed(source: Path, destination: Path | None, path: str, wanted: Wanted) -> list[Pair | Left]:
    here = {name for name in _names(source, path) if wanted(_joined(path, name))}
    there = set() if destination is None else _names(destination, path)
    steps: list[Pair | Left] = []
    for name in sorted(here | there):
        relative = _joined(path, name)
        left = _entry_or_none(source, relative) if name in here else None
        right = _entry_or_none(destination, relative) if destination is not None and name in there else None
        if left is not None or right is not None:
            steps.append(Pair(left, right))
    return steps


def _names(root: Path, path: str) -> set[str]:
    place = root / path if path else root
    try:
        return set(os.listdir(place))  # noqa: PTH208 - a set of names, no objects
    except (FileNotFoundError, NotADirectoryError):
        return set()
    except OSError as error:
        raise _unreadable(place, error) from error


def _entry_or_none(root: Path, path: str) -> TreeEntry | None:
    try:
        return entry_at(root, path)
    except FileNotFoundError:
        return None


def _bring(source: Path, destination: Path, entry: TreeEntry, there: TreeEntry | None, place: Place, tally: _Tally) -> None:
    target = destination / entry.path
    if there is not None and there.kind is not entry.kind:
        remove(target)
        there = None
    try:
        if entry.kind is EntryKind.DIRECTORY:
            _open_directory(target, there)
        elif entry.kind is EntryKind.LINK:
            _link(source, target, entry, there)
        elif entry.kind is EntryKind.FILE:
            _file(source, target, entry, there, place, tally)
        else:
            tally.passed.append(Passed(entry.path, "a socket, FIFO or device"))
            remove(target)
    except FileNotFoundError:
        remove(target)
        tally.passed.append(Passed(entry.path, "it vanished while it was copied"))


def _file(source: Path, target: Path, entry: TreeEntry, there: TreeEntry | None, place: Place, tally: _Tally) -> None:
    written = place(entry, there)
    if written is None:
        tally.kept += 1
        return
    dress(source / entry.path, target, entry)
    tally.files += 1
    tally.bytes += written


def _link(source: Path, target: Path, entry: TreeEntry, there: TreeEntry | None) -> None:
    if there is not None and there.target == entry.target and there.mtime_ns == entry.mtime_ns:
        return
    remove(target)
    target.symlink_to(entry.target)
    dress(source / entry.path, target, entry)


def _open_directory(target: Path, there: TreeEntry | None) -> None:
    """Private and writable while it is filled; its own mode and time come when it is left."""
    if there is None:
        target.mkdir(mode=0o700)
    elif there.mode & 0o700 != 0o700:
        target.chmod(0o700)


def _dress_directory(source: Path, destination: Path, entry: TreeEntry, tally: _Tally) -> None:
    target = destination / entry.path if entry.path else destination
    origin = source / entry.path if entry.path else source
    try:
        dress(origin, target, entry)
    except FileNotFoundError:
        tally.passed.append(Passed(entry.path, "it vanished while it was copied"))


def _joined(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _unreadable(place: Path, error: OSError) -> TreeUnreadable:
    return TreeUnreadable(
        f"cannot read {place}", why=error.strerror or str(error), hint="run upgrader as the user that owns it"
    )
