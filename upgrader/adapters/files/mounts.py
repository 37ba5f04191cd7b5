"""What is mounted where, for this process: no rename moves a mount point, and no removal may go through one."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from upgrader.errors import UpgraderError


class MountInside(UpgraderError):
    """A tree that should be removed has something mounted in it, which is not ours."""

    default_code = "mount_inside"


def is_mount_point(path: Path) -> bool:
    """Whether something is mounted at `path` (canonical), a part of the same file system included."""
    return os.fsencode(path) in _points()


def refuse_mounts_in(tree: Path) -> None:
    """Raises MountInside naming the first mount at or below `tree`: removing the tree would empty what is mounted."""
    top = os.fsencode(tree.parent.resolve() / tree.name)
    for point in _points():
        if point == top or point.startswith(top + b"/"):
            raise MountInside(
                f"{tree} is not removed",
                why=f"{os.fsdecode(point)} is mounted in it, and its content would go too",
                hint=f"`umount {os.fsdecode(point)}`, then the same command again",
            )


def _points() -> Iterator[bytes]:
    """/proc/self/mountinfo, field 5; blanks and the like stand there as octal escapes (proc(5)). Nothing without /proc."""
    try:
        lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        yield re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), line.split(b" ")[4])
