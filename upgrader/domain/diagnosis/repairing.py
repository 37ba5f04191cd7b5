"""A repair: its ladder, its steps and its ports. The choice of the next rung is pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from upgrader.domain.diagnosis.cause import Cause, Rung, broken
from upgrader.domain.installation.facts import Installation, PairingEra
from upgrader.domain.kept.snapshot import OutsideFile
from upgrader.domain.moves.launching import Launch
from upgrader.domain.pairing.ports import Cell
from upgrader.domain.secret import Secret
from upgrader.errors import UpgraderError

ROUNDS = 10  # rungs tried in one repair; the ladder has six, and the cache is synchronised again after three of them
_EACH = 2


@dataclass(frozen=True)
class RepairStep:
    """One rung that was, or would be, tried: what it does in words and commands, and what came of it."""

    rung: Rung
    what: str
    worked: bool | None = None
    detail: str = ""


@dataclass(frozen=True)
class RepairData:
    """One repair. `left` are causes only a person can remove, `rung` is the one that worked last, `quiet` how it ended."""

    version: str
    found: tuple[Cause, ...]
    steps: tuple[RepairStep, ...] = ()
    left: tuple[Cause, ...] = ()
    rung: str = ""
    quiet: str = ""
    snapshot: str = ""
    dry_run: bool = False
    undone: str = ""


@dataclass(frozen=True)
class RotationData:
    """A new gateway token: where it was changed, and who must be told. The token itself is nowhere in it."""

    version: str
    changed: tuple[str, ...]
    tell: tuple[str, ...]
    snapshot: str = ""
    dry_run: bool = False


class StepFailed(UpgraderError):
    """A rung could not be carried out; the next one is tried."""

    default_code = "repair_step"


@dataclass(frozen=True)
class KeptPairing:
    """This machine's own pairing data as it was: whole files, or rows by table. Holds secrets, is never shown."""

    era: PairingEra
    device_id: str
    files: Mapping[str, bytes | None] = field(default_factory=dict, repr=False)
    rows: Mapping[str, tuple[tuple[str, Cell], ...] | None] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class OpenOutage:
    """A stop that has not ended: how the gateway ran (None: it did not), and the files as they were before."""

    launch: Launch | None
    files: tuple[OutsideFile, ...] = ()


class OutageRecord(Protocol):
    """Remembers an outage, so that the next command can end it when this one died in it."""

    def write(self, outage: OpenOutage) -> None:
        """Make it durable."""

    def read(self) -> OpenOutage | None:
        """The one left open."""

    def clear(self) -> None:
        """It has ended."""


class RepairRecord(Protocol):
    """Remembers this machine's pairing while a repair is at work, so that the next command can end it when this one died."""

    def write(self, kept: KeptPairing) -> None:
        """Make it durable."""

    def read(self) -> KeptPairing | None:
        """What a dead run has left."""

    def clear(self) -> None:
        """The repair has ended."""


class PairingEditor(Protocol):
    """Writes pairing data while no gateway runs; every write is durable and whole or not at all."""

    def keep(self, installation: Installation, device_id: str) -> KeptPairing:
        """What `restore` needs. Raises StepFailed."""

    def has_record(self, kept: KeptPairing) -> bool:
        """Whether the gateway's record of this machine is among what was kept."""

    def restore(self, installation: Installation, kept: KeptPairing) -> None:
        """Put this machine's record, cache and requests back; other devices stay as they are. Raises StepFailed."""

    def sync(self, installation: Installation, device_id: str) -> None:
        """Copy tokens and scopes of the gateway's record into the client cache. Raises StepFailed."""

    def widen(self, installation: Installation, device_id: str, scopes: tuple[str, ...]) -> None:
        """Give the record and its operator token these scopes. Raises StepFailed."""

    def forget(self, installation: Installation, device_id: str) -> None:
        """Delete the record and the requests of this device. Raises StepFailed."""


class ProductCommands(Protocol):
    """OpenClaw's own commands. None has a secret in its arguments; what they print may hold one and is not kept."""

    def reissue(self, installation: Installation) -> None:
        """A call by which this release's command line gets its token anew. Raises StepFailed."""

    def approve(self, installation: Installation, request_id: str) -> None:
        """`openclaw devices approve ID`. Raises StepFailed."""

    def rotate(self, installation: Installation, device_id: str, scopes: tuple[str, ...]) -> None:
        """`openclaw devices rotate --device ID --role operator --scope …`. Raises StepFailed."""

    def remove(self, installation: Installation, device_id: str) -> None:
        """`openclaw devices remove ID`. Raises StepFailed."""


class Tokens(Protocol):
    """Draws gateway tokens."""

    def fresh(self) -> Secret:
        """A new one."""


class TokenFiles(Protocol):
    """The files that may hold a gateway token in clear."""

    def holding(self, paths: tuple[Path, ...], token: Secret) -> tuple[Path, ...]:
        """Those that do."""

    def replace(self, path: Path, old: Secret, new: Secret) -> bytes:
        """Replace every occurrence, durably, mode kept; returns the bytes of before."""

    def restore(self, path: Path, data: bytes) -> None:
        """Put the bytes of before back, durably, mode kept."""


_FIRST = frozenset({"data-unreadable", "schema-too-new", "not-imported", "only-migrated-originals", "several-gateways"})


def mendable(causes: tuple[Cause, ...]) -> tuple[Cause, ...]:
    """The causes that a rung may mend; none while something stands that no record should be written beside."""
    if any(each.code in _FIRST for each in causes):
        return ()
    return tuple(each for each in broken(causes) if each.rungs)


def for_people(causes: tuple[Cause, ...]) -> tuple[Cause, ...]:
    """The causes that break something and that no rung mends."""
    return tuple(each for each in broken(causes) if not each.rungs)


def ladder(causes: tuple[Cause, ...]) -> tuple[Rung, ...]:
    """All rungs these causes may need, least first."""
    wanted = {rung for each in mendable(causes) for rung in each.rungs}
    return tuple(rung for rung in Rung if rung in wanted)


def next_rung(causes: tuple[Cause, ...], tried: tuple[tuple[Rung, frozenset[str]], ...]) -> Rung | None:
    """The least rung not yet tried against these very causes, each at most twice; None when nothing is left to try."""
    if len(tried) >= ROUNDS:
        return None
    codes = frozenset(each.code for each in mendable(causes))
    for rung in ladder(causes):
        times = sum(one is rung for one, _ in tried)
        if times < _EACH and (rung, codes) not in tried:
            return rung
    return None
