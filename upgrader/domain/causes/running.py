"""What a running gateway really goes by, against what its definition says and what commands here go by."""

from pathlib import Path

from upgrader.domain.diagnosis.cause import Cause, Impact, Likelihood, Nature
from upgrader.domain.diagnosis.scene import RunningSeen, Scene, ServiceSeen


def of_another_state(scene: Scene) -> tuple[Cause, ...]:
    """The gateway on this port is another user's or another profile's: what is paired there is not what lies here."""
    return tuple(_foreign(scene, each) for each in scene.running if each.foreign)


def _foreign(scene: Scene, gateway: RunningSeen) -> Cause:
    client = scene.client
    whose = f"user {gateway.user}'s" if gateway.user != client.user else f"profile {gateway.profile or 'default'}'s"
    return Cause(
        "gateway-of-another-state",
        f"the gateway on port {scene.installation.port} is {whose} and works on another state than commands here",
        Likelihood.CERTAIN,
        Impact.NOW,
        (
            f"gateway, pid {gateway.pid}: user {gateway.user}, state {gateway.state}, profile {gateway.profile or 'default'}",
            f"commands here: user {client.user}, state {client.state}, profile {client.profile or 'default'}",
            *((f"it runs in {gateway.unit}",) if gateway.unit else ()),
        ),
        _as_the_gateway(scene, gateway),
        Nature.SERVICE,
        place=gateway.state,
    )


def _as_the_gateway(scene: Scene, gateway: RunningSeen) -> str:
    other = "another gateway.port for this state, then `openclaw gateway start`"
    if gateway.user != scene.client.user:
        return f"ask that gateway as its user: `sudo -iu {gateway.user} openclaw devices list`; or set {other}"
    if gateway.profile != scene.client.profile:
        return f"`openclaw --profile {gateway.profile or 'default'} devices list` asks that gateway; or set {other}"
    return f"`OPENCLAW_STATE_DIR={gateway.state} openclaw devices list` asks that gateway; or set {other}"


def differs_from_its_unit(scene: Scene) -> tuple[Cause, ...]:
    """The definition was changed under a running gateway, or it was never started by it: a restart gives another one."""
    service = scene.service
    if service is None or service.is_wrapper:
        return ()
    found = []
    for gateway in scene.running:
        if gateway.foreign:
            continue
        sides = (
            ("Node", gateway.node, _binary(service)),
            ("package", gateway.package_root, service.package_root if service.version else None),
        )
        unlike = [f"{what}: it runs {ran}, its unit says {said}" for what, ran, said in sides if ran and said and ran != said]
        if unlike:
            found.append(_unlike(scene, gateway, unlike))
    return tuple(found)


def _binary(service: ServiceSeen) -> Path | None:
    """The Node a definition starts; None for a shim of a version manager, which may start any."""
    binary = service.binary if service.node_runs else None
    return binary if binary is not None and binary.name.startswith("node") else None


def _unlike(scene: Scene, gateway: RunningSeen, unlike: list[str]) -> Cause:
    place = str(scene.service.path) if scene.service else ""
    how = "since it was changed" if gateway.unit else "and was started by hand"
    return Cause(
        "gateway-not-as-defined",
        f"the running gateway (pid {gateway.pid}) is not what its unit starts: it was not restarted {how}",
        Likelihood.CERTAIN,
        Impact.LATER,
        tuple(unlike),
        "`systemctl --user daemon-reload`, then `openclaw gateway restart`",
        Nature.SERVICE,
        place=place,
    )
