"""What is known of one OpenClaw on this machine: frozen values, made by the discovery, judged by the policy."""

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from upgrader.domain.secret import Secret
from upgrader.domain.version import Version


class InstallKind(Enum):
    """How the package came here. Only `npm-global` and `slot` can be switched; the others are recognised and refused.

    `npm-project` is a package among the dependencies of some project; `in-state` one inside the state directory, as
    OpenClaw's own installer can make it: exchanging the state would take the package away with it.
    """

    NPM_GLOBAL = "npm-global"
    SLOT = "slot"
    PNPM = "pnpm"
    BUN = "bun"
    GIT = "git-checkout"
    NIX = "nix"
    IMAGE = "container-image"
    PROJECT = "npm-project"
    IN_STATE = "in-state"


class SupervisorKind(Enum):
    """What keeps the gateway alive."""

    PROCESS = "process"
    SYSTEMD_USER = "systemd-user"


class PairingEra(Enum):
    """Where pairing data lives: JSON files up to 2026.7.35, SQLite from the 2026.7.2 betas on (8.1)."""

    FILES = "files"
    SQLITE = "sqlite"


@dataclass(frozen=True)
class NodeRuntime:
    """A Node binary (real path) and what it answers to `--version`, without the `v`."""

    path: Path
    version: str


@dataclass(frozen=True)
class Package:
    """The installed npm package.

    `pointer` is the place commands start it from (`<prefix>/lib/node_modules/openclaw`): npm's directory, or our link;
    `root` is its real path. `state_schema` and `agent_schema` are what its package.json declares, where it does (8.1+).
    """

    pointer: Path
    root: Path
    version: Version
    kind: InstallKind
    prefix: Path
    engines: str = ""
    state_schema: int | None = None
    agent_schema: int | None = None


@dataclass(frozen=True)
class State:
    """The state directory as it stands.

    `path` is canonical (no links); `named` is the place that leads to it where that is another. `state_schema` is
    `user_version` of state/openclaw.sqlite, None where there is none; `agent_schemas` maps each agent database (relative to
    `path`) to its `user_version`. `external` are the paths outside `path` that the configuration names and that exist, as
    written and canonical.
    """

    path: Path
    config: Path
    owner_uid: int
    era: PairingEra
    state_schema: int | None = None
    agent_schemas: tuple[tuple[Path, int], ...] = ()
    external: tuple[Path, ...] = ()
    workspaces: tuple[Path, ...] = ()
    size_bytes: int = 0
    files: int = 0
    last_touched: Version | None = None
    named: Path | None = None


@dataclass(frozen=True)
class AuthFacts:
    """Gateway authentication as configured: `mode` is token, password, none or trusted-proxy."""

    mode: str
    token: Secret = field(default_factory=lambda: Secret(""))
    password: Secret = field(default_factory=lambda: Secret(""))


@dataclass(frozen=True)
class ProcessIdentity:
    """One process: a pid alone is reused by the kernel, so the start time (seconds since the epoch) belongs to it."""

    pid: int
    started: float


@dataclass(frozen=True)
class GatewayProcess:
    """A running gateway, found by what it has open and its environment, never by its title.

    `package_root` and `node` are real paths where they could be read. `parents` are the names up the parent chain.
    `version` is that of the package it started from, None where its files changed since or cannot be told. `contained` when
    it lives in a mount namespace of its own (a container): its paths are not ours.
    """

    identity: ProcessIdentity
    uid: int
    node: Path | None
    package_root: Path | None
    state_path: Path | None
    ports: tuple[int, ...] = ()
    parents: tuple[str, ...] = ()
    unit: str = ""
    version: Version | None = None
    contained: bool = False


@dataclass(frozen=True)
class Service:
    """The supervisor's own definition: for systemd the unit file and the command line it starts."""

    kind: SupervisorKind
    name: str = ""
    unit_path: Path | None = None
    command: tuple[str, ...] = ()
    drop_ins: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Obstacle:
    """Something that forbids to move an installation but not to look at it: a stable `code`, what, why, the next command."""

    code: str
    message: str
    why: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Installation:
    """One OpenClaw on this machine: package, Node, state, config, profile, port, supervisor.

    `config_digest` is the SHA-256 of the configuration with all it includes: a change of it after a proof is noticed.
    `obstacles` forbid a move (`identity.refuse_obstacles`). `bind` is as configured, empty for the default;
    `updates_itself` whether OpenClaw's own updater is switched on; `tool_policy` the configured one as JSON without secrets;
    `log_file` the configured one. `channels` are the configured chat channels that are not switched off, None: not looked at.
    `unseen_processes` counts those of other users that could not be looked at.
    """

    package: Package
    node: NodeRuntime
    home: Path
    profile: str
    state: State
    port: int
    auth: AuthFacts
    service: Service
    gateways: tuple[GatewayProcess, ...] = ()
    config_digest: str = ""
    obstacles: tuple[Obstacle, ...] = ()
    bind: str = ""
    updates_itself: bool = False
    tool_policy: str = "{}"
    log_file: Path | None = None
    agents: tuple[str, ...] = ()
    unseen_processes: int = 0
    channels: tuple[str, ...] | None = None

    @property
    def is_running(self) -> bool:
        """Whether a gateway runs on this state."""
        return bool(self.gateways)
