"""What a move needs from outside: the service's keeper, the journal, the pointer, what holds and what settles."""

from __future__ import annotations  # the types of all rooms stand here: nobody who names a port should load them

from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from upgrader.domain.check import Judgement
    from upgrader.domain.installation.facts import Installation, ProcessIdentity, SupervisorKind
    from upgrader.domain.kept.slot import Slot
    from upgrader.domain.moves.journal import Entry, ExchangeBack, FileId, Mark, Step, Undo
    from upgrader.domain.moves.launching import Launch
    from upgrader.domain.moves.quiet import GatewayIdentity, Suspension
    from upgrader.domain.moves.settle import SettleReport
    from upgrader.domain.moves.transaction import Opened
    from upgrader.domain.moves.updater import UpdaterRun
    from upgrader.domain.version import Version


class Supervisor(Protocol):
    """What keeps the gateway alive; adding one is one file in adapters/supervisors."""

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

    def free_ballast(self) -> None:
        """Give back the room that was set aside for a way back on a full disk."""

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


class Journals(Protocol):
    """The transactions of one installation."""

    def begin(self, transaction: str, opened: Opened, launch: bytes, by_hand: str) -> JournalFile:
        """Create a transaction with all that undoing it needs; durable."""

    def left_as(self, slot_id: str) -> tuple[Judgement, ...]:
        """What the checks said of an install when a committed move left it last; empty when none did."""

    def open_run(self) -> JournalFile | None:
        """The transaction that still owes an end."""
