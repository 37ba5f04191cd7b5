"""Devices other than this machine that the log shows being refused, and whatever else a check said."""

from upgrader.domain.check import Need, Verdict
from upgrader.domain.diagnosis import Cause, Impact, Likelihood
from upgrader.domain.scene import Scene
from upgrader.domain.sighting import Sighting

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
    rotate = f"`openclaw devices rotate --device {seen.device} --role operator`"
    remedy = rotate if known else "`openclaw devices list` shows who asks"
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
