"""By which rules one release judges pairings. The values come from the service; the judging is here."""

from dataclasses import dataclass
from enum import Enum

from upgrader.domain.installation.facts import PairingEra
from upgrader.domain.pairing.observation import ClientKind, PairedDevice
from upgrader.domain.version import Version

_PREFIX = "operator."
_ADMIN, _WRITE, _READ = "operator.admin", "operator.write", "operator.read"
_TALK = "operator.talk"
_SESSIONS_READ, _SESSIONS_WRITE = "operator.sessions.read", "operator.sessions.write"


class Implication(Enum):
    """Which granted scope satisfies another one that is asked for."""

    NONE = "exact strings"
    ADMIN_AND_WRITE = "admin covers all, write covers read"
    SESSIONS = "as before, and write covers talk and sessions, read covers reading sessions"


class Baseline(Enum):
    """Against which list of a record the asked scopes are held."""

    SCOPES = "scopes"
    SCOPES_FIRST = "scopes, else approvedScopes"
    APPROVED_FIRST = "approvedScopes, else scopes"


class ScopeUpgrade(Enum):
    """What happens when a paired device asks for more than its record allows, from this machine."""

    SILENT_LOCAL = "approved silently"
    REFUSED = "refused"
    SILENT_WITH_SHARED_AUTH = "approved silently with the shared token or password, refused with a device token"


class TokenSource(Enum):
    """Which shared token a client on the gateway's machine presents where environment and configuration name different ones."""

    ENVIRONMENT = "OPENCLAW_GATEWAY_TOKEN first"
    ENVIRONMENT_IN_SHELLS = "OPENCLAW_GATEWAY_TOKEN first in a shell, gateway.auth.token first inside the service"
    CONFIGURATION = "gateway.auth.token first"


@dataclass(frozen=True)
class Ask:
    """What one kind of client asks for. `judged` says whether its connect on loopback is held against the pairing record."""

    kind: ClientKind
    scopes: tuple[str, ...]
    judged: bool


@dataclass(frozen=True)
class Benign:
    """A field of a record that changes by ordinary use, and why."""

    field: str
    reason: str


@dataclass(frozen=True)
class PairingRules:
    """The rules of one release. `token_within_baseline`: a token with more scopes than its device is refused altogether."""

    version: Version
    era: PairingEra
    asks: tuple[Ask, ...]
    implication: Implication
    baseline: Baseline
    scope_upgrade: ScopeUpgrade
    token_within_baseline: bool
    token_source: TokenSource = TokenSource.ENVIRONMENT
    benign: tuple[Benign, ...] = ()

    def missing(self, asked: tuple[str, ...], granted: tuple[str, ...]) -> tuple[str, ...]:
        """The asked operator scopes that `granted` does not satisfy, in their order."""
        return tuple(scope for scope in asked if not satisfied(scope, granted, self.implication))

    def allowed(self, device: PairedDevice) -> tuple[str, ...]:
        """The list of a record that counts."""
        approved = device.approved_scopes
        if self.baseline is Baseline.APPROVED_FIRST:
            return device.scopes if approved is None else approved
        if self.baseline is Baseline.SCOPES_FIRST:
            return device.scopes or approved or ()
        return device.scopes

    def mends_locally(self, device: PairedDevice) -> bool:
        """Whether a client on this machine that asks for more simply gets it."""
        return self.scope_upgrade is not ScopeUpgrade.REFUSED and not device.remote

    def is_benign(self, field: str) -> bool:
        """Whether ordinary use changes this field; `*` in the table stands for any role."""
        parts = field.split(".")
        wild = ".".join(("tokens", "*", *parts[2:])) if parts[0] == "tokens" and len(parts) > 2 else field
        return any(b.field in (field, wild) for b in self.benign)


def satisfied(asked: str, granted: tuple[str, ...], implication: Implication) -> bool:
    """Whether one scope is covered.

    Source: allowedScopes in message-handler.ts of 2026.2.17 (exact), src/shared/operator-scope-compat.ts of 2026.2.22 and
    2026.9.6 (implications).
    """
    if asked in granted:
        return True
    if implication is Implication.NONE or not asked.startswith(_PREFIX):
        return False
    if _ADMIN in granted or (asked == _READ and _WRITE in granted):
        return True
    if implication is not Implication.SESSIONS:
        return False
    if asked in (_TALK, _SESSIONS_READ, _SESSIONS_WRITE) and _WRITE in granted:
        return True
    return asked == _SESSIONS_READ and (_READ in granted or _SESSIONS_WRITE in granted)
