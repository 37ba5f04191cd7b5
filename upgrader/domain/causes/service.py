"""What the service starts and knows, against what the configuration and the shell say."""

from upgrader.domain.diagnosis.cause import Cause, Impact, Likelihood, Nature
from upgrader.domain.diagnosis.scene import Scene, TokenPlace
from upgrader.domain.pairing.rules import TokenSource

_REINSTALL = "`openclaw gateway install --force`, then `openclaw gateway restart`"


def token_drift(scene: Scene) -> tuple[Cause, ...]:
    """A gateway token in unit, drop-in, environment file or running process that is not the configured one.

    The server takes the configured token first. Up to 3.12 the clients inside the service take the environment's first: agents'
    tools are then refused while the operator's shell works. Later ones go by the configuration as long as it names a token.
    """
    configured = scene.installation.auth.token.fingerprint
    if not configured.length:
        return ()
    places = (*(scene.service.tokens if scene.service else ()), *scene.process_tokens)
    impact = Impact.NOW if scene.rules.token_source is TokenSource.ENVIRONMENT else Impact.LATER
    return tuple(_drift(place, str(configured), impact) for place in places if place.token != configured)


def _drift(place: TokenPlace, configured: str, impact: Impact) -> Cause:
    remedy = {
        "drop-in": f"correct OPENCLAW_GATEWAY_TOKEN in {place.path}, `systemctl --user daemon-reload`, then restart",
        "environment file": f"correct or remove OPENCLAW_GATEWAY_TOKEN in {place.path}, then `openclaw gateway restart`",
        "gateway process": "`openclaw gateway restart`; where it comes back, look at what starts the gateway",
    }.get(place.kind, _REINSTALL)
    so = "what runs inside the service is refused" if impact is Impact.NOW else "node hosts and releases up to 3.12 go by it"
    return Cause(
        "service-token-differs",
        f"the {place.kind} holds another gateway token than gateway.auth.token: {so}",
        Likelihood.CERTAIN,
        impact,
        (f"{place.path}: {place.token}", f"gateway.auth.token: {configured}"),
        remedy,
        Nature.SERVICE,
        place=place.path,
    )


def shell_token(scene: Scene) -> tuple[Cause, ...]:
    """The shell's own OPENCLAW_GATEWAY_TOKEN: in most releases it wins over the configuration for every client started here."""
    configured, shell = scene.installation.auth.token.fingerprint, scene.client.token
    if shell is None or not configured.length or shell == configured:
        return ()
    ignored = scene.rules.token_source is TokenSource.CONFIGURATION
    so = f"commands of {scene.rules.version} go by the configuration" if ignored else "commands started here are refused"
    return (
        Cause(
            "shell-token-differs",
            f"this shell's OPENCLAW_GATEWAY_TOKEN is not the gateway's token: {so}",
            Likelihood.CERTAIN,
            Impact.TOLD if ignored else Impact.NOW,
            (f"shell: {shell}", f"gateway.auth.token: {configured}"),
            "`unset OPENCLAW_GATEWAY_TOKEN`, and remove it from the shell's start files",
            Nature.SERVICE,
            place="OPENCLAW_GATEWAY_TOKEN",
        ),
    )


def shared_token_refused(scene: Scene) -> tuple[Cause, ...]:
    """Clients presented another shared secret: the gateway's token, not a device's pairing."""
    seen = scene.seen("shared-token-mismatch")
    if not seen:
        return ()
    first = seen[0]
    return (
        Cause(
            "shared-token-refused",
            "a client presents another shared gateway token: this is not device pairing",
            Likelihood.LIKELY,
            Impact.NOW,
            tuple(f"{s.count} times, client {s.client or 'unknown'}, last {s.last:%H:%M:%S} UTC" for s in seen[:3]),
            "give that client the present token: `openclaw config get gateway.auth.token` on the gateway's machine",
            Nature.LOOKALIKE,
            place=first.client,
        ),
    )


def starts_another(scene: Scene) -> tuple[Cause, ...]:
    """The unit starts an older install, one that is gone, or another Node."""
    service, client = scene.service, scene.client
    if service is None or service.is_wrapper:
        return ()
    found = []
    if service.package_root is not None and service.version is None:
        found.append(_unit(scene, "service-install-gone", f"the service starts {service.package_root}, which is not there"))
    elif service.package_root is not None and client.package_root not in (None, service.package_root):
        why = f"the service starts {service.version} in {service.package_root}, commands typed here run {client.version}"
        found.append(_unit(scene, "service-starts-another", why))
    if service.node is not None and not service.node_runs:
        found.append(_unit(scene, "service-node-gone", f"the service starts by {service.node}, which is not there"))
    return tuple(found)


def _unit(scene: Scene, code: str, title: str) -> Cause:
    service = scene.service
    place = service.command_from or service.path if service else ""
    evidence = (f"{place}", f"commands here: {scene.client.package_root}") if service else ()
    remedy = _REINSTALL
    if service is not None and place != service.path:  # a drop-in wins over whatever is written into the unit
        remedy = f"correct or remove ExecStart in {place}, `systemctl --user daemon-reload`, then `openclaw gateway restart`"
    return Cause(code, title, Likelihood.CERTAIN, Impact.NOW, evidence, remedy, Nature.SERVICE, place=str(place))


def reads_another_state(scene: Scene) -> tuple[Cause, ...]:
    """Service and shell work on different state directories, or different ports."""
    service = scene.service
    if service is None:
        return ()
    found = []
    if str(service.state) != scene.client.state and not _same(scene):
        why = "the service works on another state directory than this shell's commands"
        found.append(_unit(scene, "service-other-state", f"{why}: {service.state} against {scene.client.state}"))
    if service.port is not None and service.port != scene.installation.port:
        why = f"the service listens on {service.port}, this shell's commands ask {scene.installation.port}"
        found.append(_unit(scene, "service-other-port", why))
    return tuple(found)


def _same(scene: Scene) -> bool:
    return scene.service is not None and scene.service.state == scene.installation.state.path
