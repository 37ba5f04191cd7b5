"""What the checks in the machine stand on: the seeded installation of claw, and the supervisor over the real systemd."""

import http.client
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from upgrader.adapters.clock import SystemClock
from upgrader.adapters.processes.children import ProcessRunner
from upgrader.adapters.processes.table import ProcessTable
from upgrader.adapters.supervisors.systemctl import Systemctl, session_environment
from upgrader.adapters.supervisors.systemd import SystemdUserSupervisor
from upgrader.adapters.supervisors.unit_recovery import RecoveryCommand
from upgrader.domain.installation.facts import (
    AuthFacts,
    Installation,
    InstallKind,
    NodeRuntime,
    Package,
    PairingEra,
    Service,
    State,
    SupervisorKind,
)
from upgrader.domain.kept.slot import Slot, SlotOrigin
from upgrader.domain.version import Version
from upgrader.services.openclaw.gateway import gateway_process
from upgrader.services.openclaw.places import locations
from upgrader.services.openclaw.service import units

HOME = Path.home()
NODE = Path("/opt/node24/bin/node")
OWN_NODE = HOME / "lab-node" / "node"  # a second copy, as a slot has one
PREFIX = HOME / ".npm-global"
NEXT = HOME / "lab-next"
OLD = HOME / "lab-2.17"
PORT = int(os.environ.get("UPGRADER_LAB_PORT", "18789"))
STATE = HOME / ".openclaw"
NAME = "openclaw-gateway.service"
RECOVERY = RecoveryCommand((sys.executable, "-m", "upgrader", "status"), {"HOME": str(HOME), "PATH": os.environ["PATH"]})


def package(prefix: Path) -> Path:
    """Where a global install keeps OpenClaw."""
    return prefix / "lib" / "node_modules" / "openclaw"


def until(condition: Callable[[], bool], limit: float = 240.0) -> bool:
    """Whether `condition` comes true within `limit` seconds."""
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def answers() -> bool:
    """Whether the gateway answers."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@dataclass(frozen=True)
class Lab:
    """The machine's service, the supervisor, and the installation it is about."""

    supervisor: SystemdUserSupervisor
    systemctl: Systemctl
    installation: Installation
    journal: Path

    def named(self, name: str) -> Installation:
        """The same installation behind another unit."""
        unit = units.unit_path(HOME, "").with_name(name)
        return replace(self.installation, service=Service(SupervisorKind.SYSTEMD_USER, name, unit))

    @property
    def of_another_time(self) -> Installation:
        """The same installation said to be of a release whose unit is not known to be like the next one's."""
        return replace(self.installation, package=replace(self.installation.package, version=Version("2026.9.4")))

    def slot(self, prefix: Path, version: str) -> Slot:
        """A slot over an install, run by its own copy of Node."""
        return Slot(version, Version(version), SlotOrigin.STAGED, package(prefix), NodeRuntime(OWN_NODE, "24.19.0"), "")


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """The parts, joined."""
    clock = SystemClock()
    session = session_environment(os.getuid(), HOME, os.environ)
    runner = ProcessRunner(os.environ)
    table = ProcessTable(clock, locations.SELECTING, gateway_process.is_lock_file, gateway_process.read_process)
    supervisor = SystemdUserSupervisor(runner, clock, table, units, session, os.getuid(), "openclaw.mjs", RECOVERY)
    root = package(PREFIX)
    installed = Package(root, root, Version("2026.9.5"), InstallKind.NPM_GLOBAL, PREFIX)
    state = State(STATE, STATE / "openclaw.json", os.getuid(), PairingEra.SQLITE)
    service = Service(SupervisorKind.SYSTEMD_USER, NAME, units.unit_path(HOME, ""))
    node = NodeRuntime(NODE, "24.19.0")
    installation = Installation(installed, node, HOME, "", state, PORT, AuthFacts("token"), service)
    return Lab(supervisor, Systemctl(runner, session), installation, tmp_path / "journal.log")


@pytest.fixture
def running(lab: Lab) -> Iterator[Lab]:
    """2026.9.5 serving; afterwards state, unit and package are as before and it serves again."""
    kept = HOME / "lab-kept"
    unit = units.unit_path(HOME, "")
    if not kept.exists():
        lab.supervisor.stop(lab.installation, timedelta(minutes=4))
        kept.mkdir(mode=0o700)
        shutil.copytree(STATE, kept / "state", symlinks=True)
        shutil.copy2(unit, kept / unit.name)
    put_back(lab, kept)
    assert until(answers)
    yield lab
    put_back(lab, kept)


def put_back(lab: Lab, kept: Path) -> None:
    """Stop whatever runs, restore state and unit, start."""
    unit = units.unit_path(HOME, "")
    lab.supervisor.lower_fence(lab.installation)
    lab.supervisor.stop(lab.installation, timedelta(minutes=4))
    shutil.rmtree(STATE)
    shutil.copytree(kept / "state", STATE, symlinks=True)
    shutil.copy2(kept / unit.name, unit)
    lab.supervisor.start(lab.installation, lab.supervisor.launch_record(lab.installation))


def run(*argv: str, limit: float = 120) -> "subprocess.CompletedProcess[bytes]":
    """A command of claw's."""
    return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=limit, check=False)
