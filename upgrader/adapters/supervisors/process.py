"""The plain-process supervisor: the gateway is a detached child that nobody restarts; upgrader keeps its record."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psutil

from upgrader.adapters.files.durable import remove_durably, replace_durably
from upgrader.adapters.processes.children import ProcessRunner
from upgrader.domain.installation.facts import GatewayProcess, Installation, NodeRuntime, ProcessIdentity, SupervisorKind
from upgrader.domain.kept.slot import Slot
from upgrader.domain.moves.launching import Launch
from upgrader.domain.ports import Command, Processes
from upgrader.domain.process import StartFailed

# The boot time that start times are counted from moves when the clock is stepped.
_SAME_START_S = 1.5
# Programs that start again what ends; a shell or a terminal does not, but for a loop that a person wrote into it.
_KEEPERS = frozenset({"pm2", "PM2", "supervisord", "runsv", "s6-supervise", "dinit", "monit", "circusd", "forever", "nodemon"})
GatewayArgv = Callable[[NodeRuntime, Path, int | None], tuple[str, ...]]


@dataclass(frozen=True)
class ProcessSupervisor:
    """Port Supervisor. `home` is the installation's own folder; `gateway_argv(node, package, port)` how one is started.

    `base` is the environment a gateway gets when none ran before to copy it from.
    """

    home: Path
    runner: ProcessRunner
    processes: Processes
    gateway_argv: GatewayArgv
    base: Mapping[str, str]

    kind = SupervisorKind.PROCESS
    installs_service = False

    def launch_record(self, installation: Installation) -> Launch:
        """Our own record where we started the running gateway; else what the process table tells of it.

        A gateway's title overwrites its command line (2026.9.5, /proc/PID/cmdline), so argv is made anew; environment
        and directory are those of the process. Raises StartFailed where these cannot be read.
        """
        if not installation.gateways:
            argv = self.gateway_argv(installation.node, installation.package.pointer, None)
            return Launch(argv, installation.home, self.base)
        gateway = installation.gateways[0]
        recorded = self._recorded(gateway.identity)
        if recorded is not None:
            return recorded
        port = None if not gateway.ports or installation.port in gateway.ports else min(gateway.ports)
        argv = self.gateway_argv(installation.node, installation.package.pointer, port)
        try:
            process = psutil.Process(gateway.identity.pid)
            return Launch(argv, Path(process.cwd()), process.environ())
        except (psutil.Error, OSError) as error:
            raise StartFailed(
                "how the gateway was started cannot be read, so it could not be started again",
                why=f"process {gateway.identity.pid} ended, or hides it",
                hint="the same command again",
                code="launch_unknown",
            ) from error

    def outside_files(self, installation: Installation) -> tuple[Path, ...]:  # noqa: ARG002 - the port's signature
        """None: a plain process has no definition."""
        return ()

    def objections(self, installation: Installation) -> tuple[str, ...]:
        """A gateway that something else keeps alive would be started again behind our back."""
        return tuple(
            f"process {gateway.identity.pid} is kept alive by {parent}, which upgrader cannot hold back"
            for gateway in installation.gateways
            for parent in gateway.parents
            if parent in _KEEPERS
        )

    def raise_fence(self, installation: Installation, journal: Path) -> None:
        """Nothing to raise: nobody else starts a plain process; its locks and port are held instead."""

    def lower_fence(self, installation: Installation) -> None:
        """Nothing to lower."""

    def stop(self, installation: Installation, limit: timedelta) -> None:
        """End every gateway of this state by identity, and the one we started last. Raises StopFailed.

        Between its title and its lock a starting gateway of 9.x looks like any command (40 s on a busy machine, measured).
        """
        for gateway in self._running(installation):
            self.processes.end(gateway.identity, limit)
        started = self._started()
        if started is not None:
            self.processes.end(started, limit)
        remove_durably(self._record)

    def install(self, installation: Installation, slot: Slot) -> None:
        """Nothing to install."""

    def reload(self, installation: Installation) -> None:
        """Nothing to read again."""

    def start(self, installation: Installation, launch: Launch) -> ProcessIdentity:  # noqa: ARG002 - the port's signature
        """Start detached, own session, output to gateway.log; the record is made durable right after. Raises StartFailed.

        Where the disk takes no record the gateway runs all the same, on a way back above all: the process table tells the rest.
        """
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        command = Command(launch.argv, environment=launch.environment, directory=launch.directory)
        identity = self.runner.start(command, self.home / "gateway.log")
        record = {"pid": identity.pid, "started": identity.started, "launch": json.loads(launch.to_bytes())}
        try:
            replace_durably(self._record, json.dumps(record).encode())
        except OSError:
            self._record.unlink(missing_ok=True)  # it speaks of another process
        return identity

    @property
    def _record(self) -> Path:
        return self.home / "gateway.json"

    def _running(self, installation: Installation) -> tuple[GatewayProcess, ...]:
        return self.processes.gateways_on(installation.state.path)

    def _started(self) -> ProcessIdentity | None:
        """The process we started last, whatever it is by now."""
        try:
            record = json.loads(self._record.read_bytes())
            return ProcessIdentity(int(record["pid"]), float(record["started"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _recorded(self, identity: ProcessIdentity) -> Launch | None:
        """The record, if it speaks of this very process."""
        try:
            record = json.loads(self._record.read_bytes())
            if record["pid"] != identity.pid or abs(record["started"] - identity.started) > _SAME_START_S:
                return None
            return Launch.from_bytes(json.dumps(record["launch"]).encode())
        except (OSError, ValueError, KeyError, TypeError):
            return None
