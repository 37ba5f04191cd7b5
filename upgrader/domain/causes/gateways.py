"""Who serves: no gateway, two of them, a stranger on the port, records of owners that are gone, units that look like one."""

from upgrader.domain.diagnosis.cause import Cause, Impact, Likelihood, Nature
from upgrader.domain.diagnosis.scene import Neighbour, Scene


def repair_not_ended(scene: Scene) -> tuple[Cause, ...]:
    """A `repair` that was killed may have left the gateway stopped and this machine without its record."""
    if not scene.open_repair:
        return ()
    title = "an `upgrader repair` has not ended: unless it is at work now, it was killed in the middle"
    remedy = "`upgrader repair` ends it first: the gateway starts, and what was half done is put back"
    certain = Likelihood.CERTAIN
    return (Cause("repair-not-ended", title, certain, Impact.NOW, (), remedy, Nature.SERVICE, place=scene.open_repair),)


def move_not_ended(scene: Scene) -> tuple[Cause, ...]:
    """A move that died may have left the gateway stopped and package or state half moved: nothing is to be started on that."""
    if not scene.open_move:
        return ()
    title = "a move has not ended: unless one is at work now, it was killed in the middle"
    remedy = "`upgrader status` ends it first: it is finished where it was done, else all is put back"
    certain = Likelihood.CERTAIN
    return (Cause("move-not-ended", title, certain, Impact.NOW, (), remedy, Nature.SERVICE, place=scene.open_move),)


def several(scene: Scene) -> tuple[Cause, ...]:
    """Two gateways on one state: each writes over what the other wrote, and replies come twice."""
    gateways = scene.installation.gateways
    if len(gateways) < 2:
        return ()
    evidence = tuple(
        f"pid {g.identity.pid}, port {'/'.join(map(str, g.ports)) or 'none'}, {g.unit or 'a plain process'}, "
        f"package {g.package_root or 'unknown'}"
        for g in gateways
    )
    trees = {g.package_root for g in gateways}
    title = f"{len(gateways)} gateways work on one state directory" + (" from different installs" if len(trees) > 1 else "")
    extra = [g for g in gateways if not g.unit] or list(gateways[1:])
    return (
        Cause(
            "several-gateways",
            f"{title}: they overwrite each other's pairings, and messages are answered twice",
            Likelihood.CERTAIN,
            Impact.NOW,
            evidence,
            f"end all but one: `kill {extra[-1].identity.pid}`, then `upgrader diagnose` again",
            Nature.SERVICE,
            place=str(scene.installation.state.path),
        ),
    )


def other_tree(scene: Scene) -> tuple[Cause, ...]:
    """The gateway that runs was started from another install than the one commands are started from."""
    commands = scene.client.package_root
    return tuple(
        Cause(
            "gateway-of-another-install",
            "the running gateway was not started from the install that commands use",
            Likelihood.CERTAIN,
            Impact.LATER,
            (f"pid {g.identity.pid} runs {g.package_root}", f"commands run {commands}"),
            "`openclaw gateway install --force` from the install you mean, then `openclaw gateway restart`",
            Nature.SERVICE,
            place=str(g.package_root),
        )
        for g in scene.installation.gateways
        if g.package_root is not None and commands is not None and g.package_root != commands
    )


def runs_old_code(scene: Scene) -> tuple[Cause, ...]:
    """The package was replaced under a running gateway: it says so itself, or its files tell."""
    version, said = scene.installation.package.version, scene.failed("live.version")
    old = [g.version for g in scene.installation.gateways if g.version is not None and g.version != version]
    if said is None and not old:
        return ()
    why = said.why if said else f"the gateway still runs {old[0]}, on disk is {version}"
    pids = tuple(f"pid {g.identity.pid}" for g in scene.installation.gateways)
    return (_service("gateway-not-restarted", why, "`openclaw gateway restart`", pids, Impact.NOW),)


def nobody_serves(scene: Scene) -> tuple[Cause, ...]:
    """No gateway, or one that is not ready: every client fails whatever its pairing."""
    seen = scene.observation
    if seen.ready and scene.installation.gateways:
        return ()
    strangers = [each for each in scene.listeners if each.name]
    if any(each.foreign for each in scene.running):
        return ()  # told by its own rule
    if not scene.installation.gateways and strangers:
        who = strangers[0]
        title = f"port {who.port} is taken by {who.name}, which is no gateway on this state"
        remedy = f"`ss -ltnp 'sport = :{who.port}'` shows it; end it or set another gateway.port"
        return (_service("port-taken", title, remedy, (f"{who.address}:{who.port}",), Impact.NOW),)
    if not scene.installation.gateways:
        remedy, evidence = _way_to_start(scene)
        return (_service("no-gateway", "no gateway runs on this state", remedy, evidence, Impact.TOLD),)
    return (
        _service("gateway-not-ready", "the gateway runs and is not ready", "`openclaw logs`", (seen.ready_detail,), Impact.NOW),
    )


def _way_to_start(scene: Scene) -> tuple[str, tuple[str, ...]]:
    """The command that starts it, and why another comes first where the service manager cannot be reached."""
    manager = scene.manager
    if manager is None or not manager.silent:
        return "`openclaw gateway start`", ()
    linger = f"`loginctl enable-linger {manager.user}` gives this user a service manager that stays"
    return f"{linger}; then `openclaw gateway start`", (f"the service manager does not answer: {manager.silent}",)


def _service(code: str, title: str, remedy: str, evidence: tuple[str, ...], impact: Impact) -> Cause:
    return Cause(code, title, Likelihood.CERTAIN, impact, evidence, remedy, Nature.SERVICE)


def stale_owner(scene: Scene) -> tuple[Cause, ...]:
    """A record of ownership that names a process which is gone. OpenClaw takes such a lock over; told while nobody serves."""
    stale = [lock for lock in scene.locks if not lock.alive]
    if not stale or scene.installation.gateways:
        return ()
    return tuple(
        _service(
            "stale-lock",
            f"{lock.place} names process {lock.pid}, which is gone: its gateway was killed",
            "`openclaw gateway start`: OpenClaw takes over such a lock by itself",
            (lock.place,),
            Impact.TOLD,
        )
        for lock in stale
    )


def owned_by_another(scene: Scene) -> tuple[Cause, ...]:
    """A start was refused because somebody else owns the state, as the log tells it."""
    seen = scene.seen("state-owned-by-another")
    if not seen:
        return ()
    return (
        _service(
            "start-refused",
            "a second gateway tried to start on this state and was refused",
            "`upgrader status` shows what runs; end what starts the second one",
            (f"{seen[0].count} times, last {seen[0].last:%H:%M:%S} UTC",),
            Impact.NOW if len(scene.installation.gateways) != 1 else Impact.TOLD,
        ),
    )


def gateway_like(scene: Scene) -> tuple[Cause, ...]:
    """Units of this user that start another gateway, told apart from those that merely mention OpenClaw."""
    return tuple(_neighbour(scene, each) for each in scene.neighbours)


def _neighbour(scene: Scene, unit: Neighbour) -> Cause:
    if unit.is_gateway and unit.state == scene.installation.state.path:
        return _service(
            "second-service",
            f"{unit.name} starts a second gateway on the same state",
            f"`systemctl --user disable --now {unit.name}`, then `rm {unit.path}` and `systemctl --user daemon-reload`",
            (str(unit.path), f"state {unit.state}"),
            Impact.NOW,
        )
    if unit.is_gateway:
        why = f"{unit.name} starts a gateway of its own on another state: harmless"
        return _service("other-gateway", why, "nothing to do", (str(unit.path), f"state {unit.state}"), Impact.TOLD)
    own = scene.service.name if scene.service else "openclaw-gateway.service"
    hint = f"systemctl --user disable --now {own}"
    return _service(
        "cleanup-hint",
        f"{unit.name} only mentions {unit.mentions}: it is no gateway. Do not follow OpenClaw's cleanup hint about it",
        f"do NOT run `{hint}` or `rm ~/.config/systemd/user/{own}`: they remove the gateway itself",
        (str(unit.path), f"`openclaw gateway status` of 2.x lists it among `Other gateway-like services`, hint: `{hint}`"),
        Impact.TOLD,
    )
