"""One file: copied, patched, hashed, dressed; and one call that makes a whole file system durable."""

import ctypes
import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import reflink_copy

from upgrader.domain.kept.tree import DiskFull, EntryKind, TreeEntry, TreeUnreadable

CHUNK = 1024 * 1024  # bytes read at once; also the unit in which two files are compared
_PRIVATE = 0o600


class Copier:
    """Copies the content of files; remembers between which devices a copy-on-write clone was refused."""

    def __init__(self) -> None:
        self._refused: set[tuple[int, int]] = set()

    def copy(self, source: Path, destination: Path) -> int:
        """Copy `source` to the new file `destination`: by clone where the file system can, holes stay holes.

        Returns the bytes of the file. Metadata is for `dress`. Raises FileNotFoundError when the source vanished,
        TreeUnreadable, DiskFull.
        """
        if self.clone(source, destination):
            return destination.lstat().st_size
        with _translated(source), _Reading(source) as reading, _Writing(destination) as writing:
            size = os.fstat(reading).st_size
            for start, end in _data_ranges(reading, size):
                _copy_range(reading, writing, start, end)
            os.ftruncate(writing, size)
            return size

    def clone(self, source: Path, destination: Path) -> bool:
        """Share the blocks of `source` with the new file `destination`; False where that cannot be done, nothing left then.

        The library's own fall-back is not used: it fills holes.
        """
        devices = (source.lstat().st_dev, destination.parent.stat().st_dev)
        if devices in self._refused or source.is_symlink() or os.path.lexists(destination):
            return False
        try:
            reflink_copy.reflink(str(source), str(destination))
        except OSError:  # the library keeps no errno: whatever it was, the plain copy finds it again and names it
            destination.unlink(missing_ok=True)
            self._refused.add(devices)
            return False
        return True


def copy_hashed(source: Path, destination: Path) -> tuple[int, str]:
    """Like copy_file, and returns the SHA-256 of what was read beside the size."""
    digest = hashlib.sha256()
    size = 0
    with _translated(source), _Reading(source) as reading, _Writing(destination) as writing:
        limit = os.fstat(reading).st_size  # a log that grows faster than we read must still end
        while size < limit:
            block = os.read(reading, min(CHUNK, limit - size))
            if not block:
                break
            digest.update(block)
            if block.count(0) == len(block):
                os.lseek(writing, len(block), os.SEEK_CUR)
            else:
                _write_all(writing, block)
            size += len(block)
        os.ftruncate(writing, size)
    return size, digest.hexdigest()


def patch_file(source: Path, destination: Path) -> int:
    """Make the existing private file `destination` equal to `source`, writing only blocks that differ. Returns bytes written.

    In place: only for a tree that nobody uses yet. Raises what copy_file raises.
    """
    written = 0
    with _translated(source), _Reading(source) as reading:
        target = os.open(destination, os.O_RDWR | os.O_NOFOLLOW)
        try:
            offset = 0
            while block := os.pread(reading, CHUNK, offset):
                if os.pread(target, len(block), offset) != block:
                    _pwrite_all(target, block, offset)
                    written += len(block)
                offset += len(block)
            os.ftruncate(target, offset)
        finally:
            os.close(target)
    return written


def digest_file(path: Path) -> str:
    """SHA-256 of a file's bytes, streamed. Raises FileNotFoundError, TreeUnreadable."""
    digest = hashlib.sha256()
    with _translated(path), _Reading(path) as reading:
        while block := os.read(reading, CHUNK):
            digest.update(block)
    return digest.hexdigest()


def starts_with(path: Path, magic: bytes) -> bool:
    """Whether a file begins with `magic`. Plain I/O: never on a database this process has open through SQLite."""
    with _translated(path), _Reading(path) as reading:
        return os.read(reading, len(magic)) == magic


def dress(source: Path, destination: Path, entry: TreeEntry) -> None:
    """Give `destination` the owner (as root), extended attributes, mode and mtime of `entry`, whose original is `source`.

    The owner first, because changing it clears set-id bits; the time last, because everything else moves it.
    """
    if os.geteuid() == 0:
        os.chown(destination, entry.uid, entry.gid, follow_symlinks=False)
    _copy_attributes(source, destination)
    if entry.kind is not EntryKind.LINK:
        destination.chmod(entry.mode)
    os.utime(destination, ns=(entry.mtime_ns, entry.mtime_ns), follow_symlinks=False)


def sync_filesystem(path: Path) -> None:
    """Make everything written to the file system of `path` durable with one call (thousands of fsyncs take minutes).

    Raises OSError when the kernel reports that some of it could not be written.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if libc.syncfs(descriptor) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), str(path))
    finally:
        os.close(descriptor)


def free_bytes(path: Path) -> int:
    """Bytes this user may still write on the file system of `path`."""
    answer = os.statvfs(path)
    return answer.f_bavail * answer.f_frsize


class _Reading:
    """A descriptor of a regular file for reading, never through a link put there meanwhile; NONBLOCK for a FIFO put there."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> int:
        self._descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        return self._descriptor

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


class _Writing:
    """A descriptor of a new file, private from its creation."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> int:
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE)
        return self._descriptor

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


class _translated:  # noqa: N801 - reads as a word in a with statement
    """Turns what the kernel says of a file into our errors; a vanished file stays FileNotFoundError, the caller knows."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, OSError) or isinstance(error, FileNotFoundError):
            return
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(
                "there is no room for the copy",
                why=f"the disk filled up at {self._path.name}",
                hint="free room there; `upgrader status` lists the snapshots and their sizes",
            ) from error
        raise TreeUnreadable(
            f"cannot copy {self._path}", why=error.strerror or str(error), hint="run upgrader as the user that owns it"
        ) from error


def _data_ranges(descriptor: int, size: int) -> Iterator[tuple[int, int]]:
    """The ranges of a file that hold data; all of it where the file system cannot tell holes."""
    offset = 0
    while offset < size:
        try:
            start = os.lseek(descriptor, offset, os.SEEK_DATA)
            end = os.lseek(descriptor, start, os.SEEK_HOLE)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole up to the end
                return
            start, end = offset, size
        yield start, min(end, size)
        offset = end


def _copy_range(reading: int, writing: int, start: int, end: int) -> None:
    offset = start
    while offset < end:
        try:
            moved = os.copy_file_range(reading, writing, end - offset, offset, offset)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
                raise
            block = os.pread(reading, min(CHUNK, end - offset), offset)
            _pwrite_all(writing, block, offset)
            moved = len(block)
        if moved == 0:  # the source was cut short meanwhile
            return
        offset += moved


def _write_all(descriptor: int, block: bytes) -> None:
    view = memoryview(block)
    while view:
        view = view[os.write(descriptor, view) :]


def _pwrite_all(descriptor: int, block: bytes, offset: int) -> None:
    view = memoryview(block)
    while view:
        done = os.pwrite(descriptor, view, offset)
        view, offset = view[done:], offset + done


def _copy_attributes(source: Path, destination: Path) -> None:
    """Extended attributes (access lists among them) where both sides know them; what may not be set is left, one by one."""
    with _permitted():
        for name in os.listxattr(source, follow_symlinks=False):
            with _permitted():
                os.setxattr(destination, name, os.getxattr(source, name, follow_symlinks=False), follow_symlinks=False)


@contextmanager
def _permitted() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.EPERM, errno.EACCES, errno.ENODATA, errno.ENOENT):
            raise
