"""The one real `openclaw` call of an observation: it must go through the gateway and, on a live one, change nothing.

Measured by comparing the whole state around each call: `gateway call health` changes nothing on 9.5 and 9.6, where the CLI
shows no identity if it has the shared secret; `gateway status` and `status` there rewrite the record of this machine and
may erase its display name. The first opens neither the state nor one of its locks (traced on 9.6), as `status` does, beside
which an agent's turn may be turned away. On 2.17 every call renews the time in the token cache, writes the caller's name into
the record, erases its display name, and would widen, mend or ask for a pairing that does not cover it: there it is made
only if record and cache agree, cover it, and the record is already the CLI's own.
"""

from upgrader.domain.pairing.observation import ClientKind, PairedDevice, PairingStore, Reach, TokenRecord
from upgrader.domain.pairing.ports import CallPlan
from upgrader.domain.pairing.rules import PairingRules
from upgrader.services.openclaw.eras import code_line

HEALTH_OF_GATEWAY = ("gateway", "call", "health", "--json", "--timeout", "45000")
HEALTH = ("health", "--json", "--timeout", "45000")  # on 2.19 this one is refused where `gateway call health` is content


def plan_call(rules: PairingRules, store: PairingStore, reach: Reach, auth_mode: str) -> CallPlan:
    """The call to make, or why none is made."""
    if reach is Reach.CLONE:
        return CallPlan(HEALTH)
    line = code_line(rules.version)
    if auth_mode in ("token", "password") and (
        line.at_least("2026.7.1") or (line.at_least("2026.3.13") and not line.at_least("2026.3.28"))
    ):
        return CallPlan(HEALTH_OF_GATEWAY)
    obstacle = _would_change(rules, store)
    return CallPlan((), obstacle) if obstacle else CallPlan(HEALTH_OF_GATEWAY)


def _would_change(rules: PairingRules, store: PairingStore) -> str:
    """What the CLI, connecting with its identity, would change; empty when nothing."""
    own, device = store.own, store.own_device
    if own is None or device is None:
        return "this machine is not paired: a call would pair it"
    cached, recorded = own.token("operator"), device.token("operator")
    if device.public_key != own.public_key or cached is None or recorded is None:
        return "this machine's pairing is not whole: a call would ask for a new one"
    if cached.token != recorded.token or recorded.revoked_ms is not None:
        return "cache and record differ: a call would mend that"
    return _would_write(rules, device, recorded)


def _would_write(rules: PairingRules, device: PairedDevice, recorded: TokenRecord) -> str:
    """The same where cache and record agree."""
    asked = next(ask.scopes for ask in rules.asks if ask.kind is ClientKind.CLI)
    beyond = [s for s in asked if s not in recorded.scopes or s not in device.scopes]
    if beyond:
        return f"a call would ask for {', '.join(beyond)}, which the record does not hold"
    if device.display_name or (device.client_id, device.client_mode) != ("cli", "cli"):
        return "a call would write its own name into the record"
    return ""
