"""Joins a move: supervisor, doctor, readiness, the way back, the transaction."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from upgrader.adapters.databases.read_only import ReadOnlyDatabases
from upgrader.adapters.gateway.conversation import GatewaySocket
from upgrader.adapters.gateway.http_probe import LoopbackHttp
from upgrader.adapters.gateway.quieting import GatewayQuieting
from upgrader.adapters.gateway.readiness import LiveReadiness
from upgrader.adapters.moves.children import MoveChildren
from upgrader.adapters.moves.doctor import LiveDoctor
from upgrader.adapters.moves.files import DurableFiles
from upgrader.adapters.moves.holds import OwnershipHolds
from upgrader.adapters.moves.pointer import PackagePointer
from upgrader.adapters.moves.updaters import LedgerUpdaters
from upgrader.adapters.settling.settler import Settler
from upgrader.adapters.supervisors.process import ProcessSupervisor
from upgrader.adapters.supervisors.systemctl import session_environment
from upgrader.adapters.supervisors.systemd import SystemdUserSupervisor
from upgrader.adapters.supervisors.unit_recovery import RecoveryCommand
from upgrader.context.interrupts import INTERRUPTS
from upgrader.context.keeping import Keeping, installation_home
from upgrader.context.machine import Machine
from upgrader.domain.check import Judgement
from upgrader.domain.installation.facts import Installation, SupervisorKind
from upgrader.domain.moves.ports import Supervisor
from upgrader.domain.moves.quiet import Patience
from upgrader.domain.pairing.live import LiveReport
from upgrader.domain.pairing.ports import NoAnswer
from upgrader.domain.ports import Discovery, Progress, Verifier
from upgrader.operations.moves.cutover import Cutover
from upgrader.operations.moves.finishing import Finisher
from upgrader.operations.moves.quiesce import Quiesce
from upgrader.operations.moves.recover import Recover
from upgrader.operations.moves.transact import Transact
from upgrader.operations.moves.undoing import Undoer
from upgrader.services.openclaw import commands
from upgrader.services.openclaw.canary import clone_runs
from upgrader.services.openclaw.doctor import doctor_call
from upgrader.services.openclaw.gateway import liveness, suspension
from upgrader.services.openclaw.places import effects, locks, paths
from upgrader.services.openclaw.service import units, update_runs

_BYTES_PER_SECOND = 4_000_000  # how fast a migration is taken to be at worst, as in the canary's budgets
# The home of our data and where commands are found; the service manager gives the rest.
_RECOVERY_NEEDS = ("HOME", "PATH", "XDG_DATA_HOME", "LANG")
Compare = Callable[[LiveReport, LiveReport], tuple[Judgement, ...]]


@dataclass(frozen=True)
class Moving:
    """Everything a move of one installation needs."""

    machine: Machine
    keeping: Keeping
    found: Discovery
    verifier: Verifier
    compare: Compare
    progress: Progress
    patience: Patience = field(default_factory=Patience)

    def supervisor(self) -> Supervisor:
        """The one that keeps this gateway alive."""
        machine = self.machine
        if self.keeping.installation.service.kind is SupervisorKind.SYSTEMD_USER:
            session = session_environment(machine.uid, machine.account_home, machine.environment)
            return SystemdUserSupervisor(
                machine.runner,
                machine.clock,
                machine.processes,
                units,
                session,
                machine.uid,
                commands.ENTRY,
                _recovery(machine, self.keeping.installation),
            )
        return ProcessSupervisor(
            self.keeping.home, machine.runner, machine.processes, commands.gateway_argv, machine.environment
        )

    def undoer(self) -> Undoer:
        """The way back."""
        machine = self.machine
        return Undoer(
            supervisor=self.supervisor(),
            processes=machine.processes,
            holds=OwnershipHolds(locks.ownership, locks.owner_of, machine.clock),
            snapshots=self.keeping.snapshots(),
            pointer=PackagePointer(),
            settling=Settler(self.keeping.home, effects.KNOWLEDGE, machine.clock),
            readiness=live_readiness(machine),
            files=DurableFiles(),
            progress=self.progress,
        )

    def finisher(self) -> Finisher:
        """What tidies a committed move."""
        return Finisher(self.keeping.snapshots(), PackagePointer())

    def transact(self) -> Transact:
        """One move as a transaction."""
        machine = self.machine
        cutover = Cutover(
            undoer=self.undoer(),
            snapshots=self.keeping.snapshots(),
            doctor=LiveDoctor(machine.runner, doctor_call, self._environment, _doctor_limit),
            verifier=self.verifier,
            discovery=self.found,
            clock=machine.clock,
            compare=self.compare,
            quiesce=Quiesce(self._quieting(), machine.clock, self.progress, self.patience),
        )
        return Transact(
            journals=self.keeping.journals(),
            cutover=cutover,
            finisher=self.finisher(),
            clock=machine.clock,
            progress=self.progress,
            name=lambda: self.keeping.journals().new_name(machine.clock.now()),
            shield=INTERRUPTS.shielded,
            updaters=LedgerUpdaters(
                ReadOnlyDatabases(Path(tempfile.gettempdir())),
                machine.clock,
                paths.STATE_DATABASE,
                update_runs.QUERY,
                update_runs.read_runs,
            ),
        )

    def recover(self) -> Recover:
        """What ends an unfinished move."""
        leftovers = MoveChildren(self.machine.processes)
        return Recover(self.keeping.journals(), self.undoer(), self.finisher(), leftovers, self.progress)

    def _quieting(self) -> GatewayQuieting:
        return GatewayQuieting(
            self.machine.runner,
            suspension,
            commands.openclaw_argv,
            self._environment,
        )

    def _environment(self, installation: Installation) -> Mapping[str, str]:
        """What an OpenClaw command of this installation gets to see."""
        return commands.openclaw_environment(self.machine.environment, installation)


def _recovery(machine: Machine, installation: Installation) -> RecoveryCommand:
    """This very program on this very installation; `status` ends what was left open."""
    selected = ("--profile", installation.profile) if installation.profile else ("--state-dir", str(installation.state.path))
    kept = {name: machine.environment[name] for name in _RECOVERY_NEEDS if name in machine.environment}
    words = (*selected, "--prefix", str(installation.package.prefix), "status")
    return RecoveryCommand((str(machine.python), "-m", "upgrader", *words), kept)


def live_readiness(machine: Machine) -> LiveReadiness:
    """What waits until a started gateway serves."""

    def last_words(installation: Installation) -> str:
        if installation.service.kind is SupervisorKind.SYSTEMD_USER:
            return f"`journalctl --user -u {installation.service.name} -n 50` shows its last words"
        return f"`tail -n 50 {installation_home(machine, installation.state.path) / 'gateway.log'}` shows its last words"

    alive = machine.processes.is_alive
    return LiveReadiness(machine.clock, alive, LoopbackHttp().get, liveness.paths, liveness.judge, _greets, last_words)


def _greets(port: int) -> bool:
    """Whether something greets there as a gateway does; nothing is sent to it."""
    try:
        return clone_runs.is_greeting(GatewaySocket().greeting(port))
    except NoAnswer:
        return False


def _doctor_limit(installation: Installation) -> timedelta:
    return timedelta(minutes=5, seconds=installation.state.size_bytes / _BYTES_PER_SECOND)
