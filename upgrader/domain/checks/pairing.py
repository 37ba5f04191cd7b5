"""Judges the pairing data of one moment by the rules of the release that is to work with it. Pure."""

from dataclasses import replace

from upgrader.domain.check import Judgement, Need, Verdict
from upgrader.domain.pairing.observation import ActKind, ClientKind, OwnIdentity, PairedDevice, PairingStore, TokenRecord
from upgrader.domain.pairing.rules import Ask, PairingRules, ScopeUpgrade

_AGAIN = "`upgrader repair` mends it; after an update `upgrader rollback` brings the former pairings back"
_ROTATE = "`upgrader repair`, or `openclaw devices rotate --device ID --role operator`; after an update `upgrader rollback`"
_BROWSERS = ("openclaw-control-ui", "webchat", "webchat-ui")


def judge_store(store: PairingStore, rules: PairingRules) -> tuple[Judgement, ...]:
    """Every judgement that needs no gateway, in a fixed order; what does not apply is left out."""
    judged = [_readable(store), *_imported(store)]
    if store.own is not None:
        judged += [_identity(store.own), *_cache(store, store.own), *_own_record(store, store.own)]
        judged += _tokens_equal(store, store.own)
    judged += _devices(store, rules)
    judged += _asks(store, rules)
    judged.append(_pending(store))
    return tuple(judged)


def _readable(store: PairingStore) -> Judgement:
    if store.problems:
        return _fail("pairing.readable", "; ".join(store.problems), "`upgrader rollback` restores them from a snapshot")
    return _pass("pairing.readable", f"{len(store.paired)} paired devices, {len(store.pending)} requests waiting")


def _imported(store: PairingStore) -> list[Judgement]:
    if not store.leftovers:
        return []
    why = f"{', '.join(store.leftovers)} lie beside tables that know nothing of them: they were not imported"
    return [_fail("pairing.imported", why, "stop the gateway and run `openclaw doctor --fix --non-interactive`")]


def _identity(own: OwnIdentity) -> Judgement:
    if own.key_matches:
        return _pass("pairing.identity", "this machine's device id is the hash of its key")
    return _fail("pairing.identity", f"device id {own.device_id[:12]} is not the hash of its key", _AGAIN)


def _cache(store: PairingStore, own: OwnIdentity) -> list[Judgement]:
    """The client's own token cache: whose it is, and that it is not missing where the gateway gave tokens."""
    if own.cache_device_id not in (None, own.device_id):
        why = f"the token cache belongs to {str(own.cache_device_id)[:12]}, the identity is {own.device_id[:12]}"
        return [_fail("pairing.cache-device", why, _AGAIN)]
    judged = [_pass("pairing.cache-device", "the token cache is this identity's")]
    device = store.own_device
    missing = [t.role for t in device.tokens if t.revoked_ms is None and own.token(t.role) is None] if device else []
    if missing:
        why = f"the gateway holds a token for {', '.join(missing)} that this machine's cache lacks"
        judged.append(_fail("pairing.cache-present", why, _AGAIN))
    return judged


def _own_record(store: PairingStore, own: OwnIdentity) -> list[Judgement]:
    device = store.own_device
    if device is None:
        if not own.tokens or own.cache_device_id not in (None, own.device_id):
            return []
        removed = any(a.kind is ActKind.REMOVED and a.device_id == own.device_id for a in store.acts)
        why = "this machine holds a device token, and the gateway has no record of it"
        if removed:
            why += ": it was removed on purpose"
        return [Judgement("pairing.recorded", Verdict.FAIL, why, _AGAIN, Need.WANTED if removed else Need.REQUIRED)]
    if device.public_key != own.public_key:
        return [_fail("pairing.recorded", "the gateway's record of this machine holds another public key", _AGAIN)]
    return [_pass("pairing.recorded", "the gateway's record of this machine holds its key")]


def _tokens_equal(store: PairingStore, own: OwnIdentity) -> list[Judgement]:
    """Cache against record, role by role."""
    device = store.own_device
    if device is None:
        return []
    return [_token_equal(cached, recorded) for recorded in device.tokens if (cached := own.token(recorded.role)) is not None]


def _token_equal(cached: TokenRecord, recorded: TokenRecord) -> Judgement:
    check = f"pairing.token-equal.{recorded.role}"
    if recorded.revoked_ms is not None:
        # Only `openclaw devices revoke` sets this: an operator's decision, told and never blamed on an upgrade.
        return Judgement(check, Verdict.FAIL, f"the {recorded.role} token was revoked", _ROTATE, Need.WANTED)
    if cached.token.length == 0:
        return _fail(check, f"the {recorded.role} token in this machine's cache is empty", _ROTATE)
    if cached.token != recorded.token:
        why = f"the cache holds {cached.token}, the gateway {recorded.token}"
        return _fail(check, f"the {recorded.role} tokens differ: {why}", _ROTATE)
    return _pass(check, f"cache and gateway hold the same {recorded.role} token, {recorded.token}")


def _devices(store: PairingStore, rules: PairingRules) -> list[Judgement]:
    """What every record must have so that its tokens are accepted at all."""
    empty = [d.short for d in store.paired if any(t.token.length == 0 and t.revoked_ms is None for t in d.tokens)]
    roles = [d.short for d in store.paired if any(t.role not in d.roles for t in d.tokens if t.revoked_ms is None)]
    beyond = [f"{d.short}: {', '.join(extra)}" for d in store.paired if (extra := _beyond_baseline(d, rules))]
    judged = [
        _of_devices("pairing.token-present", empty, "an empty token is recorded for", "every recorded token has a value"),
        _of_devices("pairing.token-role", roles, "a token's role is not among the roles of", "every token's role is approved"),
    ]
    if rules.token_within_baseline:
        said = "this release refuses tokens with more scopes than their device has:"
        judged.append(_of_devices("pairing.token-baseline", beyond, said, "no token exceeds its device"))
    return judged


def _beyond_baseline(device: PairedDevice, rules: PairingRules) -> tuple[str, ...]:
    """Scopes of the operator token that the device level does not cover."""
    token = device.token("operator")
    if token is None or token.revoked_ms is not None:
        return ()
    return rules.missing(token.scopes, rules.allowed(device))


def _asks(store: PairingStore, rules: PairingRules) -> list[Judgement]:
    """What this release's clients will ask for, against the records they are held against."""
    judged = [_own_ask(store.own_device, ask, rules) for ask in rules.asks if store.own_device and _is_own(ask)]
    own_id = store.own.device_id if store.own else ""
    others = [d for d in store.paired if d.device_id != own_id and "operator" in d.roles]
    short = [(d, lack) for d in others if (lack := _others_lack(d, rules))]
    if others:
        names = [f"{d.short} lacks {', '.join(lack)}" for d, lack in short]
        said = "will be refused by this release:"
        judged.append(_of_devices("pairing.scopes.others", names, said, "the other devices hold what their clients ask for"))
    return judged


def _is_own(ask: Ask) -> bool:
    return ask.kind is not ClientKind.CONTROL_UI


def _own_ask(device: PairedDevice | None, ask: Ask, rules: PairingRules) -> Judgement:
    check = f"pairing.scopes.{ask.kind.value}"
    if device is None or "operator" not in device.roles:
        return Judgement(check, Verdict.NOT_APPLICABLE, "this machine is not paired as operator")
    if not ask.judged:
        return Judgement(check, Verdict.NOT_APPLICABLE, "this release does not hold such a client against the record")
    lacking = rules.missing(ask.scopes, rules.allowed(device))
    if not lacking:
        return _pass(check, f"the record holds {', '.join(ask.scopes)}")
    why = f"such a client asks for {', '.join(lacking)}, which the record does not hold"
    if rules.mends_locally(device):
        return _pass(check, f"{why}; {rules.version} approves that silently on this machine")
    return _fail(check, f"{why}, and {rules.version} refuses it: pairing required", "`upgrader repair` widens the record")


def _others_lack(device: PairedDevice, rules: PairingRules) -> tuple[str, ...]:
    """What a device that is not ours will be refused for. It asked for what its token holds when it was paired."""
    if rules.scope_upgrade is ScopeUpgrade.SILENT_LOCAL and not device.remote:
        return ()
    token = device.token("operator")
    if token is None or token.revoked_ms is not None:
        return ()
    asked = token.scopes if device.client_id not in _BROWSERS else ()
    return rules.missing(asked, rules.allowed(device))


def _pending(store: PairingStore) -> Judgement:
    """Waiting requests. A repair of this machine's own pairing means that one of its clients was refused."""
    own_id = store.own.device_id if store.own else ""
    mine = [r for r in store.pending if r.device_id == own_id]
    if mine:
        why = f"this machine waits for approval of {', '.join(mine[0].scopes) or 'its pairing'}: one of its clients was refused"
        return Judgement("pairing.pending", Verdict.FAIL, why, "`openclaw devices list`, then approve the request", Need.WANTED)
    repairs = sum(r.is_repair for r in store.pending)
    said = f"{len(store.pending)} requests of other devices wait, {repairs} of them repairs" if store.pending else "none waits"
    return Judgement("pairing.pending", Verdict.PASS, said, need=Need.WANTED)


def _of_devices(check: str, names: list[str], said: str, otherwise: str) -> Judgement:
    return (
        replace(_fail(check, f"{said} {'; '.join(names)}", _ROTATE), about=tuple(names)) if names else _pass(check, otherwise)
    )


def _pass(check: str, why: str) -> Judgement:
    return Judgement(check, Verdict.PASS, why)


def _fail(check: str, why: str, remedy: str) -> Judgement:
    return Judgement(check, Verdict.FAIL, why, remedy)
