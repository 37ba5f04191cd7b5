"""Rules that hold a move back although the release itself may be fine: a pin, no evidence, its age, its signature. Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from upgrader.domain.decisions.pin import Grip, grip, mending
from upgrader.domain.plan.decision import Block, PlanWarning, Rule
from upgrader.domain.plan.facts import PlanFacts, RegistryState, Signature
from upgrader.domain.plan.move_facts import Finding, MoveFacts
from upgrader.domain.table.concern import satisfies
from upgrader.domain.table.evidence import Aspect, Judged, Verdict
from upgrader.domain.version import Version

# Where nothing was decided: a release of which nothing is known yet should at least have been out this long.
UNPROVEN_AGE_DAYS = 3
# A version names its month. What claims to have been published long before that month was given a wrong time.
_EARLIEST = timedelta(days=62)


def pinned(move: MoveFacts) -> Iterator[Finding]:
    """A pin that holds forbids all but its own release; one that ended is told."""
    pin = move.facts.pin
    if pin is None or pin.version == move.target:
        return
    says = grip(pin, move.table, move.target, move.facts.today)
    if says is Grip.HOLDS:
        ways = ["`upgrader unpin`", f"`--accept {Rule.PINNED.value}`"]
        ways += [f"after {pin.until}"] if pin.until else []
        ways += [f"a release that mends {pin.until_fixed}"] if pin.until_fixed else []
        yield Block(Rule.PINNED, pin.in_words(), "; ".join(ways))
    elif says is Grip.LAPSED:
        yield PlanWarning(Rule.PIN_ENDED, f"{pin.in_words()}; that day is past", hint="`upgrader unpin` takes it away")
    else:
        fix = mending(move.table, pin.until_fixed, pin.version, move.target)[0]
        why = f"the fix you wait for is out: {fix.version} mends {fix.what or pin.until_fixed} ({fix.truth.value})"
        yield PlanWarning(Rule.PIN_ENDED, f"{why}, and {move.target} has it", hint="`upgrader unpin` takes the pin away")


def unproven(move: MoveFacts) -> Iterator[Finding]:
    """Unknown evidence holds: the canary is how to learn, and a person may say that it is enough."""
    if move.judged.verdict is Verdict.UNKNOWN and move.candidate is not None:
        code = Rule.UNKNOWN_EVIDENCE.value
        yield Block(
            Rule.UNKNOWN_EVIDENCE,
            f"nothing is known of {move.target} for a move from {move.present}: {move.judged.evidence[0].sentence}",
            f"the table learns of it; or its canary passes here and you say `--accept {code}`",
            f"`upgrader canary {move.target}`",
            move.judged.evidence,
        )


def young(move: MoveFacts) -> Iterator[Finding]:
    """The least age of a release; an age that is not known holds."""
    wanted = wanted_age(move.facts, move.judged)
    if not wanted or move.candidate is None:
        return
    published = believed(move.candidate.release.published, move.target, move.facts)
    if published is None:
        why = f"when {move.target} was published is not known, and {wanted} days are asked for"
        yield Block(Rule.AGE_UNKNOWN, why, f"a registry that says when; or `--accept {Rule.AGE_UNKNOWN.value}`")
        return
    days = (_midnight(move.facts) - published).days
    if days < wanted:
        why = f"{move.target} was published on {published:%Y-%m-%d}, {max(days, 0)} days ago; {wanted} are asked for"
        after = published.date() + timedelta(days=wanted)
        yield Block(Rule.TOO_YOUNG, why, f"on {after}; or `--accept {Rule.TOO_YOUNG.value}`")


def wanted_age(facts: PlanFacts, judged: Judged) -> int:
    """The least age in days for a release so judged. Unless a person set one, evidence stands in for age."""
    if facts.settings.minimum_age_days is not None:
        return facts.settings.minimum_age_days
    return UNPROVEN_AGE_DAYS if judged.evidence[0].aspect is Aspect.ABSENT else 0


def believed(published: datetime | None, version: Version, facts: PlanFacts) -> datetime | None:
    """A time of publication that can be true: not to come, and not long before the month the version names; else None."""
    if published is None or published > _midnight(facts):
        return None
    year, month, _ = version.train
    if 2000 <= year < 9999 and 1 <= month <= 12 and published < datetime(year, month, 1, tzinfo=UTC) - _EARLIEST:
        return None
    return published


def signed(move: MoveFacts) -> Iterator[Finding]:
    """The registry's signature over name, version and digest: a wrong one forbids, a missing one is told."""
    if move.candidate is None or move.candidate.retained:
        return
    if move.candidate.signature is Signature.WRONG:
        why = f"the signature of {move.target} does not fit its digest: the registry's keys did not sign this package"
        yield Block(Rule.SIGNATURE_WRONG, why, "a registry whose answer fits its keys", "compare with another registry")
    elif move.candidate.signature is Signature.UNKNOWN and move.facts.registry is RegistryState.ANSWERED:
        why = f"this registry offers no signature for {move.target} that could be checked; its digest is checked all the same"
        yield PlanWarning(Rule.SIGNATURE_UNKNOWN, why)


def path_node(move: MoveFacts) -> Iterator[Finding]:
    """The Node that `openclaw` typed in a terminal runs on, which is PATH's, whatever the service has."""
    node = move.node
    typed = move.facts.path_node
    if node is None or not node.engines or not typed or satisfies(typed, node.engines):
        return
    prefix = move.facts.installation.package.prefix
    why = f"`{prefix}/bin/openclaw` runs on PATH's Node {typed}, and {move.target} wants {node.engines}"
    runs = f"; the gateway gets Node {node.version} and runs" if node.version else ""
    yield PlanWarning(Rule.PATH_NODE, f"{why}: commands you type will refuse{runs}", "a Node on PATH in that range")


def plugins(move: MoveFacts) -> Iterator[Finding]:
    """Channel plugins that came with the present package and no longer come with the target."""
    here = set(move.facts.bundled or ()) & set(move.facts.installation.channels or ()) - set(move.facts.own_plugins)
    if move.candidate is None or not here:
        return
    inside, outside = move.candidate.bundled, move.candidate.release.left_out
    if inside is None and outside is None:
        why = f"whether the plugins of {', '.join(sorted(here))} still come with {move.target} is not known"
        yield PlanWarning(Rule.PLUGIN_UNKNOWN, why, f"`upgrader canary {move.target}` stages it; then it is looked into")
        return
    left = sorted(here - set(inside) if inside is not None else here & set(outside or ()))
    if left:
        why = f"configured, bundled with {move.present} and not with {move.target}: {', '.join(left)}"
        yield PlanWarning(Rule.PLUGIN_LEFT, why, "the plugin is installed by itself, or that channel is silent afterwards")


def _midnight(facts: PlanFacts) -> datetime:
    """The end of today, UTC."""
    return datetime.combine(facts.today, time.max, tzinfo=UTC)
