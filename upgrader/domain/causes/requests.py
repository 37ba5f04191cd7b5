"""Waiting requests, the ones that come back, and the loop that writes a line a second."""

from upgrader.domain.causes.cache import MEND
from upgrader.domain.diagnosis.cause import Cause, Impact, Likelihood, Rung
from upgrader.domain.diagnosis.scene import Scene
from upgrader.domain.pairing.observation import PendingRequest
from upgrader.domain.pairing.sighting import Sighting

_LOOP_PER_MINUTE = 20  # a person or a cron job asks a few times a minute; the loop asks once a second
_BACK_AGAIN = 2


def own_request(scene: Scene) -> tuple[Cause, ...]:
    """A request of this machine waits: one of its clients was refused."""
    store = scene.observation.store
    mine = [r for r in store.pending if store.is_own(r.device_id)]
    return tuple(_own(scene, request) for request in mine)


def _own(scene: Scene, request: PendingRequest) -> Cause:
    kind = "a repair or scope upgrade" if request.is_repair else "its first pairing"
    return Cause(
        "own-request-waits",
        f"this machine waits for approval of {kind}: one of its clients was refused",
        Likelihood.CERTAIN,
        Impact.NOW,
        (
            f"request {request.request_id[:8]} of client {request.client_id or 'unknown'}",
            f"asks for {', '.join(request.scopes)}",
        ),
        f"`openclaw devices approve {request.request_id}`",
        device=request.device_id[:12],
        place=scene.places.pending,
        rungs=(Rung.APPROVE,),
    )


def others_wait(scene: Scene) -> tuple[Cause, ...]:
    """Requests of other devices: a person decides whether they are known."""
    store = scene.observation.store
    return tuple(
        Cause(
            "request-waits",
            f"a request of device {request.device_id[:12]} waits",
            Likelihood.CERTAIN,
            Impact.NOW if request.is_repair else Impact.TOLD,
            (f"client {request.client_id or 'unknown'} asks for {', '.join(request.scopes) or 'its pairing'}",),
            f"if you know that device: `openclaw devices approve {request.request_id}`, "
            f"else `openclaw devices reject {request.request_id}`",
            device=request.device_id[:12],
            place=scene.places.pending,
        )
        for request in store.pending
        if not store.is_own(request.device_id)
    )


def loop(scene: Scene) -> tuple[Cause, ...]:
    """The same device asks for more scopes again and again, many times a minute."""
    asked = [s for s in scene.seen("access-upgrade-requested") if s.peak_per_minute >= _LOOP_PER_MINUTE]
    return tuple(_loop(scene, each) for each in asked if not scene.is_past(each))


def _loop(scene: Scene, seen: Sighting) -> Cause:
    mine = scene.observation.store.is_own(seen.device)
    return Cause(
        "scope-upgrade-loop",
        f"scope-upgrade loop: device {seen.short} asks again up to {seen.peak_per_minute} times a minute",
        Likelihood.CERTAIN,
        Impact.NOW,
        (
            f"client {seen.client or 'unknown'}, {seen.count} times from {seen.first:%H:%M:%S} to {seen.last:%H:%M:%S} UTC",
            f"has {', '.join(seen.scopes_from) or 'nothing'}",
            f"asks for {', '.join(seen.scopes_to) or 'nothing'}",
        ),
        MEND
        if mine
        else f"end that client, then `openclaw devices rotate --device {seen.device} --role operator "
        f"{' '.join(f'--scope {scope}' for scope in dict.fromkeys((*seen.scopes_from, *seen.scopes_to)))}`",
        device=seen.device[:12],
        place="the gateway's log",
        rungs=(Rung.APPROVE, Rung.ROTATE, Rung.PAIR_AGAIN, Rung.WIDEN) if mine else (),
    )


def comes_back(scene: Scene) -> tuple[Cause, ...]:
    """A device was approved and asked again: approving writes a new token that the client's cache did not take over."""
    approved = {s.device: s for s in scene.seen("approved") if s.device}
    found = []
    for seen in scene.seen("access-upgrade-requested"):
        first = approved.get(seen.device)
        if first is None or seen.last <= first.first or seen.count < _BACK_AGAIN or scene.is_past(seen):
            continue
        if seen.peak_per_minute >= _LOOP_PER_MINUTE:
            continue
        found.append(
            Cause(
                "request-comes-back",
                f"device {seen.short} was approved and asks again",
                Likelihood.LIKELY,
                Impact.NOW,
                (
                    f"approved {first.count} times, last {first.last:%H:%M:%S} UTC",
                    f"asked {seen.count} times, last {seen.last:%H:%M:%S} UTC",
                    "each approval makes a new token; a cache that keeps the old one asks again",
                ),
                f"{MEND} synchronises the cache after approving",
                device=seen.device[:12],
                place="the gateway's log",
            )
        )
    return tuple(found)


def listing_refused(scene: Scene) -> tuple[Cause, ...]:
    """The command line itself is refused, so `openclaw devices list` cannot help: the files were read instead."""
    lines = [s for s in scene.observation.calls if s.exit_code not in (None, 0) and "pairing required" in s.summary.lower()]
    cli = scene.failed("pairing.scopes.cli")
    if not lines and cli is None:
        return ()
    evidence = tuple(f"`{each.command}` ended with {each.exit_code}: {each.summary[:120]}" for each in lines)
    return (
        Cause(
            "devices-list-refused",
            "`openclaw devices list` is refused itself; this diagnosis read the store instead",
            Likelihood.CERTAIN if lines else Likelihood.LIKELY,
            Impact.NOW,
            evidence + ((cli.why,) if cli else ()),
            MEND,
            place=scene.places.paired,
            rungs=(Rung.WIDEN,),
        ),
    )
