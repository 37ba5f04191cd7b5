"""File systems: what is free on one, and whether two paths can be renamed into each other."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_BLOCK = 512  # st_blocks counts in these, whatever the file system (stat(2))


def allocated_bytes(found: os.stat_result) -> int:
    """How much of a file's length lies on the disk: a hole takes nothing, and a copy of ours keeps it."""
    return min(found.st_size, found.st_blocks * _BLOCK)


@dataclass(frozen=True)
class FileSystem:
    """Where a path lies. A rename works within one device and one mount: a bind mount of the same device is another."""

    device: int
    mount: int


def free_bytes(path: Path) -> int:
    """Bytes an ordinary write may take on the file system of `path`, which need not exist yet."""
    answer = os.statvfs(_existing(path))
    return answer.f_bavail * answer.f_frsize


def file_system_of(path: Path) -> FileSystem:
    """Device and mount of a path, or of the nearest folder above it that exists. Links are followed."""
    descriptor = os.open(_existing(path), os.O_PATH | os.O_CLOEXEC)
    try:
        mount = 0
        with suppress(OSError):
            for line in Path(f"/proc/self/fdinfo/{descriptor}").read_text().splitlines():
                if line.startswith("mnt_id:"):
                    mount = int(line.split()[1])
        return FileSystem(os.fstat(descriptor).st_dev, mount)
    finally:
        os.close(descriptor)


def _existing(path: Path) -> Path:
    return next((each for each in (path, *path.absolute().parents) if each.exists()), Path("/"))
