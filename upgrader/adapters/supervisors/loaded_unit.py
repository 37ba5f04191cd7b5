"""The files of a loaded unit, and what the service knows of them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from upgrader.adapters.supervisors.systemctl import UnitStatus
from upgrader.domain.installation.supervision import GatewayCommand, InstallAnswer, NotManaged, UnitDefinition, UnitPart
from upgrader.domain.version import Version


class Units(Protocol):
    """What is known of the service's units: services/openclaw/service/units.py."""

    def read_unit(self, parts: tuple[UnitPart, ...]) -> UnitDefinition: ...
    def command_of(self, argv: tuple[str, ...]) -> GatewayCommand | None: ...
    def with_node(self, text: bytes, node: Path) -> bytes: ...
    def with_command(self, text: bytes, command: GatewayCommand) -> bytes: ...
    def writes_alike(self, one: Version, other: Version) -> bool: ...
    def install_argv(self, command: GatewayCommand, version: Version, profile: str) -> tuple[str, ...]: ...
    def install_environment(self, previous: Mapping[str, str]) -> dict[str, str]: ...
    def read_install_answer(self, stdout: bytes) -> InstallAnswer: ...
    def state_of(self, environment: Mapping[str, str], account_home: Path, exists: Callable[[Path], bool]) -> Path: ...


def definition_of(status: UnitStatus, units: Units) -> UnitDefinition:
    """What a unit says as systemd loaded it: its fragment and the drop-ins systemd names. Raises NotManaged."""
    paths = (*([status.fragment] if status.fragment else []), *status.drop_ins)
    try:
        return units.read_unit(tuple(UnitPart(path, path.read_bytes()) for path in paths))
    except OSError as error:
        raise NotManaged(
            "the service's unit files cannot be read",
            why=f"{error.filename}: {error.strerror}",
            hint="`systemctl --user cat` shows which it means",
        ) from error


def loaded(status: UnitStatus, name: str) -> UnitStatus:
    """The status of a unit that must be there. Raises NotManaged."""
    if status.load != "loaded" or status.fragment is None:
        raise NotManaged(
            f"systemd has no service {name}",
            why=f"it is {status.load or 'unknown'}",
            hint="`openclaw gateway install` makes it",
        )
    return status
