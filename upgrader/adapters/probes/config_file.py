"""Reads OpenClaw's configuration from disk, bounded, with the files it includes."""

import hashlib
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from upgrader.domain.installation.configuration import ConfigInvalid, Configuration, IncludeAccess
from upgrader.domain.installation.selection import Location
from upgrader.errors import UpgraderError

_CONFIG_BYTES = 16 * 1024 * 1024
_INCLUDE_BYTES = 2 * 1024 * 1024  # OpenClaw's own limit (src/config/includes.ts of 2026.9.6)
_DOTENV_BYTES = 1024 * 1024

Parse = Callable[[bytes, Location, IncludeAccess, Mapping[str, str], bytes], Configuration]


@dataclass(frozen=True)
class ConfigFile:
    """Port Configurations. `parse` and `absent` know OpenClaw's format and defaults."""

    parse: Parse
    absent: Callable[[Location, Mapping[str, str]], Configuration]

    def read(self, location: Location, environment: Mapping[str, str]) -> Configuration:
        """The configuration at this location, as `environment` resolves it. Raises ConfigInvalid."""
        raw = _read(location.config, _CONFIG_BYTES)
        if raw is None:
            return self.absent(location, environment)
        dotenv = _read(location.state / ".env", _DOTENV_BYTES) or b""
        digest = hashlib.sha256()
        for part in (raw, dotenv):
            digest.update(hashlib.sha256(part).digest())

        def included(path: Path) -> bytes:
            content = _included(path)
            digest.update(hashlib.sha256(content).digest())
            return content

        parsed = self.parse(raw, location, IncludeAccess(included, Path.resolve), environment, dotenv)
        return replace(parsed, digest=digest.hexdigest())


def _included(path: Path) -> bytes:
    raw = _read(path, _INCLUDE_BYTES)
    if raw is None:
        raise ConfigInvalid(
            "a file that the configuration includes is missing",
            why=str(path),
            hint="`openclaw config validate` checks it",
            code="config_include_missing",
        )
    return raw


def _read(path: Path, limit: int) -> bytes | None:
    """The bytes of a regular file, None when there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise _unreadable(path, "it is not a regular file")
        if facts.st_size > limit:
            raise _unreadable(path, f"it has {facts.st_size} bytes, more than the {limit} that are read")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(limit)
    finally:
        os.close(descriptor)


def _unreadable(path: Path, why: str) -> UpgraderError:
    return ConfigInvalid(f"cannot read {path}", why=why, hint="run it as the user OpenClaw runs as", code="config_unreadable")
