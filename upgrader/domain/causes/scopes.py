"""Scopes: device against token, cache against gateway, record against what clients of this release ask for."""

from upgrader.domain.causes.cache import MEND
from upgrader.domain.diagnosis.cause import Cause, Impact, Likelihood, Rung
from upgrader.domain.diagnosis.scene import Scene
from upgrader.domain.pairing.observation import ClientKind, PairedDevice
from upgrader.domain.pairing.rules import Ask, ScopeUpgrade

_BROWSERS = ("openclaw-control-ui", "webchat", "webchat-ui")


def token_beyond_device(scene: Scene) -> tuple[Cause, ...]:
    """A token with more scopes than its device: later releases refuse it altogether, whatever is asked for."""
    if not scene.rules.token_within_baseline:
        return ()
    store, found = scene.observation.store, []
    for device in store.paired:
        token = device.token("operator")
        if token is None or token.revoked_ms is not None:
            continue
        beyond = scene.rules.missing(token.scopes, scene.rules.allowed(device))
        if beyond:
            found.append(_beyond(scene, device, beyond))
    return tuple(found)


def _beyond(scene: Scene, device: PairedDevice, beyond: tuple[str, ...]) -> Cause:
    own = scene.observation.store.own_device is device
    allowed = ", ".join(scene.rules.allowed(device)) or "nothing"
    return Cause(
        "token-beyond-device",
        f"the operator token of {device.short} holds more than its device was approved for: every connect with it is refused",
        Likelihood.CERTAIN,
        Impact.NOW,
        (f"approved: {allowed}", f"only in the token: {', '.join(beyond)}"),
        MEND if own else f"`openclaw devices remove {device.device_id}`, then connect with that device and approve it",
        device=device.device_id[:12],
        place=scene.places.paired,
        rungs=(Rung.PAIR_AGAIN, Rung.WIDEN) if own else (),
    )


def record_lacks(scene: Scene) -> tuple[Cause, ...]:
    """This machine's record does not cover what its clients of this release ask for, and the release does not mend that."""
    device = scene.observation.store.own_device
    if device is None or "operator" not in device.roles or scene.rules.mends_locally(device):
        return ()
    short = [(ask, lack) for ask in scene.rules.asks if (lack := _lacks(scene, device, ask))]
    if not short:
        return ()
    kinds = ", ".join(ask.kind.value for ask, _ in short)
    lacking = tuple(dict.fromkeys(scope for _, lack in short for scope in lack))
    evidence = (
        f"refused: {kinds}",
        f"the record allows {', '.join(scene.rules.allowed(device)) or 'nothing'}",
        f"it lacks {', '.join(lacking)}",
        f"{scene.rules.version} does not approve more scopes by itself; it compares them so: {scene.rules.implication.value}",
    )
    return (
        Cause(
            "scope-upgrade",
            "scope upgrade: this machine's own clients ask for more than its record allows, and are refused `pairing required`",
            Likelihood.CERTAIN,
            Impact.NOW,
            evidence,
            MEND,
            device=device.device_id[:12],
            place=scene.places.paired,
            rungs=(Rung.APPROVE, Rung.ROTATE, Rung.PAIR_AGAIN, Rung.WIDEN),
        ),
    )


def _lacks(scene: Scene, device: PairedDevice, ask: Ask) -> tuple[str, ...]:
    if not ask.judged or ask.kind is ClientKind.CONTROL_UI:
        return ()
    return scene.rules.missing(ask.scopes, scene.rules.allowed(device))


def others_lack(scene: Scene) -> tuple[Cause, ...]:
    """Another device's record does not cover what it asked for when it was paired. A remote one is never widened silently."""
    own = scene.observation.store.own
    found = []
    for device in scene.observation.store.paired:
        token = device.token("operator")
        if (own and device.device_id == own.device_id) or token is None or token.revoked_ms is not None:
            continue
        silent = scene.rules.scope_upgrade is not ScopeUpgrade.REFUSED and not device.remote
        if silent or device.client_id in _BROWSERS or scene.rules.token_within_baseline:
            continue
        lack = scene.rules.missing(token.scopes, scene.rules.allowed(device))
        if lack:
            found.append(
                Cause(
                    "other-device-lacks",
                    f"{device.short} will be refused: its record lacks {', '.join(lack)}",
                    Likelihood.LIKELY,
                    Impact.NOW,
                    (f"its token was given for {', '.join(token.scopes)}",),
                    f"`openclaw devices rotate --device {device.device_id} --role operator {_scopes(token.scopes)}`",
                    device=device.device_id[:12],
                    place=scene.places.paired,
                )
            )
    return tuple(found)


def cache_narrower(scene: Scene) -> tuple[Cause, ...]:
    """The cache lists fewer scopes than the gateway granted: clients that choose by it ask for too little."""
    own, device = scene.observation.store.own, scene.observation.store.own_device
    if own is None or device is None:
        return ()
    found = []
    for recorded in device.tokens:
        cached = own.token(recorded.role)
        if cached is None or cached.token != recorded.token:
            continue
        fewer = scene.rules.missing(recorded.scopes, cached.scopes)
        if fewer:
            found.append(
                Cause(
                    "cache-narrower",
                    f"this machine's cache lists fewer scopes for the {recorded.role} token than the gateway granted",
                    Likelihood.CERTAIN,
                    Impact.NOW,
                    (f"missing in {scene.places.cache}: {', '.join(fewer)}",),
                    MEND,
                    device=device.device_id[:12],
                    place=scene.places.cache,
                    rungs=(Rung.REISSUE, Rung.SYNC),
                )
            )
    return tuple(found)


def lists_drifted(scene: Scene) -> tuple[Cause, ...]:
    """`scopes` wider than `approvedScopes`: fine up to 3.13, refused by releases that look at the approval first."""
    found = []
    own = scene.observation.store.own_device
    for device in scene.observation.store.paired:
        approved = device.approved_scopes
        if approved is None or not device.scopes:
            continue
        drift = scene.rules.missing(device.scopes, approved)
        already = scene.rules.token_within_baseline and scene.rules.missing(device.scopes, scene.rules.allowed(device))
        if drift and not already:
            found.append(
                Cause(
                    "scopes-drifted",
                    f"the record of {device.short} lists more scopes than were approved: a later release will refuse them",
                    Likelihood.CERTAIN,
                    Impact.LATER,
                    (f"in scopes only: {', '.join(drift)}", "2026.5.12 and later hold clients against approvedScopes"),
                    f"before the update: `openclaw devices rotate --device {device.device_id} --role operator "
                    f"{_scopes(device.scopes)}`",
                    device=device.device_id[:12],
                    place=scene.places.paired,
                    rungs=(Rung.WIDEN,) if device is own else (),
                )
            )
    return tuple(found)


def role_not_approved(scene: Scene) -> tuple[Cause, ...]:
    """A token of a role that the device was not approved for."""
    own = scene.observation.store.own_device
    return tuple(
        Cause(
            "role-not-approved",
            f"{device.short} holds a token of role {token.role}, which is not among its roles",
            Likelihood.CERTAIN,
            Impact.NOW,
            (f"roles: {', '.join(device.roles) or 'none'}",),
            MEND if device is own else f"`openclaw devices remove {device.device_id}`, then pair it again",
            device=device.device_id[:12],
            place=scene.places.paired,
            rungs=(Rung.PAIR_AGAIN,) if device is own else (),
        )
        for device in scene.observation.store.paired
        for token in device.tokens
        if token.revoked_ms is None and token.role not in device.roles
    )


def _scopes(scopes: tuple[str, ...]) -> str:
    return " ".join(f"--scope {scope}" for scope in scopes)
