"""The cutover: each effect is intended in the journal, with its undo, before it happens. Top to bottom is the story."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from upgrader.domain.check import Judgement, worse_than
from upgrader.domain.installation.facts import Installation, ProcessIdentity
from upgrader.domain.kept.snapshot import OutsideFile, Snapshot
from upgrader.domain.moves.journal import (
    ExchangeBack,
    FileId,
    LowerFence,
    Mark,
    RemoveTree,
    RestoreFile,
    RestoreState,
    StartGateway,
    Step,
    StopGateways,
    Undo,
)
from upgrader.domain.moves.launching import Launch
from upgrader.domain.moves.ports import Doctor, JournalFile
from upgrader.domain.moves.settle import Settled
from upgrader.domain.moves.transaction import Opened
from upgrader.domain.pairing.live import LiveReport
from upgrader.domain.ports import Clock, Discovery, Snapshots, Verifier
from upgrader.domain.process import StopFailed
from upgrader.errors import UpgraderError
from upgrader.operations.moves.quiesce import Quiesce
from upgrader.operations.moves.undoing import PHRASES, STOP_LIMIT, Undoer


class ChecksFailed(UpgraderError):
    """The installation is worse than it was before the move."""

    default_code = "checks_failed"


@dataclass(frozen=True)
class Cut:
    """How a cutover ended: what the live checks said, how long no gateway answered (seconds), what was settled."""

    after: LiveReport | None
    outage_seconds: float
    settled: tuple[Settled, ...] = ()


@dataclass(frozen=True)
class Cutover:
    """Runs the steps of a move. Any error leaves the journal open: the caller undoes with the same Undoer."""

    undoer: Undoer
    snapshots: Snapshots
    doctor: Doctor
    verifier: Verifier
    discovery: Discovery
    clock: Clock
    compare: Callable[[LiveReport, LiveReport], tuple[Judgement, ...]]
    quiesce: Quiesce

    def run(self, journal: JournalFile, opened: Opened, snapshot: Snapshot, launch: Launch, before: LiveReport | None) -> Cut:
        """From the running present to the checked target. Raises the error of the step that failed."""
        live = opened.installation.state.path
        was_live = self._identity(live)
        with self._step(journal, Step.STANDBY, RemoveTree(opened.standby, keep=was_live)):
            standby = self.snapshots.materialise(snapshot, opened.standby)
            if not opened.move.brings_state_back:
                self.snapshots.prefill(live, opened.standby)
        with self._quiet(opened):
            began = self.clock.monotonic()
            self._stop(journal, opened)
        self._switch(journal, opened)
        settled: tuple[Settled, ...] = ()
        if not opened.move.brings_state_back:
            self._migrate(journal, opened, standby)
        else:
            settled = self._restore(journal, opened, was_live, standby)
        self._write_service(journal, opened, snapshot.outside)
        gateway = self._start(journal, opened, launch)
        outage = self.clock.monotonic() - began if gateway else 0.0
        with self._step(journal, Step.VERIFY):
            after = self._verify(opened, before) if gateway else None
            if gateway:  # a gateway may serve its checks and end
                self.undoer.readiness.wait(_moved(opened), opened.target.version, gateway)
        journal.append(Mark.COMMITTED)
        return Cut(after, outage, settled)

    def _quiet(self, opened: Opened) -> AbstractContextManager[None]:
        """No new work from here to the stop. Nothing to journal: OpenClaw lifts it by itself after two minutes."""
        if not opened.was_running:
            return nullcontext()
        return self.quiesce.held(opened.installation, f"upgrader-{opened.transaction}")

    def _stop(self, journal: JournalFile, opened: Opened) -> None:
        """Raise the fence, stop, and prove that nothing holds the state any more. Raises StopFailed."""
        installation = opened.installation
        with self._step(journal, Step.FENCE, LowerFence()):
            self.undoer.supervisor.raise_fence(installation, journal.path)
        undos: tuple[Undo, ...] = (LowerFence(),)
        if opened.was_running:
            undos = (LowerFence(), StartGateway("launch.json"))
        with self._step(journal, Step.STOP, *undos):
            self.undoer.supervisor.stop(installation, STOP_LIMIT)
            self._prove_absence(installation)

    def _prove_absence(self, installation: Installation) -> None:
        left = self.undoer.processes.gateways_on(installation.state.path)
        if left:
            raise StopFailed(
                f"a gateway still holds {installation.state.path}",
                why=f"pid {left[0].identity.pid} was started by something else: {' < '.join(left[0].parents) or 'unknown'}",
                hint="end what starts it, then run the command again",
                code="second_gateway",
            )

    def _switch(self, journal: JournalFile, opened: Opened) -> None:
        """With the state and the port held: the last delta of the state, then the package pointer in one step."""
        installation = opened.installation
        pointer = installation.package.pointer
        with self.undoer.holds.held(installation):
            if not opened.move.brings_state_back:
                with self._step(journal, Step.FINAL):
                    self.snapshots.refresh(installation.state.path, opened.standby)
            self.undoer.pointer.prepare(pointer, opened.target, opened.transaction)
            undo = ExchangeBack(pointer, opened.side, self._identity(pointer))
            with self._step(journal, Step.SWITCH, undo):
                self.undoer.pointer.exchange(pointer, opened.side)

    def _migrate(self, journal: JournalFile, opened: Opened, standby: FileId) -> None:
        """The doctor of the new release, on the state nobody owns; the tree from before it stands ready beside."""
        live = opened.installation.state.path
        undo = RestoreState(live, opened.standby, standby, _inside(live, opened.installation.state.workspaces))
        with self._step(journal, Step.DOCTOR, undo):
            self.doctor.migrate(opened.installation, opened.present, opened.target)
        self._prove_absence(opened.installation)

    def _restore(self, journal: JournalFile, opened: Opened, was_live: FileId, standby: FileId) -> tuple[Settled, ...]:
        """Bring the restored tree in; what stands there now is set aside whole, and comes back if anything fails."""
        live = opened.installation.state.path
        workspaces = _inside(live, opened.installation.state.workspaces)
        with self._step(journal, Step.RESTORE, RestoreState(live, opened.standby, was_live, workspaces)):
            return self.undoer.restore_state(RestoreState(live, opened.standby, standby, workspaces), opened.installation)

    def _write_service(self, journal: JournalFile, opened: Opened, restored: tuple[OutsideFile, ...]) -> None:
        """The service definition: written by the new release, or put back from the snapshot. The old bytes are kept first."""
        supervisor, installation = self.undoer.supervisor, opened.installation
        if not supervisor.installs_service:
            return
        kept = tuple(self.snapshots.keep_file(path) for path in supervisor.outside_files(installation))
        undos = tuple(RestoreFile(each.path, each.digest, each.mode) for each in kept)
        with self._step(journal, Step.INSTALL, *undos):
            if not opened.move.brings_state_back:
                supervisor.install(installation, opened.target)
                return
            for each in restored:
                self.undoer.restore_file(RestoreFile(each.path, each.digest, each.mode))
            supervisor.reload(installation)

    def _start(self, journal: JournalFile, opened: Opened, launch: Launch) -> ProcessIdentity | None:
        """Lower the fence and start once; believed only when this very process serves. A stopped gateway stays stopped."""
        installation = opened.installation
        undoer = self.undoer
        with self._step(journal, Step.START, StopGateways(installation.state.path)):
            undoer.supervisor.lower_fence(installation)
            if not opened.was_running:
                return None
            moved = _moved(opened)
            gateway = undoer.supervisor.start(moved, launch.with_node(opened.target))
            undoer.readiness.wait(moved, opened.target.version, gateway)
            return gateway

    def _verify(self, opened: Opened, before: LiveReport | None) -> LiveReport:
        """The same list of live checks as before the move; what is worse now is this move's doing. Raises ChecksFailed."""
        after = self.verifier.check(self.discovery.find())
        worse = list(worse_than(opened.before, after.judgements))
        if before is not None and not opened.move.brings_state_back:  # a rollback means to bring back what differs from now
            worse.extend(each for each in self.compare(before, after) if each in worse_than((), (each,)))
        if worse:
            raise ChecksFailed(
                f"{opened.target.version} runs, but it is worse than before: {worse[0].check}",
                why="; ".join(each.why for each in worse),
                hint="`upgrader verify` makes the same checks on what runs now",
                code=worse[0].check,
            )
        return after

    def _identity(self, path: Path) -> FileId:
        found = self.undoer.pointer.identity(path)
        if found is None:
            raise UpgraderError(f"{path} is gone", why="something removed it meanwhile", code="vanished")
        return found

    @contextmanager
    def _step(self, journal: JournalFile, step: Step, *undos: Undo) -> Iterator[None]:
        """Intend, durable; act; done, durable. The progress shows the step while it runs."""
        journal.append(Mark.INTEND, step, undos)
        with self.undoer.progress.step(PHRASES[step]):
            yield
        journal.append(Mark.DONE, step)


def _inside(state: Path, workspaces: tuple[Path, ...]) -> tuple[Path, ...]:
    """The workspaces that lie inside the state, relative to it; those outside are never touched."""
    return tuple(each.relative_to(state) for each in workspaces if each.is_relative_to(state))


def _moved(opened: Opened) -> Installation:
    """The installation as it is after the switch."""
    present = opened.installation
    package = replace(present.package, root=opened.target.package_root, version=opened.target.version)
    return replace(present, package=package, node=opened.target.node)
