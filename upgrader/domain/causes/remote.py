"""Peers on other machines, and gateways in containers: what can be judged from records, configuration and environment.

Sources: OpenClaw's compose file starts `gateway --bind ${OPENCLAW_GATEWAY_BIND:-lan}`, and `--bind` wins over gateway.bind;
`SECURITY ERROR: … plaintext ws:// …` of 2026.9.6 (read in `dist`).
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from upgrader.domain.diagnosis.cause import Cause, Impact, Likelihood, Nature, Rung
from upgrader.domain.diagnosis.layers import Layer
from upgrader.domain.diagnosis.scene import Scene
from upgrader.domain.installation.facts import InstallKind
from upgrader.domain.pairing.observation import PairedDevice, PendingRequest

_READ = "operator.read"


def read_only_peer(scene: Scene) -> tuple[Cause, ...]:
    """A remote device that holds `operator.read` alone: with its own token what goes beyond is refused and nothing is queued;
    with the shared token 2026.9.6 queues a request (both run over wss between two network namespaces)."""
    found = []
    for device in scene.observation.store.paired:
        if device.remote and _only_read(scene, device):
            waiting = [each for each in scene.observation.store.pending if each.device_id == device.device_id]
            found.append(_waiting_peer(scene, device, waiting[0]) if waiting else _silent_peer(scene, device))
    return tuple(found)


def _silent_peer(scene: Scene, device: PairedDevice) -> Cause:
    return _peer(
        scene,
        device,
        f"the remote device {device.short} was registered with {_READ} only: more is refused, and nothing is queued",
        ("`devices approve` finds no request, and `devices rotate` may answer `unknown deviceId/role`",),
        f"on this machine: `openclaw devices remove {device.device_id}`; on the other: `openclaw acp --url WSS_URL "
        "--token-file FILE`; here again: `openclaw devices list`, then `openclaw devices approve REQUEST`",
    )


def _waiting_peer(scene: Scene, device: PairedDevice, request: PendingRequest) -> Cause:
    return _peer(
        scene,
        device,
        f"the remote device {device.short} was registered with {_READ} only, and its request for more waits",
        (f"request {request.request_id[:8]} asks for {', '.join(request.scopes) or 'more'}",),
        f"on this machine: `openclaw devices approve {request.request_id}`; then on the other connect again, "
        "`openclaw acp --url WSS_URL --token-file FILE`",
    )


def _peer(scene: Scene, device: PairedDevice, title: str, evidence: tuple[str, ...], remedy: str) -> Cause:
    layer = Layer.IDENTITY_AND_SCOPES.value
    seen = (
        f"client {device.client_id or 'unknown'} {device.client_mode}, seen from another machine",
        f"the layer that refuses it: {layer}; a device token that is another is refused by {Layer.DEVICE_TOKEN.value}, "
        f"none or a wrong shared one by {Layer.SHARED_TOKEN.value}",
    )
    return Cause(
        "remote-read-only",
        title,
        Likelihood.CERTAIN,
        Impact.NOW,
        (*seen, *evidence),
        remedy,
        device=device.device_id[:12],
        place=scene.places.paired,
    )


def _only_read(scene: Scene, device: PairedDevice) -> bool:
    return "operator" in device.roles and scene.rules.allowed(device) == (_READ,)


def container(scene: Scene) -> tuple[Cause, ...]:
    """A gateway in a container: bind, what is approved by itself, and whether its state survives the container."""
    seen = scene.container
    of_an_image = seen.inside and scene.installation.package.kind is InstallKind.IMAGE  # not: somebody's development container
    if not (of_an_image or seen.gateway_inside or seen.bind_override):
        return ()
    return (
        *_bound(seen.bind_override, scene.policy.bind),
        *(_read_only_inside(scene, each) for each in scene.observation.store.paired if _only_read(scene, each)),
        *(_on_no_volume(scene) if seen.state_is_volatile and of_an_image else ()),
    )


def _bound(override: str, configured: str) -> Iterator[Cause]:
    """Where the gateway of a container listens: `override` is the container's word, which wins, `configured` the file's."""
    if override and configured and override != configured:
        yield _told(
            "bind-overridden",
            f"OPENCLAW_GATEWAY_BIND={override} overrides gateway.bind={configured}",
            "remove the variable from the container's environment, or set gateway.bind alike",
            Impact.NOW,
        )
    if (override or configured) == "lan":
        yield _told(
            "lan-plain-ws",
            "the gateway is bound to `lan`: clients elsewhere refuse plain ws:// to it",
            "use wss:// (a proxy or `tailscale serve`), or reach it through an SSH tunnel on loopback",
            Impact.LATER,
        )


def _on_no_volume(scene: Scene) -> tuple[Cause, ...]:
    return (
        _told(
            "state-not-on-a-volume",
            "the state directory lies on no volume: every new container is a new, unpaired device",
            f"mount a volume on {scene.installation.state.path}",
            Impact.LATER,
        ),
    )


def _read_only_inside(scene: Scene, device: PairedDevice) -> Cause:
    """Paired by itself across the container's network: approved, and with reading alone."""
    mine = scene.observation.store.is_own(device.device_id)
    return Cause(
        "paired-read-only",
        f"{device.short} was paired by itself with {_READ} only: whatever writes is refused",
        Likelihood.CERTAIN,
        Impact.NOW,
        (f"client {device.client_id or 'unknown'} {device.client_mode}",),
        f"inside the container: `openclaw devices remove {device.device_id}`, connect again, "
        "then `openclaw devices approve REQUEST`",
        device=device.device_id[:12],
        place=scene.places.paired,
        rungs=(Rung.PAIR_AGAIN, Rung.WIDEN) if mine else (),
    )


def plain_url(scene: Scene) -> tuple[Cause, ...]:
    """gateway.remote.url that goes over plain ws:// to another machine: clients refuse to connect at all."""
    url = scene.policy.remote_url
    host = url.removeprefix("ws://").partition("/")[0].rpartition(":")[0] or url.removeprefix("ws://")
    if not url.startswith("ws://") or host in ("127.0.0.1", "localhost", "[::1]"):
        return ()
    return (
        _told(
            "remote-plain-ws",
            "gateway.remote.url is plain ws:// to another machine: clients refuse it before any pairing is looked at",
            "`openclaw config set gateway.remote.url wss://HOST`, or an SSH tunnel and ws://127.0.0.1:PORT",
            Impact.NOW,
        ),
    )


def _told(code: str, title: str, remedy: str, impact: Impact) -> Cause:
    return Cause(code, title, Likelihood.LIKELY, impact, (), remedy, Nature.SERVICE)


def exposed_token(scene: Scene) -> tuple[Cause, ...]:
    """The gateway's token stands in clear where others read it: a log, a shell history."""
    if not scene.token_in:
        return ()
    return (
        Cause(
            "token-exposed",
            "the gateway's token stands in clear in places where it does not belong",
            Likelihood.CERTAIN,
            Impact.LATER,
            scene.token_in,
            "`upgrader repair --rotate-gateway-token` replaces it everywhere at once",
            Nature.SERVICE,
            place=scene.token_in[0],
        ),
    )


def growth(scene: Scene) -> tuple[Cause, ...]:
    """Many devices of one client kind, nearly all used once: an identity that is not kept."""
    by_client: dict[str, list[tuple[int, int]]] = {}
    for each in scene.dates:
        if each.created_ms is not None:
            by_client.setdefault(each.client, []).append((each.created_ms, each.seen_ms or each.created_ms))
    found = []
    for client, dates in sorted(by_client.items()):
        brief = [pair for pair in dates if pair[1] - pair[0] < _DAY_MS]
        if len(dates) < _MANY or len(brief) < len(dates) * _MOST:
            continue
        first, last = min(dates)[0], max(dates)[0]
        found.append(
            Cause(
                "identities-pile-up",
                f"{len(dates)} paired devices of client {client or 'unknown'}, nearly all used once: its identity is not kept",
                Likelihood.LIKELY,
                Impact.TOLD,
                (f"first paired {_day(first)}, last {_day(last)}", f"{len(brief)} of them were used for less than a day"),
                "keep that client's home (a volume for a container, a fixed HOME), then `openclaw devices clear --pending` and "
                "`openclaw devices remove DEVICE` for the dead ones",
                place=scene.places.paired,
            )
        )
    return (*found, *_requests_pile_up(scene))


def _requests_pile_up(scene: Scene) -> tuple[Cause, ...]:
    by_client: dict[str, set[str]] = {}
    for each in scene.observation.store.pending:
        by_client.setdefault(each.client_id, set()).add(each.device_id)
    return tuple(
        Cause(
            "requests-pile-up",
            f"{len(devices)} different devices of client {client or 'unknown'} wait: one client, a new identity at each start",
            Likelihood.LIKELY,
            Impact.TOLD,
            (f"devices {', '.join(sorted(device[:12] for device in devices)[:3])} and others",),
            "keep that client's home (a volume for a container, a fixed HOME), then `openclaw devices clear --pending --yes`",
            place=scene.places.pending,
        )
        for client, devices in sorted(by_client.items())
        if len(devices) >= _MANY
    )


_MANY, _MOST = 8, 0.75
_DAY_MS = 86_400_000


def _day(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d}"
