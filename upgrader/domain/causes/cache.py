"""The client's token cache against the gateway's record of this machine."""

from upgrader.domain.diagnosis.cause import Cause, Impact, Likelihood, Rung
from upgrader.domain.diagnosis.layers import layer_of
from upgrader.domain.diagnosis.scene import Scene
from upgrader.domain.pairing.observation import ActKind, OwnIdentity, PairedDevice, TokenRecord

MEND = "`upgrader repair`"


def token_differs(scene: Scene) -> tuple[Cause, ...]:
    """Hash against hash, role by role. A rotation that the cache did not follow shows by its time."""
    own, device = scene.observation.store.own, scene.observation.store.own_device
    if own is None or device is None:
        return ()
    pairs = ((own.token(recorded.role), recorded) for recorded in device.tokens if recorded.revoked_ms is None)
    return tuple(
        _differs(scene, device, cached, recorded)
        for cached, recorded in pairs
        if cached is not None and cached.token != recorded.token and recorded.token.length
    )


def _differs(scene: Scene, device: PairedDevice, cached: TokenRecord, recorded: TokenRecord) -> Cause:
    if cached.token.length == 0:
        code, title = "cache-token-empty", f"the {recorded.role} token in this machine's cache is empty"
    else:
        code, title = "cache-token-differs", f"this machine's clients hold another {recorded.role} token than the gateway"
    evidence = [f"{scene.places.cache}: {cached.token}", f"{scene.places.paired}: {recorded.token}"]
    if recorded.rotated_ms is not None:
        evidence.append(f"the gateway rotated it ({recorded.rotated_ms} ms since the epoch) and the cache did not follow")
    evidence += _refusals(scene)
    return Cause(
        code,
        title,
        Likelihood.CERTAIN,
        Impact.NOW,
        tuple(evidence),
        MEND,
        device=device.device_id[:12],
        place=scene.places.cache,
        rungs=(Rung.REISSUE, Rung.SYNC),
    )


def _refusals(scene: Scene) -> list[str]:
    """What the live connect said, where one was made."""
    refused = [h for h in scene.observation.handshakes if h.result.value == "refused"]
    return [f"a connect was refused by {layer_of(h.code, h.reason).value}: {h.code}" for h in refused][:1]


def cache_missing(scene: Scene) -> tuple[Cause, ...]:
    """The gateway holds a live token for this machine, and its clients have none."""
    own, device = scene.observation.store.own, scene.observation.store.own_device
    if own is None or device is None or own.cache_device_id not in (None, own.device_id):
        return ()
    missing = [t for t in device.tokens if t.revoked_ms is None and own.token(t.role) is None]
    return tuple(
        Cause(
            "cache-missing",
            f"this machine's clients hold no {token.role} token, and the gateway has given them one",
            Likelihood.CERTAIN,
            Impact.NOW,
            (f"{scene.places.cache}: nothing", f"{scene.places.paired}: {token.token}"),
            MEND,
            device=device.device_id[:12],
            place=scene.places.cache,
            rungs=(Rung.REISSUE, Rung.SYNC),
        )
        for token in missing
    )


def cache_of_another(scene: Scene) -> tuple[Cause, ...]:
    """The cache was written for another device id: clients ignore it."""
    own = scene.observation.store.own
    if own is None or own.cache_device_id in (None, own.device_id):
        return ()
    device = scene.observation.store.own_device
    return (
        Cause(
            "cache-of-another-device",
            "the token cache belongs to another device than this machine's identity",
            Likelihood.CERTAIN,
            Impact.NOW,
            (f"the cache is of {str(own.cache_device_id)[:12]}", f"the identity is {own.device_id[:12]}"),
            MEND,
            device=own.device_id[:12],
            place=scene.places.cache,
            rungs=(Rung.REISSUE, Rung.SYNC) if device else (Rung.PAIR_AGAIN,),
        ),
    )


def record_missing(scene: Scene) -> tuple[Cause, ...]:
    """A token without a record: the gateway does not know this machine. A removal on purpose is told as such."""
    store = scene.observation.store
    own = store.own
    if own is None or not own.tokens or store.own_device is not None or own.cache_device_id not in (None, own.device_id):
        return ()
    acts = (*store.acts, *scene.observation.acts)
    removed = any(a.kind in (ActKind.REMOVED, ActKind.PRUNED) and a.device_id == own.device_id for a in acts)
    title = "the gateway has no record of this machine" + (": it was removed on purpose" if removed else "")
    return (
        Cause(
            "record-removed" if removed else "record-missing",
            title,
            Likelihood.CERTAIN,
            Impact.NOW,
            (f"{scene.places.cache} holds a token for {own.device_id[:12]}", f"{scene.places.paired}: no such device"),
            f"{MEND}; `openclaw devices list` shows who is paired",
            device=own.device_id[:12],
            place=scene.places.paired,
            rungs=() if removed else (Rung.PAIR_AGAIN,),
        ),
    )


def record_of_another_key(scene: Scene) -> tuple[Cause, ...]:
    """The record of this device id, or the identity itself, does not fit the key."""
    own, device = scene.observation.store.own, scene.observation.store.own_device
    if own is None:
        return ()
    found = []
    if device is not None and device.public_key != own.public_key:
        title = "the gateway's record of this machine holds another public key"
        found.append(_key(own, title, scene.places.paired, (Rung.PAIR_AGAIN,)))
    if not own.key_matches:
        found.append(_key(own, "this machine's device id is not the hash of its key", scene.places.identity, ()))
    return tuple(found)


def _key(own: OwnIdentity, title: str, place: str, rungs: tuple[Rung, ...]) -> Cause:
    remedy = MEND if rungs else "`upgrader rollback` brings the former identity back, else `openclaw doctor --fix`"
    device = own.device_id[:12]
    evidence = (f"identity {device}",)
    return Cause(
        "key-mismatch", title, Likelihood.CERTAIN, Impact.NOW, evidence, remedy, device=device, place=place, rungs=rungs
    )


def token_revoked(scene: Scene) -> tuple[Cause, ...]:
    """Somebody revoked the token of this machine: told, and undone by nobody but a person."""
    device = scene.observation.store.own_device
    if device is None:
        return ()
    return tuple(
        Cause(
            "token-revoked",
            f"the {token.role} token of this machine was revoked on purpose",
            Likelihood.CERTAIN,
            Impact.NOW,
            (f"{scene.places.paired}: revoked at {token.revoked_ms} ms since the epoch",),
            f"`openclaw devices rotate --device {device.device_id} --role {token.role}` gives it a new one",
            device=device.device_id[:12],
            place=scene.places.paired,
        )
        for token in device.tokens
        if token.revoked_ms is not None
    )


def record_token_empty(scene: Scene) -> tuple[Cause, ...]:
    """A record with an empty token: whatever its device presents is refused."""
    store = scene.observation.store
    return tuple(
        Cause(
            "record-token-empty",
            f"the gateway's record of {device.short} holds an empty {token.role} token",
            Likelihood.CERTAIN,
            Impact.NOW,
            (f"{scene.places.paired}: empty",),
            f"`openclaw devices rotate --device {device.device_id} --role {token.role}`",
            device=device.device_id[:12],
            place=scene.places.paired,
            rungs=(Rung.ROTATE, Rung.PAIR_AGAIN) if device is store.own_device else (),
        )
        for device in store.paired
        for token in device.tokens
        if token.revoked_ms is None and token.token.length == 0
    )


def overwritten(scene: Scene) -> tuple[Cause, ...]:
    """The cache before and after one connect of OpenClaw's own client: one that writes it anew undoes what was mended."""
    before, after = scene.observation.store.own, scene.observation.own_after
    if before is None or after is None or before.device_id != after.device_id:
        return ()
    changed = [
        (old, new)
        for old in before.tokens
        if (new := after.token(old.role)) is not None and (old.token, set(old.scopes)) != (new.token, set(new.scopes))
    ]
    return tuple(_overwritten(scene, old, new) for old, new in changed)


def _overwritten(scene: Scene, old: TokenRecord, new: TokenRecord) -> Cause:
    device = scene.observation.store.own_device
    recorded = device.token(old.role) if device else None
    agrees = recorded is not None and recorded.token == new.token and not scene.rules.missing(recorded.scopes, new.scopes)
    calls = ", ".join(f"`{each.command}`" for each in scene.observation.calls)
    return Cause(
        "cache-overwritten",
        f"a client here wrote the {old.role} token cache anew at a connect: it now "
        + ("agrees with the gateway" if agrees else "differs from the gateway"),
        Likelihood.LIKELY,
        Impact.TOLD if agrees else Impact.NOW,
        (
            f"before {calls or 'a connect'}: {old.token}, {', '.join(old.scopes) or 'no scopes'}",
            f"after: {new.token}, {', '.join(new.scopes) or 'no scopes'}",
        ),
        "`upgrader diagnose --follow` names each write as it happens",
        device=scene.observation.store.own.device_id[:12] if scene.observation.store.own else "",
        place=scene.places.cache,
    )
