"""What each kind of client asks for, what its record must hold, and what is approved silently, per range of releases.

Sources: call.ts, operator-scope-compat.ts, device-pairing.ts and the WebSocket message handler of 2026.2.17, 2.19, 2.22, 3.13,
5.12, 7.1, 8.1, 9.5 and 9.6 (read), string scans of releases between them; connects of every kind made to 2.17, 9.5 and 9.6
(docs/openclaw-pairing.md). Where the releases between two read ones are unknown, the stricter rule is taken.
"""

from upgrader.domain.pairing.observation import ClientKind
from upgrader.domain.pairing.rules import Ask, Baseline, Benign, Implication, PairingRules, ScopeUpgrade, TokenSource
from upgrader.domain.version import Version
from upgrader.services.openclaw.eras import code_line, era_of

_K = ClientKind
ADMIN, READ, WRITE = "operator.admin", "operator.read", "operator.write"
APPROVALS, PAIRING = "operator.approvals", "operator.pairing"
QUESTIONS, TALK_SECRETS = "operator.questions", "operator.talk.secrets"
EVERY_SCOPE_UNTIL_3_13 = (ADMIN, APPROVALS, PAIRING, READ, WRITE)

_THREE = (ADMIN, APPROVALS, PAIRING)
_FIVE = (ADMIN, READ, WRITE, APPROVALS, PAIRING)

# Fields of a paired record that change by ordinary use. The first list holds for every release.
_ALWAYS_BENIGN = (
    Benign("last_seen_at_ms", "the gateway notes each connect"),
    Benign("last_seen_reason", "the gateway notes how the device was last seen"),
    Benign("tokens.*.last_used_at_ms", "the gateway notes each use of a token"),
    Benign("display_name", "each connect writes the name that client gives itself; `gateway status` of 9.5 erases it"),
    Benign("remote_ip", "each connect writes the address it came from"),
    Benign("operator_label", "a label the operator gives"),
    Benign("node_surface", "what a node offers, written at each of its connects"),
    Benign("pending_node_surface", "what a node would like to offer, until it is approved"),
    Benign("device_family", "written at approval by releases that know it"),
    Benign("approved_via", "how the last approval came about, in releases that note it"),
)
_BENIGN_UNTIL_3_13 = (
    Benign("client_id", "the record keeps the name of the client that connected last"),
    Benign("client_mode", "the record keeps the mode of the client that connected last"),
    Benign("platform", "the record keeps what the client that connected last said"),
    Benign("role", "the record keeps the role of the client that connected last"),
    Benign("scopes", "the device level grows by what accepted clients ask for; narrowing is judged by its own check"),
)
# A record that was imported from files or approved again carries these anew.
_BENIGN_LATER = (
    Benign("role", "the role approved last; losing a role is judged by its own check"),
    Benign("approved_at_ms", "a silent approval of more scopes renews it"),
    Benign("client_id", "a silent approval writes the client that asked"),
    Benign("client_mode", "a silent approval writes the client that asked"),
)


def rules(version: Version) -> PairingRules:
    """The rules of one release."""
    line = code_line(version)
    until_3_13 = not line.at_least("2026.3.14")
    return PairingRules(
        version=version,
        era=era_of(version),
        asks=_asks(line),
        implication=_implication(line),
        baseline=_baseline(line),
        scope_upgrade=_scope_upgrade(line),
        token_within_baseline=line.at_least("2026.3.13"),
        token_source=_token_source(line),
        benign=_ALWAYS_BENIGN + (_BENIGN_UNTIL_3_13 if until_3_13 else _BENIGN_LATER),
    )


def _implication(line: Version) -> Implication:
    # 2.19 knows none; 2.21 has operator-scope-compat.ts. 2.20 was not read: counted as 2.19.
    if not line.at_least("2026.2.21"):
        return Implication.NONE
    return Implication.SESSIONS if line.at_least("2026.8.1") else Implication.ADMIN_AND_WRITE


def _baseline(line: Version) -> Baseline:
    if not line.at_least("2026.2.21"):
        return Baseline.SCOPES
    return Baseline.APPROVED_FIRST if line.at_least("2026.3.14") else Baseline.SCOPES_FIRST


def _scope_upgrade(line: Version) -> ScopeUpgrade:
    """2.19 to 2.21 refuse (openclaw/openclaw#21236), 2.22 mends it, 3.28 to 7.1 refuse again, later it depends."""
    if line.at_least("2026.7.2-beta.1"):
        return ScopeUpgrade.SILENT_WITH_SHARED_AUTH
    if line.at_least("2026.3.28"):
        return ScopeUpgrade.REFUSED
    if line.at_least("2026.2.22") or not line.at_least("2026.2.19"):
        return ScopeUpgrade.SILENT_LOCAL
    return ScopeUpgrade.REFUSED


def _token_source(line: Version) -> TokenSource:
    """`localTokenPrecedence` of 3.13 to 7.1 and call.ts of 2.19 (read), docs/cli/doctor/recovery.md of 9.6; what commands do
    with another token in the shell was run (docs/results/pairing-looks.md). 2.23 to 3.12 and 8.1 to 9.4 were not read."""
    if line.at_least("2026.9.5"):
        return TokenSource.CONFIGURATION
    return TokenSource.ENVIRONMENT_IN_SHELLS if line.at_least("2026.3.13") else TokenSource.ENVIRONMENT


def _asks(line: Version) -> tuple[Ask, ...]:
    wanted: tuple[tuple[ClientKind, tuple[str, ...]], ...] = (
        (_K.CLI, _cli(line)),
        (_K.BACKEND_READ, _backend(line, READ)),
        (_K.BACKEND_WRITE, _backend(line, WRITE)),
        (_K.TUI, (ADMIN, READ, WRITE, APPROVALS) if line.at_least("2026.8.1") else (ADMIN,)),
        (_K.CONTROL_UI, _control_ui(line)),
        (_K.ACP, (ADMIN,)),
        (_K.PROBE, (READ,) if line.at_least("2026.2.22") else (ADMIN,)),
    )
    return tuple(Ask(kind, scopes, _is_judged(kind, line)) for kind, scopes in wanted)


def _cli(line: Version) -> tuple[str, ...]:
    """The default list of a one-shot command; least privilege from 5.12 on asks for a part of it."""
    if not line.at_least("2026.2.22"):
        return _THREE
    if line.at_least("2026.8.1"):
        return (ADMIN, READ, WRITE, APPROVALS, QUESTIONS, PAIRING, TALK_SECRETS)
    return _FIVE


def _backend(line: Version, scope: str) -> tuple[str, ...]:
    """2.17 asks for three fixed scopes, 2.19 and later for what the method needs: sessions_spawn and _send stumbled over it."""
    return (scope,) if line.at_least("2026.2.19") else _THREE


def _control_ui(line: Version) -> tuple[str, ...]:
    if line.at_least("2026.8.1"):
        return (ADMIN, READ, WRITE, APPROVALS, QUESTIONS, PAIRING)
    return (ADMIN, READ, WRITE, APPROVALS, PAIRING) if line.at_least("2026.5.12") else _THREE


def _is_judged(kind: ClientKind, line: Version) -> bool:
    """Whether a connect of this kind, on loopback with the shared secret, is held against the record of an identity."""
    one_shot = kind in (_K.CLI, _K.PROBE)
    backend = kind in (_K.BACKEND_READ, _K.BACKEND_WRITE)
    if not line.at_least("2026.2.22"):
        return True
    if not line.at_least("2026.2.25"):
        return kind is _K.CONTROL_UI  # 2.22 to 2.24 skip pairing for every operator with shared auth
    if backend:
        return False  # the server skips self-pairing of backends from 2.25 on, later clients send no identity either
    if one_shot and line.at_least("2026.3.13") and not line.at_least("2026.3.28"):
        return False
    return not (one_shot and line.at_least("2026.7.1"))
