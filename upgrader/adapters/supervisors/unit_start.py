"""Starting a unit, and believing it only when the process that runs is the one meant."""

import filecmp
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil

from upgrader.adapters.files.durable import replace_durably
from upgrader.adapters.supervisors.loaded_unit import Units, definition_of, loaded
from upgrader.adapters.supervisors.systemctl import LOOK, Systemctl, UnitStatus
from upgrader.domain.installation.facts import Installation, ProcessIdentity
from upgrader.domain.installation.supervision import GatewayCommand
from upgrader.domain.ports import Clock
from upgrader.domain.process import StartFailed

T = TypeVar("T")
_STEADY_MARGIN_S = 1.0
_CONFIG_ERROR = 78  # OpenClaw's: configuration or state it refuses; its unit does not restart it then


@dataclass(frozen=True)
class UnitStart:
    """One start of `name`: what it must be afterwards is `wanted`, on the state of `installation`."""

    systemctl: Systemctl
    clock: Clock
    units: Units
    name: str

    def run(self, installation: Installation, wanted: GatewayCommand | None) -> ProcessIdentity:
        """Compare, reset what earlier failures left, start, watch, compare the process. Raises StartFailed, NotManaged."""
        self.systemctl.must("daemon-reload")
        if wanted is None:
            raise self._failed("its command line is not one of OpenClaw's")
        node = self._compare_unit(wanted)
        self.systemctl.run("reset-failed", self.name)  # else StartLimitBurst refuses; fails itself where nothing failed
        self.systemctl.must("start", self.name)
        identity = self._steady()
        self._compare_process(installation, node, identity)
        return identity

    def _compare_unit(self, wanted: GatewayCommand) -> Path:
        """The Node the unit starts by; raises when the unit, drop-ins applied, starts something else than meant.

        A unit put back from a snapshot names the Node of that time. Another path with the same bytes is the same Node; one
        that was removed or replaced since is exchanged, in the unit, for the copy that the slot keeps.
        """
        status = loaded(self.systemctl.status(self.name), self.name)
        definition = definition_of(status, self.units)
        found = self.units.command_of(definition.command)
        if found is None:
            raise self._failed(f"{definition.command_from} starts something else than OpenClaw")
        if found.package_root.resolve() != wanted.package_root.resolve():
            raise self._failed(f"{definition.command_from} starts {found.package_root}, not {wanted.package_root}")
        if _same_file(found.node, wanted.node):
            return found.node.resolve()
        if status.fragment is None or definition.command_from != status.fragment:
            raise self._failed(f"{definition.command_from} starts it by {found.node}, not {wanted.node}")
        changed = self.units.with_node(status.fragment.read_bytes(), wanted.node)
        replace_durably(status.fragment, changed, status.fragment.stat().st_mode & 0o777)
        self.systemctl.must("daemon-reload")
        return wanted.node.resolve()

    def _steady(self) -> ProcessIdentity:
        """Watch the started unit for RestartSec and a margin: one main process all the while, no restart."""
        first = status = self.systemctl.status(self.name)
        until = self.clock.monotonic() + first.restart_seconds + _STEADY_MARGIN_S
        while status.active == "active" and status.main_pid == first.main_pid != 0 and not status.restarts:
            if self.clock.monotonic() >= until:
                return self._looked_at(first.main_pid, lambda process: ProcessIdentity(process.pid, process.create_time()))
            self.clock.wait(LOOK)
            status = self.systemctl.status(self.name)
        raise self._failed(_ending(status))

    def _compare_process(self, installation: Installation, node: Path, identity: ProcessIdentity) -> None:
        """Whether the running process is the Node meant, on the state meant."""
        running = self._looked_at(identity.pid, lambda process: Path(process.exe()))
        if running != node:
            raise self._failed(f"its main process is {running}, not {node}")
        environment = self._looked_at(identity.pid, lambda process: process.environ())
        state = Path(os.path.realpath(self.units.state_of(environment, installation.home, Path.exists)))
        if state != installation.state.path:
            raise self._failed(f"it works on {state}, not on {installation.state.path}")

    def _looked_at(self, pid: int, look: Callable[[psutil.Process], T]) -> T:
        try:
            return look(psutil.Process(pid))
        except psutil.Error as error:
            raise self._failed(f"its main process, pid {pid}, is gone or cannot be looked at") from error

    def _failed(self, why: str) -> StartFailed:
        return StartFailed(
            f"{self.name} did not start as intended",
            why=why,
            hint=f"`journalctl --user -u {self.name} -n 50` tells its last words",
        )


def _same_file(one: Path, other: Path) -> bool:
    """Whether both are there and the same, by name or by content (100 MB: some tenths of a second)."""
    try:
        return one.resolve() == other.resolve() or filecmp.cmp(one, other, shallow=False)
    except OSError:
        return False


def _ending(status: UnitStatus) -> str:
    """Why a started unit is not up, in words."""
    if status.restarts or status.sub == "auto-restart":
        return f"it ended with exit code {status.exit_status} and systemd starts it again and again"
    if status.exit_status == _CONFIG_ERROR:
        return "it refused its configuration or its state (exit code 78)"
    if status.active == "inactive" and status.result == "success":
        return "systemd skipped it (a condition of the unit is not met) or it ended at once"
    return f"systemd says {status.active} ({status.sub}), result {status.result}, exit code {status.exit_status}"
