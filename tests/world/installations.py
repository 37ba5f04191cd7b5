"""Installations as the discovery would describe them, for tests that need one and look for none."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from upgrader.domain.installation.facts import (
    AuthFacts,
    GatewayProcess,
    Installation,
    InstallKind,
    NodeRuntime,
    Package,
    PairingEra,
    ProcessIdentity,
    Service,
    State,
    SupervisorKind,
)
from upgrader.domain.version import Version


def installation_on(path: Path, /, **more: Any) -> Installation:
    """A stopped installation whose state is at `path`; `more` are its parts that are others than usual."""
    usual = Installation(
        package=installed_at(path),
        node=NodeRuntime(Path("/usr/bin/node"), "24.16.0"),
        home=path.parent,
        profile="",
        state=state_at(path),
        port=18789,
        auth=AuthFacts("token"),
        service=Service(SupervisorKind.PROCESS),
    )
    return replace(usual, **more)


def installed_at(root: Path, version: str = "2026.9.5", prefix: Path | None = None) -> Package:
    """A package that npm has put at `root`."""
    return Package(root, root.resolve(), Version(version), InstallKind.NPM_GLOBAL, prefix or root)


def state_at(path: Path, owner: int = 0, era: PairingEra = PairingEra.SQLITE, **more: Any) -> State:
    """A state directory with its configuration inside."""
    return State(path, path / "openclaw.json", owner, era, **more)


def running(installation: Installation) -> Installation:
    """The same with a gateway on it."""
    gateway = GatewayProcess(ProcessIdentity(1, 0.0), 0, None, None, installation.state.path)
    return replace(installation, gateways=(gateway,))
