"""What a path of the state directory is for. The class decides what may happen to it."""

from enum import Enum


class PathClass(Enum):
    """The classes of the design; `unknown` is treated like the user's own data: copied, never carried, never dropped."""

    IDENTITY = "identity"
    PAIRING = "pairing"
    CONFIG = "config"
    CREDENTIALS = "credentials"
    DATABASE = "database"
    TRANSCRIPT = "transcript"
    WORKSPACE = "workspace"
    CACHE = "cache"
    RUNTIME = "runtime"
    OUTBOX = "outbox"
    MOVING = "moving"
    UNKNOWN = "unknown"


_NOT_IN_SNAPSHOTS = frozenset({PathClass.CACHE, PathClass.RUNTIME})


def in_snapshot(found: PathClass) -> bool:
    """Whether a snapshot holds it. Caches are made anew by the gateway; locks, sockets and pids belong to one process."""
    return found not in _NOT_IN_SNAPSHOTS


def in_standby(found: PathClass) -> bool:
    """Whether the tree kept ready for a rollback holds it: all but what names processes that no longer exist.

    Caches count here: a rollback promises the bytes that were there at the stop.
    """
    return found is not PathClass.RUNTIME
