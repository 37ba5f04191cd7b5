"""The rules of the policy: each looks at one move and says what forbids it or what one should know. Pure."""

from collections.abc import Callable, Iterator

from upgrader.domain.installation.facts import InstallKind
from upgrader.domain.plan.decision import Block, NodeChoice, NodeSource, PlanWarning, Rule
from upgrader.domain.plan.facts import Candidate, PlanFacts, RegistryState
from upgrader.domain.plan.guards import path_node, pinned, plugins, signed, unproven, young
from upgrader.domain.plan.move_facts import Finding, MoveFacts
from upgrader.domain.table.concern import Concern, satisfies
from upgrader.domain.table.evidence import Aspect, Evidence, StartFault, Verdict
from upgrader.domain.units import size

_SWITCHABLE = frozenset({InstallKind.NPM_GLOBAL, InstallKind.SLOT})
# Obstacles that the discovery found and that are rules of their own; any other cannot be overridden.
_OBSTACLES = {"several_gateways": Rule.GATEWAYS, "hidden_openclaw": Rule.HIDDEN}
_KIND_OBSTACLE = "install_kind_"


def _table(move: MoveFacts) -> Iterator[Finding]:
    """Verdict of release, conditions and edge."""
    bad = tuple(one for one in move.judged.evidence if one.felt is Verdict.BAD)
    own = tuple(one for one in bad if one.aspect is not Aspect.EDGE)
    edge = tuple(one for one in bad if one.aspect is Aspect.EDGE)
    if own:
        why = f"{move.target} is known bad: {_say(own[0])}"
        yield Block(Rule.KNOWN_BAD, why, _change(move, Rule.KNOWN_BAD), evidence=own)
    if edge:
        why = f"{move.target} is known bad when coming from {move.present}: {_say(edge[0])}"
        yield Block(Rule.BAD_EDGE, why, _change(move, Rule.BAD_EDGE), evidence=edge)
    careful = tuple(one for one in move.judged.evidence if one.felt is Verdict.CAUTION)
    if careful:
        yield PlanWarning(Rule.CAUTION, f"{move.target} is to be taken with care: {_say(careful[0])}", evidence=careful)


def _start(move: MoveFacts) -> Iterator[Finding]:
    """The present release as a place to leave from, and a stop the way needs."""
    start, stop = move.judged.start, move.judged.stop
    if start and start.verdict is Verdict.BAD and not move.is_older:
        evidence = (Evidence(Aspect.START, str(move.present), start.verdict, start.sentence, start.sources),)
        if start.fault is StartFault.STATE:
            yield Block(
                Rule.BAD_START,
                f"{move.present} is a bad release to leave from: {start.sentence}",
                f"the state is mended first, or `--accept {Rule.BAD_START.value}`",
                evidence=evidence,
            )
        else:
            why = f"the updater built into {move.present} is known to fail; this tool does not use it ({start.sentence})"
            yield PlanWarning(Rule.BAD_START, why, evidence=evidence)
    if stop and stop.via not in (move.target, move.present):
        evidence = (Evidence(Aspect.EDGE, f"{move.present} → {move.target}", Verdict.BAD, stop.sentence, stop.sources),)
        yield Block(
            Rule.STOP_FIRST,
            f"the way from {move.present} to {move.target} leads through {stop.via}: {stop.sentence}",
            f"once {stop.via} runs, or with `--accept {Rule.STOP_FIRST.value}`",
            f"`upgrader upgrade {stop.via}`",
            evidence,
        )


def _engines(move: MoveFacts) -> Iterator[Finding]:
    """The Node that would run it."""
    node = move.node
    if node is None:
        return
    has = move.facts.installation.node.version
    if not node.engines:
        yield PlanWarning(Rule.ENGINES_UNKNOWN, f"the registry does not say which Node {move.target} wants; yours is {has}")
    elif node.source is NodeSource.PRIVATE:
        why = f"{move.target} wants Node {node.engines}, yours is {has}: it gets Node {node.version} of its own, yours stays"
        yield PlanWarning(Rule.PRIVATE_NODE, why, "no private Node is needed once yours is in that range")
    elif node.source is NodeSource.NONE:
        yield Block(
            Rule.ENGINES,
            f"{move.target} wants Node {node.engines}, yours is {has}, and no other could be had",
            f"a Node in that range; 24.16 or later below 25 runs every release; or `--accept {Rule.ENGINES.value}`",
        )


def _schema(move: MoveFacts) -> Iterator[Finding]:
    """Whether the target can open the databases of this state, and whether the present release can afterwards."""
    if move.candidate is None:
        return
    state = move.facts.installation.state
    agents = max((version for _, version in state.agent_schemas), default=None)
    reach = move.candidate.reach
    pairs = (("state", state.state_schema, reach.state), ("agent", agents, reach.agent))
    findings = [one for one in (_one_schema(move, *pair) for pair in pairs) if one is not None]
    # One database that cannot be opened decides; what is said of the other adds nothing.
    yield from sorted(findings, key=lambda one: not isinstance(one, Block))[:1]


def _one_schema(move: MoveFacts, what: str, found: int | None, known: int | None) -> Finding | None:
    target, present = move.target, move.present
    if known is not None and known > 1 and known > (found or 0) and not move.is_older:
        why = f"{target} {_takes(what, found, known)}; {present} cannot open it after that"
        return PlanWarning(Rule.ONE_WAY, why, hint="going back means `upgrader rollback`, which puts the snapshot back")
    if not found or (known is None and not move.is_older):
        return None
    if known is None:
        why = f"the {what} database is at schema {found}, and which schema {target} can open is not known"
        return Block(Rule.SCHEMA_UNKNOWN, why, f"a release that declares it, or `--accept {Rule.SCHEMA_UNKNOWN.value}`")
    return _too_new(move, what, found, known) if known < found else None


def _too_new(move: MoveFacts, what: str, found: int, known: int) -> Block:
    """The database is at a schema that the target does not know."""
    target, hint = move.target, _way_back(move)
    if known == 0 and found == 1:
        # Reported as a way back that worked (6.1 to 5.28, openclaw/openclaw#90269): at schema 1 sessions and pairing are files.
        why = f"{target} knows no {what} database: what is in it would be passed over"
        return Block(Rule.SCHEMA_LEFT, why, f"`--accept {Rule.SCHEMA_LEFT.value}`, and the canary decides", hint)
    limit = f"opens at most {known}" if known else "knows none"
    why = f"the {what} database is at schema {found}, {target} {limit}: it would not start, or not find your pairings"
    return Block(Rule.SCHEMA, why, "only a snapshot of the state as it was under that release", hint)


def _takes(what: str, found: int | None, known: int | None) -> str:
    takes = f"takes the {what} database from schema {found} to {known}"
    return takes if found else f"makes each {what} database at schema {known}"


def _way_back(move: MoveFacts) -> str:
    """The way that does work: a snapshot of that release, else the newest one of an older release."""
    returns = move.facts.returns
    exact = [point for point in returns if point.version == move.target]
    if exact:
        return f"`upgrader rollback {exact[-1].snapshot}` returns to {move.target} with its own state"
    if returns:
        return (
            f"`upgrader rollback {returns[-1].snapshot}` returns to {returns[-1].version}, the release there is a snapshot of"
        )
    return ""


def _config(move: MoveFacts) -> Iterator[Finding]:
    """A configuration that a newer release has written."""
    touched = move.facts.installation.state.last_touched
    if touched is None or touched <= move.target or move.candidate is None:
        return
    why = f"the configuration was last written by {touched}, newer than {move.target}"
    if move.candidate.reach.guards_config:
        why = f"{why}, which refuses service commands on it"
        yield Block(Rule.CONFIG_NEWER, why, f"`--accept {Rule.CONFIG_NEWER.value}`, and the canary decides", _way_back(move))
    else:
        yield PlanWarning(Rule.CONFIG_NEWER, f"{why}; keys that it does not know would stop its start: the canary tells")


def _release(move: MoveFacts) -> Iterator[Finding]:
    """What the registry says of it."""
    if move.candidate is None:
        said = "the registry has no such release"
        if move.facts.registry is not RegistryState.ANSWERED:
            said = "the registry was not asked, and its cache has no such release"
        yield Block(
            Rule.UNPUBLISHED, f"{move.target} cannot be installed: {said}", "a registry that has it, or a retained install"
        )
        return
    release = move.candidate.release
    if move.is_older:
        why = f"{move.target} is older than {move.present}: staged, tried on a copy and switched to like any other"
        yield PlanWarning(Rule.OLDER, why)
    if release.version.is_prerelease:
        yield PlanWarning(Rule.PRERELEASE, f"{move.target} is not a stable release")
    if release.deprecated:
        why = f"{move.target} is deprecated by its publisher: {release.deprecated[:200]}"
        yield Block(Rule.DEPRECATED, why, f"`--accept {Rule.DEPRECATED.value}`")
    if move.candidate.was_integrity:
        why = f"the registry announces another digest for {move.target} than when it was installed here before"
        change = f"the publisher explains it, or `--accept {Rule.INTEGRITY_CHANGED.value}`"
        yield Block(Rule.INTEGRITY_CHANGED, why, change)
    if not move.candidate.retained:
        if not release.integrity:
            yield PlanWarning(
                Rule.INTEGRITY_UNKNOWN, f"the registry names no digest for {move.target}: nothing to verify it with"
            )
        if move.facts.registry is RegistryState.CACHED:
            yield PlanWarning(Rule.FROM_CACHE, "what is said of releases comes from the cache; installing needs the registry")


def _installation(move: MoveFacts) -> Iterator[Finding]:
    """What of this installation cannot be switched."""
    found = move.facts.installation
    for obstacle in found.obstacles:
        rule = _OBSTACLES.get(obstacle.code, Rule.KIND if obstacle.code.startswith(_KIND_OBSTACLE) else Rule.OBSTACLE)
        why = f"{obstacle.message}: {obstacle.why}" if obstacle.why else obstacle.message
        yield Block(rule, why, obstacle.hint, obstacle.hint)
    told = {obstacle.code for obstacle in found.obstacles}
    kind = found.package.kind
    if kind not in _SWITCHABLE and not any(code.startswith(_KIND_OBSTACLE) for code in told):
        why = f"this OpenClaw is of a kind that is recognised and not yet switched: {kind.value}"
        yield Block(Rule.KIND, why, "an install by `npm install -g`")
    if found.service.kind not in move.facts.supervisors:
        why = f"the gateway is kept alive by {found.service.kind.value}, which this tool cannot drive here"
        yield Block(Rule.SUPERVISOR, why, "a systemd user unit or a plain process")
    if len(found.gateways) > 1 and "several_gateways" not in told:
        pids = ", ".join(str(one.identity.pid) for one in found.gateways)
        why = f"{len(found.gateways)} gateways run on the state {found.state.path} (pids {pids})"
        yield Block(Rule.GATEWAYS, why, f"end all but one, or `--accept {Rule.GATEWAYS.value}`", "`upgrader status`")
    if found.updates_itself:
        why = "OpenClaw's own updater is switched on (`update.auto`): it may change the release behind your back"
        change = "switch it off in openclaw.json, or `upgrader pin --switch-off-updater --reason TEXT` does, with its undo"
        yield PlanWarning(Rule.UPDATES_ITSELF, why, change)


def _disk(move: MoveFacts) -> Iterator[Finding]:
    """Room at the worst moment."""
    if not move.needs:
        yield PlanWarning(Rule.DISK_UNKNOWN, "the free disk space could not be read")
    for need in move.needs:
        if not need.fits:
            wanted, free = size(need.needed_bytes), size(need.free_bytes)
            why = f"{need.volume} needs up to {wanted} at the worst moment and has {free} free"
            more = size(need.needed_bytes - need.free_bytes)
            change = f"{more} more (`upgrader prune` gives back what no way back needs), or `--accept {Rule.DISK.value}`"
            yield Block(Rule.DISK, why, change)


RULES: tuple[Callable[[MoveFacts], Iterator[Finding]], ...] = (
    pinned,
    _installation,
    _release,
    _table,
    unproven,
    young,
    _start,
    _schema,
    _config,
    _engines,
    path_node,
    plugins,
    _disk,
    signed,
)


def choose_node(facts: PlanFacts, candidate: Candidate) -> NodeChoice:
    """The Node for a candidate: yours where it fits, else a private one, else none."""
    engines, has = candidate.release.engines, facts.installation.node.version
    if not engines or satisfies(has, engines):
        return NodeChoice(NodeSource.PRESENT, has, engines)
    if facts.private_node and satisfies(facts.private_node, engines):
        return NodeChoice(NodeSource.PRIVATE, facts.private_node, engines)
    return NodeChoice(NodeSource.NONE, "", engines)


def _say(evidence: Evidence) -> str:
    """The sentence, with a word when it is not known whether this machine is concerned."""
    doubt = f" (it is not known whether this machine is concerned: {evidence.about})"
    return evidence.sentence + (doubt if evidence.concern is Concern.UNKNOWN else "")


def _change(move: MoveFacts, rule: Rule) -> str:
    """What would change a bad verdict."""
    ways = [f"{fix.version} mends {fix.what or 'it'} ({fix.truth.value})" for fix in move.judged.fixes]
    return "; ".join([*ways, f"`--accept {rule.value}`"])
