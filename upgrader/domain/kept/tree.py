"""What a file tree is made of, and when a file counts as unchanged."""

from dataclasses import dataclass
from enum import Enum

from upgrader.errors import UpgraderError

# Kernels stamp ctime from a coarse clock and some file systems round to two seconds: nearer than this is "maybe changed".
CLOCK_SLACK_NS = 2_000_000_000


class EntryKind(Enum):
    """What lies at a path. Everything that is no file, directory or symbolic link (FIFO, socket, device) is `other`."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One path of a tree as lstat shows it.

    `path` is relative, `/` between parts, undecodable bytes as surrogates. `mode` are the permission bits; times in ns;
    `size` in bytes (0 for directories), `allocated` those of them that lie on the disk (a hole does not); `target` the text of
    a symbolic link.
    """

    path: str
    kind: EntryKind
    mode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    device: int
    links: int
    uid: int
    gid: int
    target: str = ""
    allocated: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """How a source file looked when it was copied, and when that look began (`began_ns`, wall clock, ns).

    `database` marks a database or one of its side files: those are never believed by their times.
    """

    path: str
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    began_ns: int
    database: bool = False


def order_of(path: str) -> tuple[str, ...]:
    """The sort key of a path: part by part, so that a directory stands right before what it holds."""
    return tuple(path.split("/"))


def is_unchanged(now: TreeEntry, then: Seen) -> bool:
    """Whether the source file still is what was copied, judged by lstat alone.

    Size and mtime can be forged (`touch -r`, git, rsync -t, a clock set back); inode and ctime cannot, short of a clock
    set to the very nanosecond. A change within the clock's slack of the first look may carry the same ctime: not believed.
    """
    return (
        not then.database
        and now.kind is EntryKind.FILE
        and (now.size, now.mtime_ns, now.inode, now.ctime_ns) == (then.size, then.mtime_ns, then.inode, then.ctime_ns)
        and now.ctime_ns < then.began_ns - CLOCK_SLACK_NS
    )


@dataclass(frozen=True)
class Passed:
    """A path that was not copied, and why ("a socket", "vanished while it was copied")."""

    path: str
    why: str


@dataclass(frozen=True)
class TreeReport:
    """What one copy or refresh did. `files` and `bytes` are those written, `kept` the files found unchanged."""

    files: int = 0
    bytes: int = 0
    kept: int = 0
    removed: int = 0
    passed: tuple[Passed, ...] = ()


class TreeUnreadable(UpgraderError):
    """A path of the tree cannot be read."""

    default_code = "tree_unreadable"


class NotPrivate(UpgraderError):
    """A file that must be a private copy has another name somewhere (link count above 1)."""

    default_code = "not_private"


class DiskFull(UpgraderError):
    """The file system has no room for the copy."""

    default_code = "disk_full"
