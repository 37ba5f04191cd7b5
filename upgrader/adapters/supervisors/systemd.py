"""The systemd user service: one file a supervisor."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from upgrader.adapters.files.durable import replace_durably
from upgrader.adapters.moves.children import marked
from upgrader.adapters.supervisors import unit_fence, unit_processes, unit_recovery
from upgrader.adapters.supervisors.loaded_unit import Units, definition_of, loaded
from upgrader.adapters.supervisors.systemctl import Systemctl, UnitStatus
from upgrader.adapters.supervisors.unit_recovery import RecoveryCommand
from upgrader.adapters.supervisors.unit_start import UnitStart
from upgrader.domain.installation.facts import Installation, ProcessIdentity, SupervisorKind
from upgrader.domain.installation.supervision import (
    FenceFailed,
    GatewayCommand,
    NotManaged,
    SelfHosted,
    UnitDefinition,
    UnitPart,
)
from upgrader.domain.kept.slot import Slot
from upgrader.domain.moves.launching import Launch
from upgrader.domain.ports import Clock, Command, Processes, Runner
from upgrader.domain.process import CommandTimedOut, InstallFailed, StopFailed

_INSTALL_LIMIT = timedelta(minutes=4)  # 7 to 30 s measured; npm's own checks may wait for a network


@dataclass(frozen=True)
class SystemdUserSupervisor:
    """Port Supervisor over `systemctl --user`.

    `session` is the environment that reaches the user's service manager (systemctl.session_environment); `uid` whose it is;
    `entry` the script of a package that is its command line; `recovery` ends a move that the machine's end interrupted;
    `stop_margin` what systemd gets beyond the unit's own limit,
    after which it kills.
    """

    runner: Runner
    clock: Clock
    processes: Processes
    units: Units
    session: Mapping[str, str]
    uid: int
    entry: str
    recovery: RecoveryCommand
    stop_margin: timedelta = timedelta(seconds=15)

    kind = SupervisorKind.SYSTEMD_USER
    installs_service = True

    def launch_record(self, installation: Installation) -> Launch:
        """What the unit starts, drop-ins included. Raises NotManaged where that is no gateway of OpenClaw's.

        A script inside the present package is named through the package pointer: after a switch the same record then
        means the package that stands there.
        """
        definition = definition_of(self._loaded(installation), self.units)
        command = self.units.command_of(definition.command)
        if command is None:
            raise NotManaged(
                f"{_name(installation)} does not start OpenClaw itself",
                why=f"its ExecStart in {definition.command_from} is a wrapper or another program",
                hint="let `openclaw gateway install --force` write the unit, then run the command again",
                code="unit_command",
            )
        argv = definition.command
        if command.package_root.resolve() == installation.package.root.resolve():
            entry = installation.package.pointer / command.entry.relative_to(command.package_root)
            argv = tuple(str(entry) if word == str(command.entry) else word for word in argv)
        return Launch(argv, definition.directory or installation.home, definition.environment)

    def outside_files(self, installation: Installation) -> tuple[Path, ...]:
        """The unit, the copy `gateway install` makes of it, and its own drop-ins; never our fence."""
        unit = _unit(installation)
        drop_ins = sorted(unit.with_name(unit.name + ".d").glob("*.conf"))
        return (unit, unit.with_name(unit.name + ".bak"), *(path for path in drop_ins if path.name != unit_fence.NAME))

    def objections(self, installation: Installation) -> tuple[str, ...]:
        """Why this unit cannot be moved to another release, as sentences for a plan; empty when it can."""
        status = self._loaded(installation)
        definition = definition_of(status, self.units)
        found = []
        if definition.command_from not in (None, status.fragment):
            found.append(f"the drop-in {definition.command_from} replaces ExecStart: what the release writes has no effect")
        if self.units.command_of(definition.command) is None:
            found.append(f"{definition.command_from} starts a wrapper, not OpenClaw itself")
        if status.fragment not in (None, _unit(installation)):
            found.append(f"the service is defined by {status.fragment}, which OpenClaw does not write")
        found.extend(
            f"the running gateway, pid {gateway.identity.pid}, is not the one of {_name(installation)}: stopping the service "
            f"would not stop it"
            for gateway in installation.gateways
            if gateway.unit != _name(installation)
        )
        if not installation.gateways and not status.is_down:  # taken for stopped it would be left stopped
            found.append(
                f"systemd is starting {_name(installation)} just now ({status.sub}, last exit code {status.exit_status}): "
                f"wait until it serves, or `systemctl --user stop {_name(installation)}`"
            )
        if unit_processes.is_inside(_name(installation), self.uid):
            found.append("this command runs inside the gateway's own service and would be stopped with it")
        return tuple(found)

    def raise_fence(self, installation: Installation, journal: Path) -> None:
        """Keep the unit from starting from here on, after a reboot too. Raises FenceFailed, SelfHosted, NotManaged."""
        unit = _unit(installation)
        self._refuse_self_hosted(installation)
        try:
            unit_recovery.put_at(unit, journal.with_name("fence"), self.recovery)
            unit_fence.raise_at(unit, journal.with_name("fence"))
        except (OSError, ValueError) as error:
            raise FenceFailed(
                "cannot keep the gateway from being started by others", why=str(error), hint=f"look at {unit.parent}"
            ) from error
        self._systemctl.must("daemon-reload")
        if unit_fence.fence_path(unit) not in self._systemctl.status(unit.name).drop_ins:
            raise FenceFailed(
                "systemd does not read the drop-in that keeps the gateway down",
                why=f"{unit.parent} is not where this user's service manager looks",
                hint=f"`systemctl --user cat {unit.name}` shows what it reads",
            )

    def lower_fence(self, installation: Installation) -> None:
        """Let it start again. Safe to run again. Raises NotManaged."""
        unit_fence.lower_at(_unit(installation))
        unit_recovery.remove_at(_unit(installation))
        self._systemctl.must("daemon-reload")

    def stop(self, installation: Installation, limit: timedelta) -> None:
        """Stop the unit and prove its control group empty. Never gives up before the unit's own limit. Raises StopFailed."""
        name = _name(installation)
        self._refuse_self_hosted(installation)
        own_limit = self._systemctl.status(name).stop_seconds + self.stop_margin.total_seconds()
        seconds = max(limit.total_seconds(), own_limit) if math.isfinite(own_limit) else limit.total_seconds()
        try:
            self._systemctl.run("stop", name, limit=timedelta(seconds=seconds))
        except CommandTimedOut as error:
            raise _not_stopped(name, f"systemd was still at it after {seconds:.0f} s") from error
        status = self._systemctl.status(name)
        if not status.is_down:
            raise _not_stopped(name, f"systemd says {status.active} ({status.sub}), main process {status.main_pid}")
        # KillMode=process, which 2.x writes, leaves what the gateway started; it would go on writing into the state.
        for identity in unit_processes.members(name, self.uid):
            self.processes.end(identity, self.stop_margin)
        left = unit_processes.members(name, self.uid)
        if left:
            raise _not_stopped(name, f"pid {left[0].pid} is left in its control group")

    def install(self, installation: Installation, slot: Slot) -> None:
        """Make the unit start the slot, behind the fence, where nothing is started by it. Raises InstallFailed.

        Two releases known to write the same unit need no more than the old unit with the slot's Node and package in it:
        `gateway install` takes 10 s on an idle machine, 98 s were seen on a busy one, all of it with the gateway down.
        Every other release writes its unit itself.
        """
        unit = _unit(installation)
        if not unit_fence.is_up(unit):
            raise InstallFailed("`gateway install` would start the gateway", why="the fence is not up", code="no_fence")
        before = self._systemctl.status(unit.name)
        previous = definition_of(replace(before, drop_ins=()), self.units)
        old = self.units.command_of(previous.command)
        script = slot.package_root / (old.entry.relative_to(old.package_root) if old else self.entry)
        if old and script.is_file() and self.units.writes_alike(installation.package.version, slot.version):
            wanted = replace(old, node=slot.node.path, entry=script, package_root=slot.package_root)
            replace_durably(unit, self.units.with_command(unit.read_bytes(), wanted), unit.stat().st_mode & 0o777)
        else:
            self._written_by_release(installation, slot, previous, old.port if old else None)
            if before.file_state == "disabled":  # it enables what the user had not
                self._systemctl.must("disable", unit.name)
        self._settle_unit(unit, slot)
        self._systemctl.must("daemon-reload")

    def reload(self, installation: Installation) -> None:  # noqa: ARG002 - the port's signature
        """Read the unit files again. Raises NotManaged."""
        self._systemctl.must("daemon-reload")

    def start(self, installation: Installation, launch: Launch) -> ProcessIdentity:
        """Start once and believe it only after RestartSec: same main process, no restart, the Node, package and state meant.

        `launch` names Node and script; the script may lead through the package pointer. Raises StartFailed.
        """
        wanted = self.units.command_of(launch.argv)
        return UnitStart(self._systemctl, self.clock, self.units, _name(installation)).run(installation, wanted)

    @property
    def _systemctl(self) -> Systemctl:
        return Systemctl(self.runner, self.session)

    def _loaded(self, installation: Installation) -> UnitStatus:
        return loaded(self._systemctl.status(_name(installation)), _name(installation))

    def _refuse_self_hosted(self, installation: Installation) -> None:
        if unit_processes.is_inside(_name(installation), self.uid):
            raise SelfHosted(
                "this command runs inside the gateway's own service",
                why="stopping the gateway would end it half way",
                hint="`systemd-run --user --collect --pipe upgrader …` runs it beside the gateway",
            )

    def _written_by_release(self, installation: Installation, slot: Slot, previous: UnitDefinition, port: int | None) -> None:
        """Run the release's own `gateway install`, in the environment the old unit gave. Raises InstallFailed."""
        command = GatewayCommand(slot.node.path, (), slot.package_root / self.entry, slot.package_root, port)
        environment = {**self.units.install_environment(previous.environment), **self.session}
        environment = marked(environment, installation.state.path)
        environment["PATH"] = previous.environment.get("PATH") or self.session["PATH"]
        argv = self.units.install_argv(command, slot.version, installation.profile)
        try:
            ran = self.runner.run(Command(argv, _INSTALL_LIMIT, environment, directory=installation.home))
        except CommandTimedOut as error:
            raise _not_installed(slot, error.message) from error
        answer = self.units.read_install_answer(ran.stdout)
        if ran.exit_code or not answer.worked:
            raise _not_installed(slot, answer.reason or f"exit code {ran.exit_code}")

    def _settle_unit(self, unit: Path, slot: Slot) -> None:
        """Check what was written, make it name the slot's Node, make it durable. Raises InstallFailed.

        A release that cannot be told its Node, or takes another one, has that one word replaced.
        """
        text = unit.read_bytes()
        command = self.units.command_of(self.units.read_unit((UnitPart(unit, text),)).command)
        if command is None or command.package_root.resolve() != slot.package_root.resolve():
            raise _not_installed(slot, f"{unit} starts {command.package_root if command else 'something else'}")
        if command.node != slot.node.path:
            text = self.units.with_node(text, slot.node.path)
        replace_durably(unit, text, unit.stat().st_mode & 0o777)


def _unit(installation: Installation) -> Path:
    path = installation.service.unit_path
    if path is None:
        raise NotManaged("this installation has no systemd unit", hint="`openclaw gateway install` makes it")
    return path


def _name(installation: Installation) -> str:
    return installation.service.name or _unit(installation).name


def _not_stopped(name: str, why: str) -> StopFailed:
    return StopFailed(f"{name} did not stop", why=why, hint=f"`systemctl --user status {name}` shows what is left")


def _not_installed(slot: Slot, why: str) -> InstallFailed:
    return InstallFailed(
        f"{slot.version} could not write its service unit", why=why, hint="`upgrader status` shows what stands now"
    )
