"""A directory tree as one value: its manifest, its digest, read-only, durable, and gone again.

A manifest is text, one JSON line an entry, in the order of the walk (names sorted within each directory):
`["d", mode, 0, "", path]`, `["f", mode, bytes, sha256, path]`, `["l", 0, 0, "", path, target]`. Paths are relative to
the tree, modes octal permission bits. The digest of the tree is the SHA-256 of the manifest's bytes.
"""

import ctypes
import hashlib
import itertools
import json
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from upgrader.adapters.files.mounts import refuse_mounts_in


@dataclass(frozen=True)
class TreeFacts:
    """`digest` of the manifest, number of files and links, sum of the files' lengths in bytes."""

    digest: str
    files: int
    size_bytes: int


@dataclass(frozen=True)
class Difference:
    """The first entry that is not as recorded: `path` relative to the tree, and what is wrong with it."""

    path: str
    what: str


def write_manifest(root: Path, names: tuple[str, ...], manifest: Path) -> TreeFacts:
    """Describe the entries `names` of `root` (empty: the whole of it) in the new file `manifest`, 0600, synced.

    Cost: one read of each file; memory grows with the largest single directory only. Raises OSError.
    """
    digest, files, size = hashlib.sha256(), 0, 0
    descriptor = os.open(manifest, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        for entry in _entries(root, names):
            digest.update(entry.line)
            out.write(entry.line)
            files += entry.kind != "d"
            size += entry.size
        out.flush()
        os.fsync(out.fileno())
    return TreeFacts(digest.hexdigest(), files, size)


def first_difference(root: Path, names: tuple[str, ...], manifest: Path, digest: str) -> Difference | None:
    """Compare the tree with a manifest whose own SHA-256 must be `digest`; None when both hold. Raises OSError."""
    with manifest.open("rb") as recorded:
        if hashlib.file_digest(recorded, "sha256").hexdigest() != digest:
            return Difference(manifest.name, "the list of files itself is not what was recorded")
        recorded.seek(0)
        for line, entry in itertools.zip_longest(recorded, _entries(root, names)):
            if entry is None or line is None or line != entry.line:
                return _named(line, entry)
    return None


def make_read_only(root: Path) -> None:
    """Take every write permission from `root`, a file or a directory, and from everything below it."""
    if not root.is_dir():
        _take_write(root)
    for directory, _, files in os.walk(root, topdown=False):
        for name in files:
            _take_write(Path(directory) / name)
        _take_write(Path(directory))


def remove_tree(root: Path) -> None:
    """Remove a tree of ours, read-only or not; one that is gone is fine. Raises MountInside, OSError when something stays."""
    if not root.exists():
        return
    refuse_mounts_in(root)
    for directory, _, _ in os.walk(root):
        mode = Path(directory).lstat().st_mode
        if mode & stat.S_IRWXU != stat.S_IRWXU:
            Path(directory).chmod(stat.S_IMODE(mode) | stat.S_IRWXU)
    shutil.rmtree(root)


def sync_file_system(root: Path) -> None:
    """Make everything written so far on the file system of `root` durable: one call instead of one for every file."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
        if syncfs is None:
            os.sync()
        elif syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(root))
    finally:
        os.close(descriptor)


def digest_file(file: Path) -> str:
    """SHA-256 of a file's content, streamed. Raises OSError."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


@dataclass(frozen=True)
class _Entry:
    kind: str
    path: str
    size: int
    line: bytes


def _entries(root: Path, names: tuple[str, ...]) -> Iterator[_Entry]:
    """Every entry below `root`, directories before what is in them; other kinds (sockets, devices) by kind only."""
    if names:
        for name in sorted(names):
            yield from _entry(root / name, name)
    else:
        yield from _below(root, "")


def _below(directory: Path, prefix: str) -> Iterator[_Entry]:
    with os.scandir(directory) as found:
        names = sorted(entry.name for entry in found)
    for name in names:
        yield from _entry(directory / name, f"{prefix}{name}")


def _entry(path: Path, relative: str) -> Iterator[_Entry]:
    found = path.lstat()
    mode = f"{stat.S_IMODE(found.st_mode):04o}"
    if stat.S_ISDIR(found.st_mode):
        yield _made("d", mode, 0, "", relative)
        yield from _below(path, f"{relative}/")
    elif stat.S_ISLNK(found.st_mode):
        yield _made("l", "0000", 0, "", relative, str(path.readlink()))
    elif stat.S_ISREG(found.st_mode):
        yield _made("f", mode, found.st_size, digest_file(path), relative)
    else:
        yield _made("o", mode, 0, f"{stat.S_IFMT(found.st_mode):o}", relative)


def _made(kind: str, mode: str, size: int, digest: str, path: str, *target: str) -> _Entry:
    line = json.dumps([kind, mode, size, digest, path, *target], separators=(",", ":")).encode() + b"\n"
    return _Entry(kind, path, size, line)


def _named(line: bytes | None, entry: _Entry | None) -> Difference:
    """Which path it is: both walks are in the same order, so the smaller of two different paths is the odd one."""
    if line is None and entry is not None:
        return Difference(entry.path, "it was not there when the slot was made")
    recorded = [str(value) for value in json.loads(line or b"[]")]
    if entry is None:
        return Difference(recorded[4], "it is gone")
    if recorded[4] != entry.path:
        ours, theirs = entry.path.split("/"), recorded[4].split("/")
        if ours < theirs:
            return Difference(entry.path, "it was not there when the slot was made")
        return Difference(recorded[4], "it is gone")
    if recorded[0] != entry.kind:
        return Difference(entry.path, "it is another kind of file now")
    present = [str(value) for value in json.loads(entry.line)]
    if recorded[1] != present[1]:
        return Difference(entry.path, f"its permissions are {present[1]}, not {recorded[1]}")
    return Difference(entry.path, "its content is not what was recorded")


def _take_write(path: Path) -> None:
    found = path.lstat()
    if not stat.S_ISLNK(found.st_mode):
        path.chmod(stat.S_IMODE(found.st_mode) & ~0o222)
