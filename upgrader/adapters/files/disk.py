"""What a file takes on its file system, and what is free there."""

import os
from pathlib import Path

_BLOCK = 512  # st_blocks counts in these, whatever the file system (stat(2))


def allocated_bytes(found: os.stat_result) -> int:
    """How much of a file's length lies on the disk: a hole takes nothing, and a copy of ours keeps it."""
    return min(found.st_size, found.st_blocks * _BLOCK)


def free_bytes(path: Path) -> int:
    """Bytes an ordinary write may take on the file system of `path`, which need not exist yet."""
    answer = os.statvfs(nearest(path))
    return answer.f_bavail * answer.f_frsize


def nearest(path: Path) -> Path:
    """The path itself, or the nearest folder above it that exists."""
    return next((each for each in (path, *path.absolute().parents) if each.exists()), Path("/"))
