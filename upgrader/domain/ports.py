"""What the operations ask of the world. Adapters implement these; `upgrader.context` joins the two."""

from __future__ import annotations  # the types of all rooms stand here: nobody who names a port should load them

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from upgrader.domain.installation.facts import GatewayProcess, Installation, ProcessIdentity
    from upgrader.domain.kept.slot import Slot
    from upgrader.domain.kept.snapshot import OutsideFile, Snapshot
    from upgrader.domain.moves.journal import FileId
    from upgrader.domain.pairing.live import LiveReport
    from upgrader.domain.pairing.observation import Observation
    from upgrader.domain.plan.facts import RegistryState, Signature, Volume
    from upgrader.domain.plan.release import Release
    from upgrader.domain.version import Version


class Clock(Protocol):
    """Time, injected."""

    def now(self) -> datetime:
        """Now, aware, UTC."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    def wait(self, span: timedelta) -> None:
        """Let `span` pass."""


class Progress(Protocol):
    """Tells a person what goes on; goes to stderr. A step is a short phrase ("staging 2026.9.6")."""

    def step(self, text: str) -> AbstractContextManager[None]:
        """Show `text` with its elapsed time while the block runs."""

    def note(self, text: str) -> None:
        """One line that stays."""


@dataclass(frozen=True)
class Command:
    """One child process: argv without a shell, a time limit, a whole environment (None: that of the tool)."""

    argv: tuple[str, ...]
    timeout: timedelta = timedelta(seconds=60)
    environment: Mapping[str, str] | None = field(default=None, repr=False)
    directory: Path | None = None


@dataclass(frozen=True)
class Ran:
    """How a child ended: exit code (negative: signal), what it wrote, how long it took."""

    exit_code: int
    stdout: bytes
    stderr: bytes
    took: timedelta


class Runner(Protocol):
    """Runs child processes: own process group, output to files, timeout on everything."""

    def run(self, command: Command) -> Ran:
        """Run to the end. Raises CommandTimedOut, CommandMissing (upgrader.domain.process)."""


class Registry(Protocol):
    """The npm registry, as npm itself is configured to reach it. `problems` are oddities of that configuration, to be told."""

    problems: tuple[str, ...]

    @property
    def state(self) -> RegistryState:
        """Where its answers come from: network or cache."""

    def find(self, version: Version) -> Release | None:
        """Facts of one release, None where the registry has none of that version. Raises RegistryUnreachable."""

    def latest(self) -> Release | None:
        """What the registry calls `latest`, or None where it says nothing usable. Raises RegistryUnreachable."""

    def release(self, version: Version) -> Release:
        """Facts of one release. Raises RegistryUnreachable or ReleaseUnknown."""

    def releases(self) -> tuple[Release, ...]:
        """All published releases, oldest first. Raises RegistryUnreachable."""

    def published(self, version: Version) -> datetime | None:
        """When it says that release was published, None where it does not. Its largest answer. Raises RegistryUnreachable."""

    def signature(self, release: Release) -> Signature:
        """Whether the registry's keys signed this release; UNKNOWN where it offers no signature or no keys."""


class Slots(Protocol):
    """The retained installs."""

    def stage(self, release: Release) -> Slot:
        """Install `release` beside the running gateway; verified. A present, intact slot is used again. Raises StageFailed."""

    def adopt(self, installation: Installation) -> Slot:
        """Describe the present install as a slot to return to, with a copy of its Node. Moves nothing."""

    def find(self, slot_id: str) -> Slot | None:
        """The slot of this id, or None."""

    def list(self) -> tuple[Slot, ...]:
        """All slots, oldest first."""

    def verify(self, slot: Slot) -> None:
        """Raises SlotDamaged when tree or Node are not what was recorded."""


class Snapshots(Protocol):
    """Verified copies of the state, and the trees that can be exchanged into its place."""

    def take(self, installation: Installation, slot_id: str, reason: str) -> Snapshot:
        """A warm snapshot of a running or stopped installation, through SQLite's backup API where a gateway runs."""

    def materialise(self, snapshot: Snapshot, destination: Path) -> FileId:
        """A private copy (link count 1) of the snapshot's tree at `destination`, durable. Returns its identity."""

    def prefill(self, live: Path, destination: Path) -> None:
        """Before the stop: copy ahead what `refresh` would have to copy in the outage (caches, changed files; no databases)."""

    def refresh(self, live: Path, destination: Path) -> None:
        """Make `destination` equal to the stopped tree `live`: copies what differs, removes what is gone, durable.

        Equal in paths, bytes, modes and times; only the class `runtime` (locks, sockets) is left out.
        """

    def keep(self, installation: Installation, slot_id: str, tree: Path, outside: tuple[OutsideFile, ...]) -> Snapshot:
        """Turn a stopped tree into a snapshot (moved where it lies on the same file system). `moment` is stopped."""

    def drop_left(self, tree: Path) -> None:
        """Remove what a `keep` that was cut off left of `tree`, once the snapshot of it is whole."""

    def keep_file(self, path: Path) -> OutsideFile:
        """Keep the bytes of a file outside the state directory, absent ones too."""

    def file_bytes(self, digest: str) -> bytes:
        """The bytes kept under a digest."""

    def list(self) -> tuple[Snapshot, ...]:
        """All snapshots of this installation, oldest first."""

    def verify(self, snapshot: Snapshot) -> None:
        """Raises SnapshotDamaged naming the first path that differs from the manifest."""


class Observer(Protocol):
    """Gathers what the checks judge, changing nothing."""

    def observe(self, installation: Installation) -> Observation:
        """Records, caches, handshakes that change nothing, one real call, the log."""


class Processes(Protocol):
    """The process table."""

    def gateways_on(self, state: Path) -> tuple[GatewayProcess, ...]:
        """Every gateway that holds this state, by environment and open files."""

    def end(self, identity: ProcessIdentity, limit: timedelta) -> None:
        """TERM, wait, KILL; only if pid and start time still match. Raises StopFailed."""


class Verifier(Protocol):
    """The same list of live checks before, after and on the way back."""

    def check(self, installation: Installation) -> LiveReport:
        """Observe and judge; changes nothing."""


class Discovery(Protocol):
    """Finds the one installation this run is about."""

    def find(self) -> Installation:
        """As it stands now. Raises NotFound, Ambiguous and their kind."""


class Rooms(Protocol):
    """Free room on the file systems a move needs."""

    def volumes(self, state: Path) -> tuple[Volume, ...]:
        """The file systems of `state` and of our own data; one that cannot be read is left out."""
