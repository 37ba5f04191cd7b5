"""What crosses releases: originals that were migrated, identities made anew, schemas of a newer release, unreadable data."""

from dataclasses import replace

from upgrader.domain.diagnosis.cause import Cause, Impact, Likelihood, Nature, Rung
from upgrader.domain.diagnosis.scene import Scene
from upgrader.domain.installation.facts import PairingEra

_BACK = "`upgrader rollback` restores the state that belongs to this release"
_DOCTOR = "stop the gateway and run `openclaw doctor --fix --non-interactive`"


def unreadable(scene: Scene) -> tuple[Cause, ...]:
    """Pairing data that cannot be read: truncated, empty, foreign, too large, locked or corrupt. It is never changed."""
    return tuple(
        Cause(
            "data-unreadable",
            f"pairing data cannot be read: {problem}",
            Likelihood.CERTAIN,
            Impact.NOW,
            (),
            "`upgrader status` lists the snapshots; `upgrader rollback` brings one back. Nothing was changed",
            Nature.DATA,
            place=problem.split(":")[0][:120],
        )
        for problem in scene.observation.store.problems
    )


def newer_schema(scene: Scene) -> tuple[Cause, ...]:
    """A database of a later release than the installed one, or than this tool knows; what can be read is judged."""
    schema, supported = scene.installation.state.state_schema, scene.installation.package.state_schema
    if schema is None:
        return ()
    if supported is not None and schema > supported:
        why = f"the state database has schema {schema}, the installed {scene.installation.package.version} supports {supported}"
        return (_data("schema-too-new", why, _BACK, Impact.NOW),)
    if scene.rules.era is PairingEra.FILES and schema > 1:
        why = f"the state was migrated to tables (schema {schema}), and {scene.rules.version} reads files"
        return (_data("schema-too-new", why, _BACK, Impact.NOW),)
    if scene.known_schema and schema > scene.known_schema:
        why = f"the state database has schema {schema}, newer than I know ({scene.known_schema}): what could be read was judged"
        return (_data("schema-unknown", why, "look for a newer upgrader: `pipx upgrade openclaw-upgrader`", Impact.TOLD),)
    return ()


def _data(code: str, title: str, remedy: str, impact: Impact) -> Cause:
    return Cause(code, title, Likelihood.CERTAIN, impact, (), remedy, Nature.DATA)


def agents_of_another_moment(scene: Scene) -> tuple[Cause, ...]:
    """An agent's database of another moment than the rest: of a later release, or never migrated. Reads like lost messages."""
    supported, version = scene.installation.package.agent_schema, scene.rules.version
    if supported is None:
        return ()
    found = []
    for path, schema in scene.installation.state.agent_schemas:
        if schema > supported:
            why = f"{path} has schema {schema}, {version} supports {supported}: it is of a later release"
            found.append(_data("agent-schema-too-new", why, _BACK, Impact.NOW))
        elif 0 < schema < supported and not scene.installation.is_running:
            why = f"{path} has schema {schema}, {version} wants {supported}: it was restored apart, or never migrated"
            found.append(_data("agent-schema-older", why, _DOCTOR, Impact.NOW))
    return tuple(replace(each, place=each.title.split(" ")[0]) for each in found)


def not_imported(scene: Scene) -> tuple[Cause, ...]:
    """Files of the older era beside tables that know nothing of them; the log may say so too."""
    leftovers, seen = scene.observation.store.leftovers, scene.seen("identity-not-imported")
    if not leftovers and not seen:
        return ()
    evidence = (*(f"{name} lies there" for name in leftovers), *(s.sample for s in seen[:1]))
    return (
        Cause(
            "not-imported",
            "files of an older release were not imported: `Legacy device identity exists` and its kin",
            Likelihood.CERTAIN,
            Impact.NOW,
            evidence,
            _DOCTOR,
            Nature.DATA,
            place=leftovers[0] if leftovers else scene.places.identity,
        ),
    )


def only_migrated(scene: Scene) -> tuple[Cause, ...]:
    """`.migrated` originals and no live record: the code went back to an older release, the state did not."""
    originals = [f for f in scene.files if f.path.endswith(".migrated")]
    if not originals or scene.rules.era is not PairingEra.FILES or scene.observation.store.paired:
        return ()
    return (
        Cause(
            "only-migrated-originals",
            "the pairings were migrated by a newer release, and this older one finds none: only the package went back",
            Likelihood.CERTAIN,
            Impact.NOW,
            tuple(f"{each.path}, {each.size} bytes" for each in originals),
            _BACK,
            Nature.DATA,
            place=originals[0].path,
        ),
    )


def identity_made_anew(scene: Scene) -> tuple[Cause, ...]:
    """The gateway knows clients of this machine under another id, and none under the present one."""
    store = scene.observation.store
    if store.own is None or store.own_device is not None or store.own.tokens:
        return ()
    alike = [d for d in store.paired if d.client_id == "cli" and not d.remote]
    if not alike:
        return ()
    return (
        Cause(
            "identity-made-anew",
            "this machine's identity was made anew: the gateway knows its command line under another id",
            Likelihood.LIKELY,
            Impact.NOW,
            (f"identity now {store.own.device_id[:12]}", *(f"paired before: {d.short}" for d in alike[:3])),
            "`upgrader rollback` brings the old identity back; else `upgrader repair`, then "
            f"`openclaw devices remove {alike[0].device_id}`",
            device=store.own.device_id[:12],
            place=scene.places.identity,
            rungs=(Rung.PAIR_AGAIN,) if len(alike) == 1 and scene.rules.era is PairingEra.FILES else (),
        ),
    )


def identity_missing(scene: Scene) -> tuple[Cause, ...]:
    """Devices are paired and this machine has no identity: its next client makes a new one."""
    store = scene.observation.store
    if store.own is not None or not any(d.client_id == "cli" for d in store.paired) or store.problems:
        return ()
    return (
        Cause(
            "identity-missing",
            "this machine has no identity, and the gateway has paired its command line before",
            Likelihood.LIKELY,
            Impact.NOW,
            (f"{scene.places.identity}: nothing",),
            "`upgrader rollback` brings it back; else the next `openclaw` command makes a new one, which must be approved",
            place=scene.places.identity,
        ),
    )


def platform_changed(scene: Scene) -> tuple[Cause, ...]:
    """The gateway pins platform and family: a client that names another must be approved anew."""
    return tuple(
        Cause(
            "metadata-upgrade",
            f"device {seen.short} names another platform than the one it was paired with: it must be approved again",
            Likelihood.CERTAIN,
            Impact.NOW,
            (seen.sample, f"{seen.count} times, last {seen.last:%H:%M:%S} UTC"),
            "`openclaw devices list`, then `openclaw devices approve REQUEST` if you know that machine",
            device=seen.device[:12],
            place="the gateway's log",
        )
        for seen in scene.seen("metadata-upgrade-requested")
        if not scene.is_past(seen)
    )
