"""A snapshot: a verified copy of all that a slot does not hold."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from upgrader.domain.version import Version


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
    """One snapshot. `tree` is the copy of the state directory; `slot_id` the slot that was active; `created` is ISO UTC."""

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
