"""The way back: runs the undos a journal still owes, last intention first, and ends with a serving gateway.

The same code serves a failed check, a crash found by the next command, and a rollback that itself went wrong.
"""

from dataclasses import dataclass
from datetime import timedelta

from upgrader.domain.installation.facts import Installation
from upgrader.domain.moves import journal as entries
from upgrader.domain.moves.journal import Mark, RestoreState, Step, Undo
from upgrader.domain.moves.launching import Launch
from upgrader.domain.moves.ports import Files, Holds, JournalFile, Pointer, Readiness, Settling, Supervisor
from upgrader.domain.moves.settle import Settled
from upgrader.domain.moves.transaction import Opened
from upgrader.domain.ports import Processes, Progress, Snapshots
from upgrader.errors import UpgraderError

STOP_LIMIT = timedelta(seconds=345)  # 9.x drains up to 315 s at a managed stop and its unit allows 330

PHRASES = {
    Step.STANDBY: "laying a copy of the state ready beside it",
    Step.FENCE: "keeping the gateway from being started by others",
    Step.STOP: "stopping the gateway",
    Step.FINAL: "taking the last changes into the copy",
    Step.SWITCH: "switching the package",
    Step.DOCTOR: "letting the new release migrate the state",
    Step.RESTORE: "bringing the restored state in",
    Step.INSTALL: "writing the service definition",
    Step.START: "starting the gateway",
    Step.VERIFY: "checking the live gateway",
}


@dataclass(frozen=True)
class WayBack:
    """What undoing did: the steps undone, what was settled, and what failed (empty when all is as before)."""

    undone: tuple[Step, ...]
    settled: tuple[Settled, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Undoer:
    """Runs undos over the ports."""

    supervisor: Supervisor
    processes: Processes
    holds: Holds
    snapshots: Snapshots
    pointer: Pointer
    settling: Settling
    readiness: Readiness
    files: Files
    progress: Progress

    def run(self, journal: JournalFile) -> WayBack:
        """Undo what is owed. A step whose undo failed stays owed, and nothing is started on a half-restored installation.

        Raises JournalDamaged before anything is touched.
        """
        opened = journal.opened()
        owed = entries.owed(journal.entries())
        journal.append(Mark.ROLLBACK)
        journal.free_ballast()
        undone: list[Step] = []
        settled: list[Settled] = []
        for step in owed:
            try:
                with self.progress.step(f"undoing: {PHRASES[step.step]}"):
                    for undo in step.undos:
                        settled.extend(self._undo(undo, opened, journal))
            except (UpgraderError, OSError) as error:
                return WayBack(tuple(undone), tuple(settled), (_problem(step.step, error),))
            journal.append(Mark.UNDONE, step.step, note=str(step.sequence))
            undone.append(step.step)
        self.pointer.discard(opened.side)
        return WayBack(tuple(undone), tuple(settled), ())

    def _undo(self, undo: Undo, opened: Opened, journal: JournalFile) -> tuple[Settled, ...]:
        installation = opened.installation
        match undo:
            case entries.StopGateways():
                self.stop_all(installation, journal)
            case entries.RestoreState():
                return self.restore_state(undo, installation)
            case entries.ExchangeBack():
                with self.holds.held(installation):
                    self.pointer.exchange_back(undo)
            case entries.RestoreFile():
                self.restore_file(undo)
            case entries.LowerFence():
                self.supervisor.reload(installation)
                self.supervisor.lower_fence(installation)
            case entries.StartGateway():
                self._start(installation, opened, Launch.from_bytes(journal.launch()))
            case entries.RemoveTree():
                if self.pointer.identity(undo.path) != undo.keep:
                    self.files.remove_tree(undo.path)
        return ()

    def stop_all(self, installation: Installation, journal: JournalFile) -> None:
        """End every gateway on this state and keep it from coming back. Raises StopFailed, GatewayLeft."""
        self.supervisor.raise_fence(installation, journal.path)
        self.supervisor.stop(installation, STOP_LIMIT)
        for gateway in self.processes.gateways_on(installation.state.path):
            self.processes.end(gateway.identity, STOP_LIMIT)

    def restore_state(self, undo: RestoreState, installation: Installation) -> tuple[Settled, ...]:
        """Set the present tree aside and bring the other one in; both keep their objects, workspaces move along.

        Nothing is exchanged when the wanted tree is live already; settling is safe to run again.
        """
        with self.holds.held(installation):
            if self.pointer.identity(undo.live) != undo.standby_id:
                self._must_stand_ready(undo)
                self.settling.begin(undo.standby, undo.live)
                self.pointer.exchange(undo.live, undo.standby)
            return self.settling.settle(undo.live, undo.standby, undo.workspaces).items

    def _must_stand_ready(self, undo: RestoreState) -> None:
        if self.pointer.identity(undo.standby) != undo.standby_id:
            raise UpgraderError(
                f"cannot bring the state back to {undo.live}: what was made ready for it is at neither place",
                why=f"it was kept at {undo.standby}, which is gone or something else now",
                code="standby_lost",
                unchanged="nothing was moved",
            )

    def restore_file(self, undo: entries.RestoreFile) -> None:
        """Put the kept bytes of a file back, or remove it where it was absent. Durable."""
        if undo.digest is None:
            self.files.remove(undo.path)
        else:
            self.files.replace(undo.path, self.snapshots.file_bytes(undo.digest), undo.mode)

    def _start(self, installation: Installation, opened: Opened, launch: Launch) -> None:
        """Start the gateway as it ran before, unless it serves already (a crash after this very start)."""
        running = self.processes.gateways_on(installation.state.path)
        identity = running[0].identity if running else self.supervisor.start(installation, launch)
        self.readiness.wait(installation, opened.present.version, identity)


def _problem(step: Step, error: UpgraderError | OSError) -> str:
    if isinstance(error, UpgraderError):
        return f"{step.value}: {error.message}" + (f" ({error.why})" if error.why else "")
    return f"{step.value}: {error.strerror or type(error).__name__}"
