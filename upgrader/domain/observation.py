"""What was seen of a gateway and its pairing data at one moment. Gathered by probes, judged by checks."""

from dataclasses import dataclass
from enum import Enum

from upgrader.domain.facts import PairingEra
from upgrader.domain.secret import Fingerprint
from upgrader.domain.version import Version


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
    """One row of the gateway's pairing store. `fields` is a digest of every stored column, for comparison field by field."""

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


@dataclass(frozen=True)
class PendingRequest:
    """One waiting pairing, repair or scope-upgrade request."""

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


@dataclass(frozen=True)
class PairingStore:
    """All pairing data of one state directory. `own` is None where no identity exists."""

    era: PairingEra
    own: OwnIdentity | None
    paired: tuple[PairedDevice, ...]
    pending: tuple[PendingRequest, ...]
    problems: tuple[str, ...] = ()


class HandshakeResult(Enum):
    """How a connect ended."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    ERROR = "error"
    NOT_TRIED = "not_tried"


@dataclass(frozen=True)
class Handshake:
    """One connect as one kind of client. `code` and `reason` are the gateway's own words where it refused."""

    client: str
    result: HandshakeResult
    code: str = ""
    reason: str = ""
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True)
class CallResult:
    """One real `openclaw` call."""

    command: str
    exit_code: int
    summary: str


@dataclass(frozen=True)
class LogFinding:
    """A known signature seen in the log of the watched process: its stable name, how often, one redacted sample."""

    signature: str
    count: int
    sample: str


@dataclass(frozen=True)
class Observation:
    """Everything the live checks judge."""

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
