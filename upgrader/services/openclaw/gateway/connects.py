"""Which connects are made to a gateway: on a live one only those that change nothing, on a clone all kinds.

What a connect with a device token and no shared secret writes was read in src/gateway/server/ws-connection and
src/infra/device-pairing*.ts of 2026.2.17, 2.22, 9.5 and 9.6 and tried with digests of the stores around it: 9.5 and 9.6 note
only its time, if it names platform, family and display name as recorded. Up to 3.13 each accepted connect also writes the
client's name, mode and scopes into the record, and releases in between were not tried: there it is made once, under the name
that is recorded, with no scope that the record lacks. A refused one writes nothing in any of them, because the token is
looked at before the pairing. Never made live: the role node (it would take over the session of the running node host),
a connect with the shared secret (it pairs, widens or opens a request) and one whose key is not the recorded one.
"""

from dataclasses import dataclass

from upgrader.domain.pairing.observation import ClientKind, PairedDevice, PairingStore, Reach, TokenRecord
from upgrader.domain.pairing.rules import Ask, PairingRules
from upgrader.services.openclaw.eras import code_line
from upgrader.services.openclaw.gateway.handshake import ClientName, Connect, Credential, protocol_of, token_field

_K = ClientKind
_KINDS_ARE_HARMLESS_FROM = "2026.8.1"
_TUI_NAMED_FROM = "2026.5.12"


@dataclass(frozen=True)
class NotMade:
    """A connect that is not made, and why."""

    kind: ClientKind
    reason: str


Planned = Connect | NotMade


@dataclass(frozen=True)
class SharedAuth:
    """What the gateway's own configuration asks for: mode token, password or none."""

    mode: str
    port: int


def plan(rules: PairingRules, store: PairingStore, reach: Reach, shared: SharedAuth) -> tuple[Planned, ...]:
    """All connects of one observation, in order."""
    stored = _with_device_token(rules, store, reach)
    if reach is Reach.LIVE:
        # Without a secret of its own the gateway does not look at the token: it would widen a record that lacks the scopes.
        asks_nothing = NotMade(_K.STORED, f"gateway authentication is {shared.mode}: the device token is not looked at")
        return stored if shared.mode in ("token", "password") else (asks_nothing,)
    return (*stored, *(_as_client(rules, ask, store, shared) for ask in rules.asks))


def _with_device_token(rules: PairingRules, store: PairingStore, reach: Reach) -> tuple[Planned, ...]:
    obstacle = _obstacle(store)
    device = store.own_device
    if obstacle or device is None or store.own is None:
        return (NotMade(_K.STORED, obstacle),)
    granted = _scopes(store.own.token("operator"))
    if not code_line(rules.version).at_least(_KINDS_ARE_HARMLESS_FROM):
        known = _scopes(device.token("operator"))
        scopes = tuple(s for s in granted if s in known and s in device.scopes)
        return (_stored(rules, device, ClientName(device.client_id or "cli", device.client_mode or "cli"), scopes, _K.STORED),)
    first = _stored(rules, device, name_of(_K.CLI, rules), granted, _K.STORED)
    if reach is Reach.CLONE:
        return (first,)
    return (first, *(_kind_with_token(rules, device, ask, granted) for ask in rules.asks))


def _scopes(token: TokenRecord | None) -> tuple[str, ...]:
    return token.scopes if token else ()


def _kind_with_token(rules: PairingRules, device: PairedDevice, ask: Ask, granted: tuple[str, ...]) -> Planned:
    if ask.kind is _K.CONTROL_UI:
        return NotMade(ask.kind, "a browser has an identity of its own")
    beyond = rules.missing(ask.scopes, granted)
    if beyond:
        return NotMade(ask.kind, f"the token does not hold {', '.join(beyond)}; such a client presents the shared secret")
    return _stored(rules, device, name_of(ask.kind, rules), ask.scopes, ask.kind)


def _stored(rules: PairingRules, device: PairedDevice, name: ClientName, scopes: tuple[str, ...], kind: ClientKind) -> Connect:
    """A connect that names itself as its record does: the gateway writes what differs, or asks for a new approval."""
    as_recorded = ClientName(name.id, name.mode, device.platform or "linux", device.display_name, device.device_family)
    return Connect(
        kind, as_recorded, scopes, protocol_of(rules.version), Credential.DEVICE_TOKEN, token_field=token_field(rules.version)
    )


def _obstacle(store: PairingStore) -> str:
    """Why no connect with the device token can be made, empty when it can."""
    own, device = store.own, store.own_device
    if own is None:
        return "this machine's clients have no identity"
    cached = own.token("operator")
    if device is None:
        return "this machine is not paired: a connect would pair it"
    if not own.key_matches or device.public_key != own.public_key:
        return "the record is of another key: a connect would open a pairing request"
    if "operator" not in device.roles:
        return "this machine is not paired as operator: a connect would ask for that role"
    if not device.platform:
        return "the record names no platform: a connect would write one"
    if cached is None or cached.token.length == 0:
        return "this machine's clients hold no operator token"
    recorded = device.token("operator")
    if recorded is not None and recorded.revoked_ms is not None:
        return "the operator token was revoked on purpose"
    return ""


def _as_client(rules: PairingRules, ask: Ask, store: PairingStore, shared: SharedAuth) -> Planned:
    """The connect a real client of this kind makes on this machine: shared secret, and its identity where it sends one."""
    if shared.mode not in ("token", "password", "none"):
        return NotMade(ask.kind, f"gateway authentication is {shared.mode}")
    credential = {"token": Credential.SHARED_TOKEN, "password": Credential.SHARED_PASSWORD}.get(shared.mode, Credential.NONE)
    if ask.kind is _K.CONTROL_UI and code_line(rules.version).at_least(_KINDS_ARE_HARMLESS_FROM):
        return NotMade(ask.kind, "this release lets in only a page it served itself")
    harmless = code_line(rules.version).at_least(_KINDS_ARE_HARMLESS_FROM)
    if shared.mode == "none" and harmless and ask.kind in (_K.CLI, _K.PROBE):
        # 9.5 answers DEVICE_IDENTITY_REQUIRED to one that shows nothing, and its own command line shows its identity then.
        return NotMade(ask.kind, "gateway authentication is none: such a client shows its identity, as the turns do")
    if ask.judged and store.own is None:
        return NotMade(ask.kind, "this machine's clients have no identity")
    device = store.own_device
    name = name_of(ask.kind, rules)
    if device is not None:
        name = ClientName(name.id, name.mode, device.platform or "linux", device.display_name, device.device_family)
    origin = f"http://127.0.0.1:{shared.port}" if ask.kind is _K.CONTROL_UI else ""
    return Connect(ask.kind, name, ask.scopes, protocol_of(rules.version), credential, ask.judged, origin)


def name_of(kind: ClientKind, rules: PairingRules) -> ClientName:
    """How a client of this kind names itself in this release."""
    named_tui = code_line(rules.version).at_least(_TUI_NAMED_FROM)
    match kind:
        case _K.BACKEND_READ | _K.BACKEND_WRITE:
            return ClientName("gateway-client", "backend")
        case _K.TUI:
            return ClientName("openclaw-tui" if named_tui else "gateway-client", "ui")
        case _K.CONTROL_UI:
            return ClientName("openclaw-control-ui", "webchat")
        case _K.PROBE:
            return ClientName("cli", "probe")
        case _:
            return ClientName("cli", "cli")


def shared_secret_alone(rules: PairingRules, auth_mode: str) -> Connect:
    """A connect that shows the shared secret and no identity: nothing is recorded of it. 9.x lets a backend in so, 2.17 answers
    `device identity required` once the secret is right (2.22 and 9.6 run with the right and a wrong one, 2.17 on the stand-in).
    """
    credential = Credential.SHARED_PASSWORD if auth_mode == "password" else Credential.SHARED_TOKEN
    name = name_of(_K.BACKEND_READ, rules)
    return Connect(_K.BACKEND_READ, name, ("operator.read",), protocol_of(rules.version), credential, signs=False)
