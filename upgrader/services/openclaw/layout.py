"""OpenClaw's rules about places, joined for the discovery. Every question about the disk goes through `exists`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from upgrader.domain.installation.facts import Obstacle, Package, PairingEra
from upgrader.domain.installation.selection import Location, Selection
from upgrader.domain.version import Version
from upgrader.services.openclaw.gateway import gateway_process
from upgrader.services.openclaw.places import install_places, locations
from upgrader.services.openclaw.service import units


@dataclass(frozen=True)
class OpenClawLayout:
    """Port Layout."""

    exists: locations.Exists

    def locate(self, selection: Selection, version: Version | None) -> Location:
        """Home, state and configuration of a selection. Raises UsageError (`bad_profile`)."""
        return locations.locate(selection, self.exists, version)

    def unit_path(self, account_home: Path, profile: str) -> Path:
        """Where the service definition of a profile lies."""
        return units.unit_path(account_home, profile)

    def default_port(self, profile: str, version: Version) -> int:
        """The port where nothing sets one."""
        return locations.default_port(profile, version)

    def port_of(self, command: tuple[str, ...], environment: Mapping[str, str]) -> int | None:
        """The port a command line or an environment demands."""
        return locations.port_of(command, environment)

    def package_of(self, command: tuple[str, ...]) -> Path | None:
        """The package directory a gateway's command line starts."""
        return gateway_process.package_of(command)

    def refusal_of(self, package: Package) -> tuple[Obstacle, ...]:
        """Why an install of this kind is not moved, empty where it is."""
        return install_places.refusal_of(package)


def era_of(state_schema: int | None) -> PairingEra:
    """Where pairing data lives. Databases of 6.1 to 7.1 (schema 1) have the tables and do not use them.

    Source: docs/reference/database-schemas of 2026.9.6: all releases through 2026.7.1 are at schema 1.
    """
    return PairingEra.SQLITE if state_schema is not None and state_schema > 1 else PairingEra.FILES
