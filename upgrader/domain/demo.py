"""The demonstration: two stories told on a disposable machine, and what they proved."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from upgrader.domain.secret import Fingerprint
from upgrader.domain.version import Version

LIVE = Version("2026.9.5")
TARGET = Version("2026.9.6")


class Fault(Enum):
    """How pairing is broken, by a write to the real store from a separate process. Nobody asked for it: no revocation."""

    DELETED = "deleted"
    NARROWED = "narrowed"
    TOKEN = "token"


@dataclass(frozen=True)
class Paired:
    """A device that was paired for the demo; of its token only the fingerprint leaves the pairing."""

    name: str
    device_id: str
    token: Fingerprint


@dataclass(frozen=True)
class Proof:
    """One thing that was shown: a sentence, whether it held, and what was compared or seen."""

    what: str
    held: bool
    seen: str


@dataclass(frozen=True)
class DemoData:
    """Both stories. `outages` in seconds by name; `bare_restart` is the yardstick measured in the same run."""

    directory: Path
    fault: Fault
    proofs: tuple[Proof, ...]
    outages: tuple[tuple[str, float], ...]
