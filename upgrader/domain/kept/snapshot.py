"""A snapshot: a verified copy of all that a slot does not hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from upgrader.domain.kept.tree import EntryKind, Passed
from upgrader.domain.version import Version
from upgrader.errors import Inconclusive, UpgraderError


class Moment(Enum):
    """When it was taken. Only a stopped one is restored without being asked: a live one never was a single instant."""

    LIVE = "live"
    STOPPED = "stopped"


@dataclass(frozen=True)
class OutsideFile:
    """A file of the installation outside the state directory (unit, config elsewhere): its bytes lie under `digest`.

    `digest` is None where the file did not exist: restoring means removing it. `mode` in octal bits.
    """

    path: Path
    digest: str | None
    mode: int


@dataclass(frozen=True)
class Snapshot:
    """One snapshot. `tree` is the copy of the state directory; `slot_id` the slot that was active; `created` is ISO UTC.

    `files` and `size_bytes` count regular files; `digest` is the SHA-256 of the manifest. `source` is the state directory
    it was taken from; `passed` what was not copied; `opened_ms` how long opening the read
    transactions took and `one_instant` whether nobody wrote meanwhile (live only; else they are within `opened_ms`).
    """

    id: str
    created: str
    moment: Moment
    version: Version
    slot_id: str
    tree: Path
    files: int
    size_bytes: int
    digest: str
    outside: tuple[OutsideFile, ...] = ()
    reason: str = ""
    source: Path = Path()
    passed: tuple[Passed, ...] = ()
    opened_ms: float | None = None
    one_instant: bool | None = None


def returning(oldest_first: Sequence[Snapshot], present: Version) -> Snapshot | None:
    """The state that `upgrader rollback` returns to when none is named: the newest stopped one of another release."""
    return next((s for s in reversed(oldest_first) if s.moment is Moment.STOPPED and s.version != present), None)


@dataclass(frozen=True, slots=True)
class ManifestLine:
    """One path of a snapshot's tree. `digest` is the SHA-256 of a file's content, empty for all else.

    `inode`, `ctime_ns` and `began_ns` are of the source file when it was copied: what the next snapshot compares with.
    """

    path: str
    kind: EntryKind
    mode: int
    mtime_ns: int
    size: int
    digest: str = ""
    target: str = ""
    inode: int = 0
    ctime_ns: int = 0
    began_ns: int = 0
    database: bool = False


@dataclass(frozen=True)
class SnapshotLimits:
    """When a snapshot of a running gateway gives up.

    `opening_s`: all read transactions must be open within this; `wal_growth_bytes`: how far a live WAL may grow while we
    read; `reserve_bytes`: what must stay free on the file system copied to; `step_pages`: SQLite pages copied at once.
    """

    opening_s: float = 0.1
    opening_tries: int = 50
    wal_growth_bytes: int = 1024**3
    reserve_bytes: int = 256 * 1024**2
    step_pages: int = 1024


class SnapshotDamaged(UpgraderError):
    """A snapshot is not what its manifest says."""

    default_code = "snapshot_damaged"
    default_hint = "`upgrader status` shows the others"


class SnapshotUnknown(UpgraderError):
    """No snapshot of that id, or no bytes of that digest."""

    default_code = "snapshot_unknown"
    default_hint = "`upgrader status` shows what is kept"


class SnapshotGivenUp(Inconclusive):
    """A limit was reached while the gateway ran; the half copy was removed."""

    default_code = "snapshot_given_up"
