"""What a plan is made of: facts gathered by the operation, judged by the policy."""

from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from upgrader.domain.decisions.history import Outage
from upgrader.domain.decisions.pin import Pin
from upgrader.domain.decisions.settings import Override, Settings
from upgrader.domain.installation.facts import Installation, SupervisorKind
from upgrader.domain.plan.release import Release
from upgrader.domain.table.concern import Circumstances
from upgrader.domain.version import Version


class RegistryState(Enum):
    """Where the facts about releases come from."""

    ANSWERED = "answered"
    CACHED = "cached"
    SILENT = "silent"


@dataclass(frozen=True)
class Reach:
    """Which databases a release can open: the newest schema it knows.

    0: it has no such database and passes over one that is there. None: not known. `guards_config`: whether it refuses
    service actions on a configuration that a newer release has written.
    """

    state: int | None = None
    agent: int | None = None
    guards_config: bool = False


class Signature(Enum):
    """What is known of a registry's signature over a release."""

    UNASKED = "unasked"
    GOOD = "good"
    UNKNOWN = "unknown"
    WRONG = "wrong"


@dataclass(frozen=True)
class Candidate:
    """A release one could move to, and what it can open.

    `retained`: a whole install of it lies ready (id of the slot). `was_integrity`: the digest it had when it was installed
    here earlier, where the registry announces another one now. `bundled` are the plugins in its package, None: not known.
    `install_bytes` is what a complete install of it needs at most.
    """

    release: Release
    reach: Reach = field(default_factory=Reach)
    retained: str = ""
    was_integrity: str = ""
    signature: Signature = Signature.UNASKED
    bundled: tuple[str, ...] | None = None
    install_bytes: int = 0

    @property
    def version(self) -> Version:
        """Its version."""
        return self.release.version


@dataclass(frozen=True)
class ReturnPoint:
    """A snapshot of a stopped state that `upgrader rollback` can return to."""

    snapshot: str
    version: Version


class Use(Enum):
    """What of ours lies on a file system."""

    STATE = "state"
    DATA = "data"


@dataclass(frozen=True)
class Volume:
    """One file system: which of our uses it has, and the free bytes an ordinary write may take. `name` is for people."""

    name: str
    uses: tuple[Use, ...]
    free_bytes: int


@dataclass(frozen=True)
class PlanFacts:
    """Everything the policy looks at.

    `candidates` are those the registry, its cache or a retained slot can deliver; `lacking` those the registry said it
    does not have; `latest` its newest stable release. `private_node` is the Node we could install for a slot (empty:
    none to be had). `supervisors` are those this tool can drive. `accept` are the rule codes the user overrides.
    `slot_bytes` is the size of a whole install where it is known from a present one. `overrides` are those of command line
    and settings with their reasons. `path_node` is the version of PATH's Node (empty: none, or not looked at). `bundled` are
    the plugins inside the present package, `own_plugins` those installed by themselves. `outage` is what earlier moves took.
    """

    installation: Installation
    today: date
    circumstances: Circumstances = field(default_factory=Circumstances)
    candidates: tuple[Candidate, ...] = ()
    lacking: tuple[Version, ...] = ()
    latest: Version | None = None
    registry: RegistryState = RegistryState.ANSWERED
    returns: tuple[ReturnPoint, ...] = ()
    volumes: tuple[Volume, ...] = ()
    private_node: str = ""
    supervisors: frozenset[SupervisorKind] = frozenset(SupervisorKind)
    slot_bytes: int | None = None
    accept: frozenset[str] = frozenset()
    overrides: tuple[Override, ...] = ()
    settings: Settings = field(default_factory=Settings)
    pin: Pin | None = None
    path_node: str = ""
    bundled: tuple[str, ...] | None = None
    own_plugins: tuple[str, ...] = ()
    outage: Outage | None = None

    def candidate(self, version: Version) -> Candidate | None:
        """The candidate of this version, or None."""
        return next((one for one in self.candidates if one.version == version), None)
