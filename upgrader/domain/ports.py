"""What the operations ask of the world. Adapters implement these; `upgrader.context` joins the two."""

from __future__ import annotations  # the types of all rooms stand here: nobody who names a port should load them

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from upgrader.domain.canary import CanaryReport, CanaryRequest
    from upgrader.domain.check import Judgement
    from upgrader.domain.facts import GatewayProcess, Installation, ProcessIdentity, SupervisorKind
    from upgrader.domain.journal import Entry, ExchangeBack, FileId, Mark, Step, Undo
    from upgrader.domain.launching import Launch
    from upgrader.domain.live import LiveReport
    from upgrader.domain.observation import Observation
    from upgrader.domain.planfacts import RegistryState, Signature, Volume
    from upgrader.domain.quiet import GatewayIdentity, Suspension
    from upgrader.domain.release import Release
    from upgrader.domain.settle import SettleReport
    from upgrader.domain.slot import Slot
    from upgrader.domain.snapshot import OutsideFile, Snapshot
    from upgrader.domain.transaction import Opened
    from upgrader.domain.updater import UpdaterRun
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


class Canaries(Protocol):
    """Runs a candidate on a clone."""

    def run(self, request: CanaryRequest) -> CanaryReport:
        """The whole course on a clone of the request's snapshot, with a control run when it fails. Leaves nothing running."""


class Observer(Protocol):
    """Gathers what the checks judge, changing nothing."""

    def observe(self, installation: Installation) -> Observation:
        """Records, caches, handshakes that change nothing, one real call, the log."""


class Supervisor(Protocol):
    """What keeps the gateway alive. Which steps it has stands in `steps`; adding one is one file in adapters/supervisors."""

    kind: SupervisorKind
    installs_service: bool

    def launch_record(self, installation: Installation) -> Launch:
        """How the present gateway was started."""

    def outside_files(self, installation: Installation) -> tuple[Path, ...]:
        """Files outside the state directory that belong to the service (unit, drop-ins)."""

    def objections(self, installation: Installation) -> tuple[str, ...]:
        """Why this gateway cannot be stopped and started by us, as sentences; empty when it can."""

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


class Leftovers(Protocol):
    """What a killed run may have left at work on a state."""

    def end(self, state: Path) -> None:
        """End it. Raises StopFailed."""


class JournalFile(Protocol):
    """One transaction's journal on disk."""

    path: Path

    def opened(self) -> Opened:
        """What the transaction was opened with. Raises JournalDamaged."""

    def launch(self) -> bytes:
        """The kept launch record."""

    def entries(self) -> tuple[Entry, ...]:
        """All entries. Raises JournalDamaged."""

    def append(self, mark: Mark, step: Step | None = None, undos: tuple[Undo, ...] = (), note: str = "") -> Entry:
        """Make one entry durable."""


class Holds(Protocol):
    """Holds absence: OpenClaw's own locks of a state and the port."""

    def held(self, installation: Installation) -> AbstractContextManager[None]:
        """No gateway can own this state while the block runs. Raises GatewayLeft when one has it."""


class Pointer(Protocol):
    """The package pointer: one name exchanged in one step with a side link made beforehand."""

    def prepare(self, pointer: Path, slot: Slot, transaction: str) -> Path:
        """Make the side entry that leads to `slot` beside `pointer`; returns it. Moves nothing that is live."""

    def side(self, pointer: Path, slot: Slot, transaction: str) -> Path:
        """Where the side entry of a transaction lies; the same before and after it is made."""

    def exchange(self, live: Path, side: Path) -> None:
        """Exchange the two names in one step, durably. Raises ExchangeFailed."""

    def identity(self, path: Path) -> FileId | None:
        """Which object lies at `path`, None where there is nothing."""

    def exchange_back(self, undo: ExchangeBack) -> bool:
        """Undo an exchange if it happened; says whether it acted."""

    def objection(self, live: Path) -> str:
        """Why `live` could not be exchanged with a sibling, as a sentence; empty where it can."""

    def discard(self, side: Path) -> None:
        """Remove a side link that is no longer needed; never a directory npm made."""


class Settling(Protocol):
    """What a restored state must not repeat or lose: workspaces, effects on the world, living secrets, revocations."""

    def begin(self, incoming: Path, outgoing: Path) -> None:
        """Note, durably and before the exchange, that `incoming` is about to come in: a return must know whether it ran."""

    def settle(self, incoming: Path, outgoing: Path, workspaces: tuple[Path, ...]) -> SettleReport:
        """Run between exchange and start; `workspaces` are relative to the state. Safe to run again."""


class Quieting(Protocol):
    """The running gateway's own way of becoming idle."""

    def suspend(self, installation: Installation, request: str) -> Suspension:
        """Admit no new work and say what still runs; the same `request` asks again."""

    def resume(self, installation: Installation, suspension: str) -> None:
        """Admit work again."""

    def identify(self, installation: Installation) -> GatewayIdentity | None:
        """Who serves; to be asked before `suspend`. None where the release does not tell."""

    def interrupt(self, installation: Installation, suspension: str, gateway: GatewayIdentity) -> bool:
        """Let the coming stop cut off what still runs; says whether the gateway agreed."""


class Updaters(Protocol):
    """OpenClaw's own updater."""

    def at_work(self, state: Path) -> UpdaterRun | None:
        """Its run that is under way on this state."""


class Doctor(Protocol):
    """The release's own migration of a state nobody owns."""

    def migrate(self, installation: Installation, present: Slot, target: Slot) -> None:
        """Let `target` bring the live state into its form. Raises DoctorFailed."""


class Readiness(Protocol):
    """When a started gateway may be believed."""

    def wait(self, installation: Installation, release: Version, gateway: ProcessIdentity) -> None:
        """Return once it serves, by what this release offers. Raises NotReady (it ended, or the limit passed)."""


class Files(Protocol):
    """Single files and trees of the transaction itself."""

    def replace(self, path: Path, data: bytes, mode: int) -> None:
        """Replace a file durably."""

    def remove(self, path: Path) -> None:
        """Remove a file durably; one that is gone is fine."""

    def remove_tree(self, path: Path) -> None:
        """Remove a tree; one that is gone is fine."""


class Verifier(Protocol):
    """The same list of live checks before, after and on the way back."""

    def check(self, installation: Installation) -> LiveReport:
        """Observe and judge; changes nothing."""


class Discovery(Protocol):
    """Finds the one installation this run is about."""

    def find(self) -> Installation:
        """As it stands now. Raises NotFound, Ambiguous and their kind."""


class Journals(Protocol):
    """The transactions of one installation."""

    def begin(self, transaction: str, opened: Opened, launch: bytes, by_hand: str) -> JournalFile:
        """Create a transaction with all that undoing it needs; durable."""

    def left_as(self, slot_id: str) -> tuple[Judgement, ...]:
        """What the checks said of an install when a committed move left it last; empty when none did."""

    def open_run(self) -> JournalFile | None:
        """The transaction that still owes an end."""


class Rooms(Protocol):
    """Free room on the file systems a move needs."""

    def volumes(self, state: Path) -> tuple[Volume, ...]:
        """The file systems of `state` and of our own data; one that cannot be read is left out."""
