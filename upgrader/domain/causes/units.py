"""What the service manager makes of the gateway's unit: masked, failed, held back, read too early, ended at logout."""

from upgrader.domain.diagnosis.cause import Cause, Impact, Likelihood, Nature
from upgrader.domain.diagnosis.scene import ManagerSeen, Scene

_CONFIG_ERROR = 78  # OpenClaw's: configuration or state it refuses; its unit does not restart it then
_LAST_WORDS = "`journalctl --user -u {name} -n 50` shows why it ended"


def masked(scene: Scene) -> tuple[Cause, ...]:
    """A unit that leads to nothing: no start does anything."""
    seen = _seen(scene)
    if seen is None or seen.load != "masked":
        return ()
    remedy = f"`systemctl --user unmask {seen.unit}`, then `openclaw gateway install --force` writes it anew"
    return (_cause(scene, "unit-masked", f"{seen.unit} is masked: nothing can start it", remedy, Impact.NOW),)


def replaced_by_drop_in(scene: Scene) -> tuple[Cause, ...]:
    """A drop-in of the user's with its own ExecStart: what a release writes into the unit has no effect."""
    service = scene.service
    if service is None or service.command_from in (None, service.path):
        return ()
    title = f"the drop-in {service.command_from} replaces what {service.name} starts: what OpenClaw writes has no effect"
    remedy = f"remove ExecStart from {service.command_from}, `systemctl --user daemon-reload`, then `openclaw gateway restart`"
    place = str(service.command_from)
    certain = Likelihood.CERTAIN
    return (Cause("drop-in-starts", title, certain, Impact.LATER, (place,), remedy, Nature.SERVICE, place=place),)


def held_back(scene: Scene) -> tuple[Cause, ...]:
    """It ended too often: systemd starts it no more, whatever was mended since."""
    seen = _seen(scene)
    if seen is None or not _is_held_back(seen):
        return ()
    title = f"{seen.unit} ended so often that systemd starts it no more"
    words = _LAST_WORDS.format(name=seen.unit)
    remedy = f"{words}; then `systemctl --user reset-failed {seen.unit}` and `systemctl --user start {seen.unit}`"
    return (_cause(scene, "unit-start-limit", title, remedy, Impact.NOW),)


def failed(scene: Scene) -> tuple[Cause, ...]:
    """It ended and is not started again, or is started again and again."""
    seen = _seen(scene)
    if seen is None or _is_held_back(seen):
        return ()
    words = _LAST_WORDS.format(name=seen.unit)
    if seen.sub == "auto-restart":
        title = f"{seen.unit} ends again and again (exit code {seen.exit_status}, started anew {seen.restarts} times)"
        return (_cause(scene, "unit-restarting", title, words, Impact.NOW),)
    if seen.active != "failed":
        return ()
    if seen.exit_status == _CONFIG_ERROR:
        title = f"{seen.unit} refused its configuration or its state (exit code 78)"
        remedy = f"{words}; mend it, then `systemctl --user restart {seen.unit}`"
    else:
        title = f"{seen.unit} has failed ({seen.result}, exit code {seen.exit_status})"
        remedy = f"{words}; `systemctl --user restart {seen.unit}` starts it again"
    return (_cause(scene, "unit-failed", title, remedy, Impact.NOW),)


def not_read_again(scene: Scene) -> tuple[Cause, ...]:
    """The files were changed and systemd goes by what it read before."""
    seen = _seen(scene)
    if seen is None or not seen.needs_reload:
        return ()
    title = f"{seen.unit} was changed on disk since systemd read it: what runs goes by the old one"
    remedy = "`systemctl --user daemon-reload`, then `openclaw gateway restart`"
    return (_cause(scene, "unit-not-reloaded", title, remedy, Impact.LATER),)


def not_at_boot(scene: Scene) -> tuple[Cause, ...]:
    """A disabled unit stays down after the next start of the machine; one whose user does not linger ends at logout."""
    seen = _seen(scene)
    if seen is None or seen.load != "loaded":
        return ()
    found = []
    if seen.file_state == "disabled":
        title = f"{seen.unit} is disabled: it does not come back after a restart of the machine"
        remedy = f"`systemctl --user enable {seen.unit}`"
        found.append(_cause(scene, "unit-disabled", title, remedy, Impact.LATER))
    if seen.lingers is False:
        title = f"{seen.user} does not linger: the gateway ends at logout and does not come back at boot"
        found.append(_cause(scene, "not-lingering", title, f"`loginctl enable-linger {seen.user}`", Impact.LATER))
    return tuple(found)


def _is_held_back(seen: ManagerSeen) -> bool:
    """The limit of starts was reached. The result may stay that of the last try: a unit that was started anew by itself, and is
    not any more, has reached it, but for one that refuses with 78."""
    tried = seen.restarts > 0 and seen.exit_status != _CONFIG_ERROR
    return seen.active == "failed" and (seen.result == "start-limit-hit" or tried)


def _seen(scene: Scene) -> ManagerSeen | None:
    """What the manager said; None where it was not asked or did not answer."""
    return scene.manager if scene.manager is not None and not scene.manager.silent else None


def _cause(scene: Scene, code: str, title: str, remedy: str, impact: Impact) -> Cause:
    seen = scene.manager
    place = str(scene.service.path) if scene.service else ""
    said = f"systemd says {seen.load}, {seen.active} ({seen.sub}), result {seen.result}, {seen.file_state}" if seen else ""
    return Cause(code, title, Likelihood.CERTAIN, impact, (said,), remedy, Nature.SERVICE, place=place)
