"""The two truths of a diagnosis: what a client here goes by, and what the gateway goes by."""

from upgrader.domain.diagnosis.cause import Truth
from upgrader.domain.diagnosis.scene import RunningSeen, Scene
from upgrader.domain.pairing.observation import OwnIdentity, PairedDevice


def truths(scene: Scene) -> tuple[Truth, ...]:
    """Client and gateway side by side: which state, token, port and release each goes by."""
    found, client, store = scene.installation, scene.client, scene.observation.store
    services = (scene.service,) if scene.service else ()
    gateway = next(iter(scene.running), None) or _as_defined(scene)
    release = _known(*(each.version for each in found.gateways[:1]), *(each.version for each in services))
    auth = found.auth.token.fingerprint
    return (
        Truth("user", client.user, gateway.user),
        Truth("state directory", client.state, gateway.state),
        Truth("configuration", client.config, gateway.config),
        Truth("profile", client.profile or "default", gateway.profile or "default"),
        Truth("release", str(found.package.version), release),
        Truth("Node", _known(client.node), _known(gateway.node, *(each.node for each in services))),
        Truth("shared token", _known(client.token, auth), str(auth)),
        Truth("operator token", _operator_token(store.own), _operator_token(store.own_device)),
        Truth("port", str(found.port), _known(*(each.port for each in services))),
    )


def _as_defined(scene: Scene) -> RunningSeen:
    """What a gateway would go by that is started as the service or, without one, the installation says."""
    found = scene.installation
    state = scene.service.state if scene.service else found.state.path
    return RunningSeen(0, "", str(state), str(found.state.config), found.profile, None, None)


def _operator_token(holder: OwnIdentity | PairedDevice | None) -> str:
    token = holder.token("operator") if holder else None
    return str(token.token) if token else ""


def _known(*values: object) -> str:
    """The first of them that is known."""
    return next((str(value) for value in values if value), "")
