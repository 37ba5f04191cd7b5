"""Everything a diagnosis is judged from: gathered by probes, frozen, no secret in it but as a fingerprint."""

from dataclasses import dataclass, field
from pathlib import Path

from upgrader.domain.check import Judgement
from upgrader.domain.diagnosis.logins import LoginsSeen
from upgrader.domain.installation.endpoint import Listener
from upgrader.domain.installation.facts import Installation
from upgrader.domain.installation.policy_facts import Policy
from upgrader.domain.pairing.observation import Observation
from upgrader.domain.pairing.rules import PairingRules
from upgrader.domain.pairing.sighting import Sighting
from upgrader.domain.secret import Fingerprint
from upgrader.domain.version import Version


@dataclass(frozen=True)
class TokenPlace:
    """A place that names a gateway token: what it is (`unit`, `drop-in`, `environment file`, `shell`), and the token."""

    kind: str
    path: str
    token: Fingerprint


@dataclass(frozen=True)
class ServiceSeen:
    """What a service definition starts: package, Node, state and port; `tokens` in the order in which the later one wins.

    `version` is that of the package it starts, None where there is none any more; `node_runs` whether its Node is there;
    `binary` where that leads to, without links; `command_from` the file its command stands in, the unit or a drop-in.
    """

    name: str
    path: Path
    package_root: Path | None
    version: Version | None
    node: Path | None
    node_runs: bool
    state: Path
    port: int | None
    tokens: tuple[TokenPlace, ...] = ()
    is_wrapper: bool = False
    binary: Path | None = None
    command_from: Path | None = None


@dataclass(frozen=True)
class ManagerSeen:
    """What the service manager says of the gateway's unit, in systemd's own words (`systemctl show`).

    `silent` is why it could not be asked, empty where it answered. `lingers`: whether the user's manager outlives a logout,
    None where that cannot be seen.
    """

    unit: str
    user: str
    load: str = ""
    active: str = ""
    sub: str = ""
    result: str = ""
    exit_status: int = 0
    restarts: int = 0
    needs_reload: bool = False
    file_state: str = ""
    lingers: bool | None = None
    silent: str = ""


@dataclass(frozen=True)
class Neighbour:
    """Another unit of this user that OpenClaw may call gateway-like. `is_gateway`: it starts one; `state` is that one's."""

    name: str
    path: Path
    is_gateway: bool
    state: Path | None = None
    mentions: str = ""


@dataclass(frozen=True)
class LockSeen:
    """A record of ownership: a lock file or a lease, and whether the process it names lives."""

    place: str
    pid: int
    alive: bool


@dataclass(frozen=True)
class RunningSeen:
    """What a running gateway really goes by, out of its own environment and files: the other truth beside its definition.

    `foreign`: it listens on this installation's port and works on another state. `unit` is the unit it runs in, if any.
    """

    pid: int
    user: str
    state: str
    config: str
    profile: str
    node: Path | None
    package_root: Path | None
    unit: str = ""
    foreign: bool = False


@dataclass(frozen=True)
class ContainerSeen:
    """The container this runs in or the gateway runs in, if any. `state_is_volatile`: its state lies on no volume."""

    inside: bool = False
    gateway_inside: bool = False
    bind_override: str = ""
    state_is_volatile: bool = False


@dataclass(frozen=True)
class ClientSide:
    """What a client started from this shell goes by; `package_root` is where the `openclaw` of its PATH lies, if anywhere."""

    state: str
    config: str
    profile: str
    user: str
    token: Fingerprint | None = None
    package_root: Path | None = None
    version: Version | None = None
    node: Path | None = None


@dataclass(frozen=True)
class FileSeen:
    """One pairing file: relative path, octal mode, bytes, and the number of records in it where it can be read."""

    path: str
    size: int
    mode: int
    records: int | None = None


@dataclass(frozen=True)
class SessionsSeen:
    """The session files of one agent: how many transcripts, and whether their index is there."""

    agent: str
    transcripts: int
    indexed: bool


@dataclass(frozen=True)
class Places:
    """How this installation's pairing data is named: files of the old era, tables of the new."""

    identity: str
    cache: str
    paired: str
    pending: str


@dataclass(frozen=True)
class DeviceDates:
    """When a record was made and last used, ms since the epoch, and how its client names itself."""

    device_id: str
    client: str
    created_ms: int | None
    seen_ms: int | None


@dataclass(frozen=True)
class Scene:
    """All of it. `known_schema` is the newest state schema this tool knows; `token_in` names files with the token in clear;
    `open_repair` is the record of a repair that has not ended, `open_move` that of a move."""

    installation: Installation
    observation: Observation
    rules: PairingRules
    judgements: tuple[Judgement, ...]
    places: Places
    client: ClientSide
    policy: Policy = field(default_factory=Policy)
    service: ServiceSeen | None = None
    neighbours: tuple[Neighbour, ...] = ()
    listeners: tuple[Listener, ...] = ()
    locks: tuple[LockSeen, ...] = ()
    container: ContainerSeen = field(default_factory=ContainerSeen)
    process_tokens: tuple[TokenPlace, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    files: tuple[FileSeen, ...] = ()
    dates: tuple[DeviceDates, ...] = ()
    sessions: tuple[SessionsSeen, ...] = ()
    known_schema: int = 0
    token_in: tuple[str, ...] = ()
    running: tuple[RunningSeen, ...] = ()
    logins: LoginsSeen = field(default_factory=LoginsSeen)
    open_repair: str = ""
    open_move: str = ""
    manager: ManagerSeen | None = None

    def seen(self, *signatures: str) -> tuple[Sighting, ...]:
        """The sightings of these signatures."""
        return tuple(each for each in self.sightings if each.signature in signatures)

    def is_past(self, seen: Sighting) -> bool:
        """Whether the record it is about was written anew since: what the log tells of before is no fault of now."""
        store = self.observation.store
        device = store.device(seen.device) if seen.device else store.own_device
        times = [t for token in (device.tokens if device else ()) for t in (token.created_ms, token.rotated_ms) if t]
        return bool(times) and max(times) > seen.last.timestamp() * 1000

    def failed(self, check: str) -> Judgement | None:
        """The failed judgement of this name."""
        return next((j for j in self.judgements if j.check == check and j.verdict.value == "fail"), None)
