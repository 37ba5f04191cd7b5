"""The machine this run is on: the environment, read here and nowhere else, and what every adapter shares."""

import os
import pwd
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from upgrader.adapters.clock import SystemClock
from upgrader.adapters.processes.children import ProcessRunner
from upgrader.adapters.processes.table import ProcessTable
from upgrader.context.choices import Options
from upgrader.domain.installation.selection import Selection
from upgrader.services.openclaw.gateway import gateway_process
from upgrader.services.openclaw.places import locations

_NAME = "openclaw-upgrader"


@dataclass(frozen=True)
class Machine:
    """Environment, user and data directory of one run. `data` holds slots, snapshots and journals, private.

    `config` holds what a person decided: settings, pins, their own table.
    """

    environment: Mapping[str, str] = field(repr=False)
    uid: int
    account_home: Path
    directory: Path
    data: Path
    cache: Path
    python: Path
    config: Path

    @classmethod
    def here(cls) -> "Machine":
        """The machine as the caller's environment shows it."""
        uid = os.geteuid()
        home = _account_home(uid)
        return cls(
            environment=dict(os.environ),
            uid=uid,
            account_home=home,
            directory=_directory(),
            data=_own(platformdirs.user_data_path(_NAME, appauthor=False), uid, home / ".local" / "share"),
            cache=_own(platformdirs.user_cache_path(_NAME, appauthor=False), uid, home / ".cache"),
            python=Path(sys.executable),
            config=_own(platformdirs.user_config_path(_NAME, appauthor=False), uid, home / ".config"),
        )

    @classmethod
    def apart(cls, home: Path, environment: Mapping[str, str]) -> "Machine":
        """A machine of its own below `home`, for the demo."""
        data = home / ".local" / "share" / "openclaw-upgrader"
        cache = home / ".cache" / "openclaw-upgrader"
        config = home / ".config" / "openclaw-upgrader"
        return cls(environment, os.geteuid(), home, home, data, cache, Path(sys.executable), config)

    def selection(self, options: Options) -> Selection:
        """Which OpenClaw the options mean on this machine."""
        sudo = self.environment.get("SUDO_UID", "")
        return Selection(
            config=options.config,
            profile=options.profile,
            state_dir=options.state_dir,
            prefix=options.prefix,
            environment=self.environment,
            uid=self.uid,
            real_uid=int(sudo) if sudo.isdigit() else None,
            account_home=self.account_home,
            directory=self.directory,
        )

    @property
    def clock(self) -> SystemClock:
        """Time."""
        return SystemClock()

    @property
    def runner(self) -> ProcessRunner:
        """Child processes, with this environment where they are given none."""
        return ProcessRunner(self.environment)

    @property
    def processes(self) -> ProcessTable:
        """The process table, as OpenClaw is recognised in it."""
        return ProcessTable(self.clock, locations.SELECTING, gateway_process.is_lock_file, gateway_process.read_process)


def _own(place: Path, uid: int, otherwise: Path) -> Path:
    """`place`, or the one in root's own home where root was given somebody else's (sudo that keeps HOME): what it made there
    would lock them out of their own directories."""
    there = next(each for each in (place, *place.parents) if each.exists())
    return otherwise / _NAME if uid == 0 and there.stat().st_uid != uid else place


def _account_home(uid: int) -> Path:
    try:
        return Path(pwd.getpwuid(uid).pw_dir)
    except KeyError:  # a container's user without an entry
        return Path("/")


def _directory() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:  # the shell stands in a removed directory
        return Path("/")
