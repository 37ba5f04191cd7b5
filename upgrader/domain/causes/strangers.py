"""Devices other than this machine that the log shows being refused, and whatever else a check said."""

from upgrader.domain.check import Need, Verdict
from upgrader.domain.diagnosis.cause import Cause, Impact, Likelihood
from upgrader.domain.diagnosis.scene import Scene
from upgrader.domain.pairing.sighting import Sighting

_REFUSALS = ("device-token-mismatch", "device-token-scope-mismatch", "pairing-required", "access-upgrade-requested")


def refused_devices(scene: Scene) -> tuple[Cause, ...]:
    """Refusals of single devices since the gateway started, one cause a device; the loop has a rule of its own."""
    worst: dict[str, Sighting] = {}
    for seen in scene.seen(*_REFUSALS):
        if seen.device and not scene.is_past(seen) and (seen.device not in worst or seen.count > worst[seen.device].count):
            worst[seen.device] = seen
    store = scene.observation.store
    return tuple(_refused(scene, seen) for device, seen in sorted(worst.items()) if not store.is_own(device))


def _refused(scene: Scene, seen: Sighting) -> Cause:
    known = scene.observation.store.device(seen.device)
    name = known.short if known else f"{seen.short}, which is not paired,"
    rotate = f"`openclaw devices rotate --device {seen.device} --role operator` gives it a new token, which it must be told"
    asks = seen.signature in ("pairing-required", "access-upgrade-requested")
    remedy = rotate if known and not asks else "`openclaw devices list` shows who asks; `openclaw devices approve REQUEST`"
    return Cause(
        "device-refused",
        f"device {name} was refused: {seen.signature}",
        Likelihood.LIKELY,
        Impact.TOLD,
        (f"{seen.count} times, last {seen.last:%H:%M:%S} UTC", seen.sample),
        remedy,
        device=seen.device[:12],
        place="the gateway's log",
    )


def refused_clients(scene: Scene) -> tuple[Cause, ...]:
    """Refusals whose line names no device (a device token and its scopes, in 9.6): the kind of client is all there is."""
    return tuple(
        Cause(
            "client-refused",
            f"a client {seen.client} was refused: {seen.signature}",
            Likelihood.LIKELY,
            Impact.TOLD,
            (f"{seen.count} times, last {seen.last:%H:%M:%S} UTC", seen.sample),
            "on its own machine: connect once with the gateway's shared token, which widens or renews its own",
            place="the gateway's log",
        )
        for seen in scene.seen("device-token-mismatch", "device-token-scope-mismatch")
        if not seen.device and seen.client and not _explained(scene, seen)
    )


def _explained(scene: Scene, seen: Sighting) -> bool:
    """This machine's own client with a token that the records show to be out of step, and what was before it was put right."""
    own, device = scene.observation.store.own, scene.observation.store.own_device
    cached = own.token("operator") if own else None
    recorded = device.token("operator") if device else None
    differs = cached is not None and recorded is not None and cached.token != recorded.token
    return scene.is_past(seen) or (differs and device is not None and seen.client == device.client_id)


def agents_refused(scene: Scene) -> tuple[Cause, ...]:
    """An agent's own tool was refused by its own gateway: what a person sees of all this."""
    found = []
    for name, layer in (("agent-pairing-required", "identity and scopes"), ("agent-unauthorized", "the token it presents")):
        seen = tuple(s for s in scene.seen(name) if not scene.is_past(s))
        if seen:
            found.append(
                Cause(
                    name,
                    f"agents' tools (spawn, send, cron) are refused by their own gateway: {layer}",
                    Likelihood.LIKELY,
                    Impact.NOW,
                    tuple(f"{s.count} times, last {s.last:%H:%M:%S} UTC: {s.sample}" for s in seen[:2]),
                    "`upgrader verify` shows which kind of client lacks what; `upgrader repair` mends it",
                    place="the gateway's log",
                )
            )
    return tuple(found)


def other_failures(scene: Scene, told: tuple[Cause, ...]) -> tuple[Cause, ...]:
    """Required checks that failed and that no rule has explained: nothing that `verify` says is left out."""
    if any(each.impact is Impact.NOW for each in told):
        return ()
    return tuple(
        Cause(
            f"check:{j.check}",
            j.why,
            Likelihood.CERTAIN,
            Impact.NOW,
            (f"`upgrader verify` says {j.check}",),
            j.remedy or "`upgrader verify` shows all that was checked",
        )
        for j in scene.judgements
        if j.verdict is Verdict.FAIL and j.need is Need.REQUIRED and not j.check.startswith(("live.ready", "live.log."))
    )
