"""Port ServiceProbe: unit files of this user as they lie on disk; no service manager is asked."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from upgrader.adapters.probes.unit_reader import drop_ins_of, unit_bytes
from upgrader.domain.diagnosis.scene import Neighbour, ServiceSeen, TokenPlace
from upgrader.domain.installation.facts import Installation
from upgrader.domain.installation.supervision import UnitPart
from upgrader.domain.version import Version

_UNITS = 400  # unit files looked at in one folder


class _Reading(Protocol):
    @property
    def command(self) -> tuple[str, ...]: ...
    @property
    def package(self) -> Path | None: ...
    @property
    def node(self) -> Path | None: ...
    @property
    def port(self) -> int | None: ...
    @property
    def state(self) -> Path: ...
    @property
    def environment_files(self) -> tuple[Path, ...]: ...
    @property
    def tokens(self) -> tuple[TokenPlace, ...]: ...
    @property
    def command_from(self) -> Path | None: ...


class UnitKnowledge(Protocol):
    """What is known of OpenClaw's units (services/openclaw/service/service_seen.py)."""

    def read_parts(self, parts: tuple[UnitPart, ...], account_home: Path, exists: Callable[[Path], bool]) -> _Reading:
        """A unit taken apart."""

    def tokens_of_file(self, path: Path, raw: bytes) -> tuple[TokenPlace, ...]:
        """The token an environment file sets."""

    def neighbour(self, part: UnitPart, account_home: Path, exists: Callable[[Path], bool]) -> Neighbour | None:
        """What another unit is to OpenClaw."""


@dataclass(frozen=True)
class UnitFilesProbe:
    """Over the unit files of one account. `folder` is where its units lie, `version_of` reads a package.json."""

    account_home: Path
    folder: Path
    knowledge: UnitKnowledge
    version_of: Callable[[bytes], Version | None]

    def service(self, installation: Installation) -> ServiceSeen | None:
        """The definition with drop-ins and environment files, None where there is none or it cannot be read."""
        path = installation.service.unit_path
        if path is None:
            return None
        try:
            parts = tuple(UnitPart(each, unit_bytes(each)) for each in (path, *drop_ins_of(path)))
        except OSError:
            return None
        reading = self.knowledge.read_parts(parts, self.account_home, Path.exists)
        tokens = [*reading.tokens]
        for file in reading.environment_files:
            with suppress(OSError):
                tokens += self.knowledge.tokens_of_file(file, unit_bytes(file))
        return ServiceSeen(
            name=path.name,
            path=path,
            package_root=reading.package.resolve() if reading.package else None,
            version=self._version(reading.package),
            node=reading.node,
            node_runs=reading.node is not None and reading.node.exists(),
            state=reading.state.resolve(),
            port=reading.port,
            tokens=tuple(tokens),
            is_wrapper=reading.package is None,
            binary=reading.node.resolve() if reading.node is not None else None,
            command_from=reading.command_from,
        )

    def neighbours(self, installation: Installation) -> tuple[Neighbour, ...]:
        """The other units in the folder that mention OpenClaw, by name."""
        own = installation.service.unit_path
        found = []
        for path in sorted(self.folder.glob("*.service"))[:_UNITS] if self.folder.is_dir() else ():
            if own is not None and path.name == own.name:
                continue
            with suppress(OSError):
                seen = self.knowledge.neighbour(UnitPart(path, unit_bytes(path)), self.account_home, Path.exists)
                found += [seen] if seen is not None else []
        return tuple(found)

    def _version(self, package: Path | None) -> Version | None:
        with suppress(OSError):
            return self.version_of(unit_bytes(package / "package.json")) if package else None
        return None
