"""What `upgrader status` tells: plain values, no secret among them."""

from dataclasses import dataclass
from pathlib import Path

from upgrader.domain.canary.held import HeldCanary
from upgrader.domain.decisions.pin import Pin
from upgrader.domain.installation.facts import Obstacle
from upgrader.domain.moves.drift import Drift


@dataclass(frozen=True)
class InstallationStatus:
    """The installation on disk. Sizes in bytes; `supervisor` and `kind` are the enum's values; `port` the gateway's."""

    version: str
    kind: str
    package: Path
    prefix: Path
    node: Path
    node_version: str
    home: Path
    profile: str
    state: Path
    config: Path
    pairing: str
    state_schema: int | None
    size_bytes: int
    files: int
    port: int
    bind: str
    auth: str
    supervisor: str
    service: str
    agents: tuple[str, ...]
    external: tuple[Path, ...]
    updates_itself: bool


@dataclass(frozen=True)
class GatewayStatus:
    """One running gateway. `version` is empty where it cannot be told; `started` is ISO 8601, UTC."""

    pid: int
    version: str
    started: str
    ports: tuple[int, ...]
    unit: str
    parents: tuple[str, ...]


@dataclass(frozen=True)
class SlotStatus:
    """One retained install; `in_use` when the installation is started from it."""

    id: str
    version: str
    origin: str
    created: str
    size_bytes: int
    in_use: bool


@dataclass(frozen=True)
class SnapshotStatus:
    """One snapshot; `moment` is live or stopped."""

    id: str
    version: str
    moment: str
    created: str
    size_bytes: int
    reason: str


@dataclass(frozen=True)
class OpenMove:
    """A move that still owes an end."""

    transaction: str
    move: str
    target: str
    started: str


@dataclass(frozen=True)
class StatusData:
    """All of it. `snapshots` are the newest first, at most ten of `snapshots_in_all`; `obstacles` forbid a move.

    `drift` is what changed behind our back since the last move; `returns_to` what `upgrader rollback` returns to;
    `held` the canaries that were left running.
    """

    installation: InstallationStatus
    gateways: tuple[GatewayStatus, ...] = ()
    slots: tuple[SlotStatus, ...] = ()
    snapshots: tuple[SnapshotStatus, ...] = ()
    snapshots_in_all: int = 0
    open_move: OpenMove | None = None
    obstacles: tuple[Obstacle, ...] = ()
    unseen_processes: int = 0
    drift: tuple[Drift, ...] = ()
    pin: Pin | None = None
    returns_to: SnapshotStatus | None = None
    held: tuple[HeldCanary, ...] = ()

    @property
    def runs_another_version(self) -> bool:
        """Whether a gateway runs a version other than the one on disk: it was replaced without a restart."""
        return any(each.version and each.version != self.installation.version for each in self.gateways)
