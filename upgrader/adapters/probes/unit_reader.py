"""Reads a service definition from disk: no service manager is asked, so it works without a session bus."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from upgrader.domain.installation.discovery import UnitFacts
from upgrader.domain.installation.supervision import UnitDefinition, UnitPart

_UNIT_BYTES = 1024 * 1024


@dataclass(frozen=True)
class UnitReader:
    """Port Units. `read` applies a fragment and its drop-ins, `read_environment` the lines of an environment file."""

    read: Callable[[tuple[UnitPart, ...]], UnitDefinition]
    read_environment: Callable[[bytes], dict[str, str]]

    def find(self, path: Path) -> UnitFacts | None:
        """The unit at `path` with its drop-ins, None when there is none or it cannot be read."""
        drop_ins = drop_ins_of(path)
        try:
            definition = self.read(tuple(UnitPart(each, unit_bytes(each)) for each in (path, *drop_ins)))
        except OSError:
            return None
        environment = dict(definition.environment)
        for file in definition.environment_files:
            environment.update(self._from_file(file))
        return UnitFacts(path.name, path, definition.command, environment, drop_ins)

    def _from_file(self, path: Path) -> dict[str, str]:
        """A file that is not there is skipped, as the leading `-` of OpenClaw's units asks."""
        try:
            return self.read_environment(unit_bytes(path))
        except OSError:
            return {}


def drop_ins_of(unit: Path) -> tuple[Path, ...]:
    """The user's additions to a unit, in the order systemd applies them: `<unit>.d/*.conf`."""
    folder = unit.with_name(unit.name + ".d")
    return tuple(sorted(folder.glob("*.conf"))) if folder.is_dir() else ()


def unit_bytes(path: Path) -> bytes:
    """The first megabyte of a unit, of a drop-in or of what one names. Raises OSError."""
    with path.open("rb") as file:
        return file.read(_UNIT_BYTES)
