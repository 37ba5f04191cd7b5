"""What the operations ask of the world. Adapters implement these; `upgrader.context` joins the two."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from upgrader.domain.canary import CanaryReport, CanaryRequest
from upgrader.domain.facts import GatewayProcess, Installation, ProcessIdentity, SupervisorKind
from upgrader.domain.journal import Entry, FileId, Mark, Step, Undo
from upgrader.domain.observation import Observation
from upgrader.domain.release import Release
from upgrader.domain.slot import Slot
from upgrader.domain.snapshot import OutsideFile, Snapshot
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
    """The npm registry, as npm itself is configured to reach it."""

    def release(self, version: Version) -> Release:
        """Facts of one release. Raises RegistryUnreachable or ReleaseUnknown."""

    def releases(self) -> tuple[Release, ...]:
        """All published releases, oldest first. Raises RegistryUnreachable."""


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

    def refresh(self, live: Path, destination: Path) -> None:
        """Make `destination` equal to the stopped tree `live`: copies what differs, removes what is gone, durable."""

    def keep(self, installation: Installation, slot_id: str, tree: Path, outside: tuple[OutsideFile, ...]) -> Snapshot:
        """Turn a stopped tree into a snapshot (moved where it lies on the same file system). `moment` is stopped."""

    def keep_file(self, path: Path) -> OutsideFile:
        """Keep the bytes of a file outside the state directory, absent ones too."""

    def file_bytes(self, digest: str) -> bytes:
        """The bytes kept under a digest."""

    def list(self) -> tuple[Snapshot, ...]:
        """All snapshots of this installation, oldest first."""

    def verify(self, snapshot: Snapshot) -> None:
        """Raises SnapshotDamaged naming the first path that differs from the manifest."""


class Canaries(Protocol):
    """Runs a candidate on a clone."""

    def run(self, request: CanaryRequest) -> CanaryReport:
        """The whole course on a clone of the request's snapshot, with a control run when it fails. Leaves nothing running."""


class Observer(Protocol):
    """Gathers what the checks judge, changing nothing."""

    def observe(self, installation: Installation) -> Observation:
        """Records, caches, handshakes that change nothing, one real call, the log."""


@dataclass(frozen=True)
class Launch:
    """How a gateway is started: argv, working directory and environment. Kept in a private file, never shown."""

    argv: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str] = field(repr=False)


class Supervisor(Protocol):
    """What keeps the gateway alive. Which steps it has stands in `steps`; adding one is one file in adapters/supervisors."""

    kind: SupervisorKind
    installs_service: bool

    def launch_record(self, installation: Installation) -> Launch:
        """How the present gateway was started."""

    def outside_files(self, installation: Installation) -> tuple[Path, ...]:
        """Files outside the state directory that belong to the service (unit, drop-ins)."""

    def raise_fence(self, installation: Installation, journal: Path) -> None:
        """From here on nothing starts the gateway while the journal is open."""

    def lower_fence(self, installation: Installation) -> None:
        """Undo of raise_fence; harmless when there is none."""

    def stop(self, installation: Installation, limit: timedelta) -> None:
        """Stop the gateway and wait until no process is left. Raises StopFailed."""

    def install(self, installation: Installation, slot: Slot) -> None:
        """Let the release write its service definition (does not start it). Raises InstallFailed."""

    def reload(self, installation: Installation) -> None:
        """Read the service definition again after its files changed; harmless where there is none."""

    def start(self, installation: Installation, launch: Launch) -> ProcessIdentity:
        """Start the gateway once. Raises StartFailed."""


class Processes(Protocol):
    """The process table."""

    def gateways_on(self, state: Path) -> tuple[GatewayProcess, ...]:
        """Every gateway that holds this state, by environment and open files."""

    def end(self, identity: ProcessIdentity, limit: timedelta) -> None:
        """TERM, wait, KILL; only if pid and start time still match. Raises StopFailed."""


class JournalFile(Protocol):
    """One transaction's journal on disk."""

    path: Path

    def entries(self) -> tuple[Entry, ...]:
        """All entries. Raises JournalDamaged."""

    def append(self, mark: Mark, step: Step | None = None, undos: tuple[Undo, ...] = (), note: str = "") -> Entry:
        """Make one entry durable."""


class Holds(Protocol):
    """Holds absence: OpenClaw's own locks of a state and the port."""

    def held(self, installation: Installation) -> AbstractContextManager[None]:
        """No gateway can own this state while the block runs. Raises GatewayLeft when one has it."""


FaultHook = Callable[[str], None]
Lines = Iterator[str]
