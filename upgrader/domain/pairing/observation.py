"""What was seen of a gateway and its pairing data at one moment. Gathered by probes, judged by checks."""

from dataclasses import dataclass
from enum import Enum

from upgrader.domain.installation.facts import PairingEra
from upgrader.domain.secret import Fingerprint
from upgrader.domain.version import Version


class ClientKind(Enum):
    """Who connects to a gateway. `STORED` is a connect with exactly what the cached device token grants."""

    STORED = "stored-token"
    CLI = "cli"
    BACKEND_READ = "backend-read"
    BACKEND_WRITE = "backend-write"
    TUI = "tui"
    CONTROL_UI = "control-ui"
    ACP = "acp"
    PROBE = "probe"


class Reach(Enum):
    """Where probes may go: on a LIVE gateway only what changes nothing, on a CLONE everything."""

    LIVE = "live"
    CLONE = "clone"


@dataclass(frozen=True)
class TokenRecord:
    """One role's token as the gateway or the client keeps it. Times in ms since the epoch."""

    role: str
    token: Fingerprint
    scopes: tuple[str, ...]
    created_ms: int | None = None
    rotated_ms: int | None = None
    revoked_ms: int | None = None


@dataclass(frozen=True)
class PairedDevice:
    """One row of the gateway's pairing store.

    `fields` are (name, digest) of every stored value, named alike in both eras (`display_name`, `tokens.operator.scopes`),
    sorted; a value that is absent or null has no entry. `scopes` is the device level, `approved_scopes` the approval
    baseline, None where the release keeps none. `remote` says that the device was last seen from another machine.
    """

    device_id: str
    public_key: str
    client_id: str
    client_mode: str
    platform: str
    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    approved_scopes: tuple[str, ...] | None
    tokens: tuple[TokenRecord, ...]
    fields: tuple[tuple[str, str], ...] = ()
    display_name: str = ""
    device_family: str = ""
    remote: bool = False

    def token(self, role: str) -> TokenRecord | None:
        """The token of a role."""
        return next((t for t in self.tokens if t.role == role), None)

    @property
    def short(self) -> str:
        """How a device is named in sentences: the first 12 digits of its id, and its name where it has one."""
        return f"{self.device_id[:12]} ({self.display_name})" if self.display_name else self.device_id[:12]


@dataclass(frozen=True)
class PendingRequest:
    """One waiting pairing, repair or scope-upgrade request. `is_repair`: the device was paired already when it asked."""

    request_id: str
    device_id: str
    client_id: str
    scopes: tuple[str, ...]
    is_repair: bool
    created_ms: int | None = None


@dataclass(frozen=True)
class OwnIdentity:
    """The identity this machine's clients use, and the tokens in their cache. `key_matches` : id is sha256 of the key."""

    device_id: str
    public_key: str
    key_matches: bool
    cache_device_id: str | None
    tokens: tuple[TokenRecord, ...]

    def token(self, role: str) -> TokenRecord | None:
        """The cached token of a role; none if the cache belongs to another device."""
        if self.cache_device_id not in (None, self.device_id):
            return None
        return next((t for t in self.tokens if t.role == role), None)


class ActKind(Enum):
    """What somebody, or the gateway of its own accord, did to a pairing on purpose."""

    REMOVED = "removed"
    REVOKED = "revoked"
    ROTATED = "rotated"
    PRUNED = "pruned"


@dataclass(frozen=True)
class Act:
    """One such act as OpenClaw's own records show it. `role` is empty for a whole device; time in ms since the epoch."""

    kind: ActKind
    device_id: str
    role: str = ""
    at_ms: int | None = None


@dataclass(frozen=True)
class PairingStore:
    """All pairing data of one state directory. `own` is None where no identity exists.

    `problems` are sentences about what could not be read. `leftovers` are JSON files of the older era that lie beside a
    SQLite store which knows nothing of their content: they were not imported. `acts` are removals with a record of their own.
    """

    era: PairingEra
    own: OwnIdentity | None
    paired: tuple[PairedDevice, ...]
    pending: tuple[PendingRequest, ...]
    problems: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()
    acts: tuple[Act, ...] = ()

    def device(self, device_id: str) -> PairedDevice | None:
        """The row of a device."""
        return next((d for d in self.paired if d.device_id == device_id), None)

    @property
    def own_device(self) -> PairedDevice | None:
        """The row of this machine's own identity."""
        return self.device(self.own.device_id) if self.own else None

    def is_own(self, device_id: str) -> bool:
        """Whether that is this machine's own device."""
        return self.own is not None and self.own.device_id == device_id


class HandshakeResult(Enum):
    """How a connect ended."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    ERROR = "error"
    NOT_TRIED = "not_tried"


@dataclass(frozen=True)
class Handshake:
    """One connect as one kind of client.

    `client` is a ClientKind's value. `code` is the finest the gateway gave (`AUTH_DEVICE_TOKEN_MISMATCH`, else
    `NOT_PAIRED`), `reason` its words, or why nothing was tried. `server_version` is what the gateway said of itself.
    """

    client: str
    result: HandshakeResult
    code: str = ""
    reason: str = ""
    scopes: tuple[str, ...] = ()
    server_version: str = ""


CALL_UNFINISHED = 124  # the exit code that stands for a call that did not end in its time


@dataclass(frozen=True)
class CallResult:
    """One real `openclaw` call. `exit_code` is None where it was not made; `summary` says why, or what it answered."""

    command: str
    exit_code: int | None
    summary: str


class Weight(Enum):
    """A FAULT breaks something for this installation's own clients, a NOTICE may concern anybody who knocks."""

    FAULT = "fault"
    NOTICE = "notice"


@dataclass(frozen=True)
class LogFinding:
    """A known signature in the log of the watched process: stable name, how often, one redacted sample, what it means.

    `last_ms`: when it was seen last, ms since the epoch.
    """

    signature: str
    count: int
    sample: str
    weight: Weight = Weight.NOTICE
    meaning: str = ""
    remedy: str = ""
    last_ms: int | None = None


@dataclass(frozen=True)
class Observation:
    """Everything the live checks judge. `ready_detail` says what the gateway answered; `acts` come from store and log;
    `own_after` is this machine's cache after the one call that a client of OpenClaw made meanwhile."""

    version: Version
    store: PairingStore
    running: bool
    ready: bool
    handshakes: tuple[Handshake, ...] = ()
    calls: tuple[CallResult, ...] = ()
    log: tuple[LogFinding, ...] = ()
    gateway_auth: Fingerprint | None = None
    tool_policy: str = ""
    store_changed_by_probe: bool = False
    ready_detail: str = ""
    acts: tuple[Act, ...] = ()
    reach: Reach = Reach.LIVE
    own_after: OwnIdentity | None = None
