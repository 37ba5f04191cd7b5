"""One line for each kind of client: what it asks for, what it may have, and whether it gets it. Pure."""

from upgrader.domain.diagnosis.cause import ClientLine, Standing
from upgrader.domain.diagnosis.layers import layer_of
from upgrader.domain.pairing.observation import ClientKind, Handshake, HandshakeResult, Observation, PairedDevice
from upgrader.domain.pairing.rules import Ask, PairingRules

_BROWSER = "openclaw-control-ui"
_BACKENDS = (ClientKind.BACKEND_READ, ClientKind.BACKEND_WRITE)


def client_lines(seen: Observation, rules: PairingRules) -> tuple[ClientLine, ...]:
    """CLI, TUI, gateway-client, Control UI, ACP, node: never one answer that hides a kind."""
    asks = {ask.kind: ask for ask in rules.asks}
    backend = tuple(dict.fromkeys(scope for kind in _BACKENDS for scope in asks[kind].scopes))
    own = seen.store.own_device
    return (
        _own("cli", asks[ClientKind.CLI], own, seen, rules),
        _own("tui", asks[ClientKind.TUI], own, seen, rules),
        _own("gateway-client", Ask(ClientKind.BACKEND_WRITE, backend, asks[ClientKind.BACKEND_WRITE].judged), own, seen, rules),
        _browsers(asks[ClientKind.CONTROL_UI], seen, rules),
        _own("acp", asks[ClientKind.ACP], own, seen, rules),
        _nodes(seen),
    )


def _own(kind: str, ask: Ask, device: PairedDevice | None, seen: Observation, rules: PairingRules) -> ClientLine:
    may = rules.allowed(device) if device else ()
    live = _live(ask.kind, seen)
    if live is not None and live.result is HandshakeResult.REFUSED:
        layer = layer_of(live.code, live.reason).value
        if not ask.judged:
            why = f"comes in by the shared secret; with its device token {layer} refused it: {live.code}"
            return ClientLine(kind, ask.scopes, may, Standing.NOT_HELD, why)
        return ClientLine(kind, ask.scopes, may, Standing.REFUSED, f"{layer} refused it: {live.code}")
    if live is not None and live.result is HandshakeResult.ACCEPTED:
        return ClientLine(kind, ask.scopes, may, Standing.LET_IN, "tried with this machine's token")
    if not ask.judged:
        return ClientLine(kind, ask.scopes, may, Standing.NOT_HELD, "comes in by the shared secret on this machine")
    if device is None:
        first = "this machine is not paired; its first connect pairs it silently"
        return ClientLine(kind, ask.scopes, (), Standing.UNKNOWN, first)
    return _by_record(kind, ask, device, seen, rules)


def _by_record(kind: str, ask: Ask, device: PairedDevice, seen: Observation, rules: PairingRules) -> ClientLine:
    may = rules.allowed(device)
    key = seen.store.own.public_key if seen.store.own else ""
    if device.public_key != key:
        return ClientLine(kind, ask.scopes, may, Standing.REFUSED, "the record is of another key")
    lacking = rules.missing(ask.scopes, may)
    if not lacking:
        return ClientLine(kind, ask.scopes, may, Standing.LET_IN, "its record covers it")
    if rules.mends_locally(device):
        return ClientLine(kind, ask.scopes, may, Standing.LET_IN, f"{rules.version} approves {', '.join(lacking)} silently")
    return ClientLine(kind, ask.scopes, may, Standing.REFUSED, f"pairing required: its record lacks {', '.join(lacking)}")


def _live(kind: ClientKind, seen: Observation) -> Handshake | None:
    """The connect made as this kind; a refused connect with the stored token counts for every kind that presents it."""
    return next((h for h in seen.handshakes if h.client == kind.value), None)


def _browsers(ask: Ask, seen: Observation, rules: PairingRules) -> ClientLine:
    devices = [d for d in seen.store.paired if d.client_id == _BROWSER]
    if not devices:
        return ClientLine("control-ui", ask.scopes, (), Standing.UNKNOWN, "no browser is paired yet")
    short = [d for d in devices if rules.missing(ask.scopes, rules.allowed(d)) and not rules.mends_locally(d)]
    may = rules.allowed((short or devices)[0])
    if short:
        return ClientLine("control-ui", ask.scopes, may, Standing.REFUSED, f"{short[0].short} lacks scopes")
    return ClientLine("control-ui", ask.scopes, may, Standing.LET_IN, f"{len(devices)} paired, their records cover it")


def _nodes(seen: Observation) -> ClientLine:
    nodes = [d for d in seen.store.paired if "node" in d.roles]
    if not nodes:
        return ClientLine("node", (), (), Standing.UNKNOWN, "no node is paired")
    bad = [d for d in nodes if (token := d.token("node")) is None or token.revoked_ms is not None or token.token.length == 0]
    if bad:
        return ClientLine("node", ("role node",), (), Standing.REFUSED, f"{bad[0].short} holds no live node token")
    return ClientLine("node", ("role node",), ("role node",), Standing.LET_IN, f"{len(nodes)} paired with a live token")
