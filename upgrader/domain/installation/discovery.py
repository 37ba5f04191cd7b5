"""What the discovery asks of the world, what it finds on the way, and how it fails."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from upgrader.domain.installation.census import Census
from upgrader.domain.installation.configuration import Configuration
from upgrader.domain.installation.facts import NodeRuntime, Obstacle, Package, ProcessIdentity, State
from upgrader.domain.installation.identity import Account
from upgrader.domain.installation.selection import Location, Selection
from upgrader.domain.version import Version
from upgrader.errors import UpgraderError


@dataclass(frozen=True)
class UnitFacts:
    """A service definition: its file, the command line it starts, its environment, and the drop-ins that change it.

    `environment` may hold tokens (2.x writes them there): it is never shown.
    """

    name: str
    path: Path
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    drop_ins: tuple[Path, ...] = ()


@dataclass(frozen=True)
class TreeFacts:
    """What is seen of one package directory: the place it is started from, its real path, and what lies around it.

    `is_checkout` when it holds a git repository, `in_container` when this machine is one.
    """

    pointer: Path
    root: Path
    is_link: bool = False
    is_checkout: bool = False
    in_container: bool = False


class Layout(Protocol):
    """OpenClaw's own rules about places, as pure functions over what exists."""

    def locate(self, selection: Selection, version: Version | None) -> Location:
        """Home, state and configuration of a selection. Raises UsageError (`bad_profile`)."""

    def unit_path(self, account_home: Path, profile: str) -> Path:
        """Where the service definition of a profile lies."""

    def default_port(self, profile: str, version: Version) -> int:
        """The port where nothing sets one."""

    def port_of(self, command: tuple[str, ...], environment: Mapping[str, str]) -> int | None:
        """The port a command line or an environment demands."""

    def package_of(self, command: tuple[str, ...]) -> Path | None:
        """The package directory a gateway's command line starts."""

    def refusal_of(self, package: Package) -> tuple[Obstacle, ...]:
        """Why an install of this kind is not moved, empty where it is."""


class Installs(Protocol):
    """Installed packages."""

    def found(self, selection: Selection, location: Location) -> tuple[Package, ...]:
        """Every package in the places npm and its kin install to, each tree once, the most likely first."""

    def at(self, place: Path, selection: Selection, location: Location) -> Package | None:
        """The package in this directory, None when there is none. Raises UpgraderError (`package_unreadable`)."""

    def version_since(self, root: Path, moment: float) -> Version | None:
        """The version in this directory if its package.json has not changed since `moment` (seconds since the epoch)."""


class Nodes(Protocol):
    """Node binaries."""

    def at(self, binary: Path) -> NodeRuntime | None:
        """What this binary is, None when it does not run."""

    def on_path(self, path: str) -> Path | None:
        """The `node` of a PATH."""


class Configurations(Protocol):
    """Configuration files."""

    def read(self, location: Location, environment: Mapping[str, str]) -> Configuration:
        """The configuration at this location. Raises ConfigInvalid."""


class States(Protocol):
    """State directories."""

    def survey(self, location: Location, configuration: Configuration) -> State:
        """The facts of a state directory, changing nothing. Raises StateUnreadable."""


class Units(Protocol):
    """Service definitions on disk."""

    def find(self, path: Path) -> UnitFacts | None:
        """The definition in this file, None when there is none."""


class Table(Protocol):
    """The process table, as far as the discovery needs it."""

    def census(self, state: Path) -> Census:
        """Everybody on this state."""

    def environment_of(self, identity: ProcessIdentity) -> Mapping[str, str]:
        """The environment a process was started with; empty when it is hidden."""


class Accounts(Protocol):
    """Who runs this, and what that user may do."""

    def judge_facts(self, selection: Selection, location: Location) -> Account:
        """Owners, permissions and ancestry."""

    def unwritable(self, places: tuple[Path, ...]) -> tuple[Path, ...]:
        """Those of the directories that this process may not write."""


class NotFound(UpgraderError):
    """There is no OpenClaw here, or a part of it is missing."""

    default_code = "not_found"


class Ambiguous(UpgraderError):
    """Several installations fit; the message lists them with the option that selects."""

    default_code = "ambiguous"


class StateUnreadable(UpgraderError):
    """The state directory cannot be read."""

    default_code = "state_unreadable"
