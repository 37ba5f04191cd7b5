"""Exchange of two names in one step: the only switch of a pointer or a state directory that no crash can halve.

Linux: renameat2 with RENAME_EXCHANGE, through the C library where it has the wrapper (glibc 2.28 and later), else by the
number of the system call. Works for directory and link in any combination on ext4, btrfs, xfs and tmpfs.
"""

import ctypes
import errno
import os
import platform
import sys
import tempfile
from pathlib import Path

from upgrader.adapters.files.durable import sync_directory
from upgrader.domain.moves.exchange import ExchangeFailed, ExchangeUnsupported
from upgrader.domain.moves.journal import ExchangeBack, FileId

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
# linux/include/uapi asm tables; musl before 1.2.6 has no wrapper
_SYSCALL = {"x86_64": 316, "aarch64": 276, "riscv64": 276, "armv7l": 382, "i686": 353, "ppc64le": 357, "s390x": 347}

_REASONS = {
    errno.EXDEV: ("exchange_other_file_system", "they lie on different file systems"),
    errno.EBUSY: ("exchange_mount_point", "one of them is a mount point or in use by the kernel"),
    errno.ENOENT: ("exchange_missing", "one of them does not exist"),
    errno.EACCES: ("exchange_no_permission", "no permission to rename there"),
    errno.EPERM: ("exchange_no_permission", "no permission to rename there"),
    errno.EROFS: ("exchange_read_only", "the file system is mounted read-only"),
    errno.ENOSPC: ("exchange_no_space", "the file system is full"),
}
_UNSUPPORTED = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.ENOTTY}


def exchange(first: Path, second: Path) -> None:
    """Exchange two names on one file system, durably: each then names what the other named.

    Neither is followed when it is a link. Raises ExchangeUnsupported when kernel or file system cannot,
    ExchangeFailed with the cause otherwise; in both cases nothing was moved.
    """
    number = _rename_exchange(os.fsencode(first), os.fsencode(second))
    if number:
        raise _translated(number, first, second)
    sync_directory(first.parent)
    if second.parent != first.parent:
        sync_directory(second.parent)


def exchange_back(undo: ExchangeBack) -> bool:
    """Undo an exchange if it happened: only when the object that was live now lies at the side. Says whether it acted.

    Safe to run twice, and when the exchange never took place. Raises ExchangeFailed as `exchange` does, and with code
    `exchange_lost` when the object that was live lies at neither place.
    """
    if present_id(undo.live) == undo.was_live:
        return False
    if present_id(undo.side) != undo.was_live:
        raise ExchangeFailed(
            f"cannot put {undo.live} back: what lay there before is at neither place",
            why=f"it was kept at {undo.side}, which is gone or something else now",
            hint="`upgrader status` shows what is known of this move",
            code="exchange_lost",
            unchanged="nothing was moved",
        )
    if present_id(undo.live) is None:
        undo.side.rename(undo.live)
        sync_directory(undo.live.parent)
        return True
    exchange(undo.live, undo.side)
    return True


def file_id(path: Path) -> FileId:
    """Device and inode of the object that `path` names (a link itself, not its target). Raises OSError."""
    found = path.lstat()
    return FileId(found.st_dev, found.st_ino)


def present_id(path: Path) -> FileId | None:
    """As `file_id`, None where there is nothing."""
    try:
        return file_id(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def supports_exchange(directory: Path) -> bool:
    """Try an exchange of a directory and a link inside `directory`; leaves nothing behind. Raises OSError if not writable."""
    with tempfile.TemporaryDirectory(prefix=".openclaw-upgrader-probe-", dir=directory) as room:
        first, second = Path(room) / "first", Path(room) / "second"
        first.mkdir()
        second.symlink_to("nowhere")
        return _rename_exchange(os.fsencode(first), os.fsencode(second)) == 0 and first.is_symlink()


def _rename_exchange(first: bytes, second: bytes) -> int:
    """0, or the errno."""
    if sys.platform != "linux":
        return errno.ENOSYS
    library = ctypes.CDLL(None, use_errno=True)
    ctypes.set_errno(0)
    wrapper = getattr(library, "renameat2", None)
    if wrapper is not None:
        code = wrapper(_AT_FDCWD, first, _AT_FDCWD, second, ctypes.c_uint(_RENAME_EXCHANGE))
    else:
        number = _SYSCALL.get(platform.machine())
        if number is None:
            return errno.ENOSYS
        code = library.syscall(ctypes.c_long(number), _AT_FDCWD, first, _AT_FDCWD, second, ctypes.c_uint(_RENAME_EXCHANGE))
    return 0 if code == 0 else ctypes.get_errno()


def _translated(number: int, first: Path, second: Path) -> ExchangeFailed:
    if number == errno.EINVAL and (first.is_relative_to(second) or second.is_relative_to(first)):
        return ExchangeFailed(
            f"cannot exchange {first} and {second}",
            why="one lies inside the other",
            code="exchange_nested",
            unchanged="nothing was moved",
        )
    if number in _UNSUPPORTED:
        return ExchangeUnsupported(
            f"cannot exchange {first} and {second} in one step",
            why=f"this kernel or file system does not offer it ({os.strerror(number)})",
            unchanged="nothing was moved",
        )
    code, why = _REASONS.get(number, ("exchange_failed", os.strerror(number)))
    return ExchangeFailed(f"cannot exchange {first} and {second}", why=why, code=code, unchanged="nothing was moved")
