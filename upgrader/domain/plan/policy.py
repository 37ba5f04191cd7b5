"""The policy: facts in, decision out. The same facts give the same plan, whoever asks."""

from collections.abc import Iterator
from dataclasses import replace

from upgrader.domain.decisions.pin import Grip, grip, published_fixes
from upgrader.domain.plan.decision import (
    Advice,
    Answer,
    Block,
    Direction,
    Plan,
    PlanData,
    PlanWarning,
    Rule,
)
from upgrader.domain.plan.facts import Candidate, PlanFacts
from upgrader.domain.plan.move_facts import Finding, MoveFacts
from upgrader.domain.plan.route import is_stop, route
from upgrader.domain.plan.rules import RULES, choose_node
from upgrader.domain.plan.steps import needs, steps
from upgrader.domain.table.evidence import Fix, Judged, Table, Truth, Verdict
from upgrader.domain.version import Version

# What is in the way of one step and may not be in the way of another to the same place.
_OF_THE_STEP = frozenset({Rule.STOP_FIRST, Rule.BAD_EDGE, Rule.UNKNOWN_EVIDENCE})


def make_plan(facts: PlanFacts, table: Table, target: Version | None) -> Plan:
    """The plan for `target`; without one, for the release that is worth going to.

    With nowhere to go the plan answers STAY and its target is the present release.
    """
    present = facts.installation.package.version
    chosen = target or recommended(facts, table)
    if chosen is None or chosen == present:
        answer = Answer.THERE if target is not None else Answer.STAY
        return Plan(present, present, Direction.SAME, answer, table.standing(present, facts.circumstances, facts.today))
    return _judge(facts, table, chosen)


def advise(facts: PlanFacts, table: Table, named: Version | None, notes: tuple[str, ...] = ()) -> PlanData:
    """The whole answer of `plan`: the plan, the opinion of the present release, and where else one could go."""
    present = facts.installation.package.version
    plan = make_plan(facts, table, named)
    standing = table.standing(present, facts.circumstances, facts.today)
    forward = _advice(facts, table, _first_open(facts, table, forward_order(facts, table)))
    back = _advice(facts, table, _first_open(facts, table, back_order(facts, table)))
    way = way_to(facts, table, plan.target) if plan.answer is Answer.BLOCKED else ()
    worth = (one for one in forward_order(facts, table) if facts.candidate(one) is not None)
    held_here = next(worth, None) if plan.answer is Answer.STAY else None
    return PlanData(
        present_version=present,
        present=standing,
        plan=plan,
        named=named,
        forward=forward,
        back=back,
        returns=facts.returns,
        mended_by=standing.fixes if standing.verdict in (Verdict.BAD, Verdict.CAUTION) else (),
        newer_unknown=_newer_unknown(facts, table),
        registry=facts.registry,
        table=table.source,
        notes=(*notes, *_pin_notes(facts)),
        next_command=f"upgrader plan {held_here}" if held_here else _next_command(plan, forward, back, way),
        pin=facts.pin,
        route=way,
        fix_out=tuple(fix for fix in awaited(facts, table) if facts.candidate(fix.version) is not None),
        outage=facts.outage,
        overrides=facts.overrides,
        held_here=held_here,
    )


def recommended(facts: PlanFacts, table: Table) -> Version | None:
    """The release to go to when none is named: the best known forward; from a bad one, else the best known back."""
    wanted = _pinned_elsewhere(facts)
    if wanted is not None:
        return wanted if facts.candidate(wanted) is not None else None
    bad = table.standing(facts.installation.package.version, facts.circumstances, facts.today).verdict is Verdict.BAD
    order = (*forward_order(facts, table), *(back_order(facts, table) if bad else ()))
    return _first_open(facts, table, order)


def awaited(facts: PlanFacts, table: Table) -> tuple[Fix, ...]:
    """The published fixes that are waited for: of the pin's area, else of the present release when it is bad."""
    present, pin = facts.installation.package.version, facts.pin
    if pin is not None and pin.until_fixed:
        return published_fixes(table, pin.until_fixed, pin.version)
    standing = table.standing(present, facts.circumstances, facts.today)
    return tuple(fix for fix in standing.fixes if standing.verdict is Verdict.BAD and fix.truth is not Truth.CLAIMED)


def way_to(facts: PlanFacts, table: Table, target: Version) -> tuple[Version, ...]:
    """By which stops one comes to `target`, where only the step itself is in the way; empty: not at all.

    What forbids the target for its own sake forbids it by every way.
    """
    if not step_is_in_the_way(facts, table, target):
        return ()
    present = facts.installation.package.version
    stops = (one for one in facts.candidates if present < one.version < target and is_stop(facts, table, present, one))
    return route(facts, table, target, tuple(one.version for one in stops if is_open(facts, table, one.version)))


def step_is_in_the_way(facts: PlanFacts, table: Table, target: Version) -> bool:
    """Whether only the one step to a newer release is in the way, so that stops may lead around it."""
    plan = _judge(facts, table, target)
    return plan.direction is Direction.NEWER and bool(plan.blocks) and {each.rule for each in plan.blocks} <= _OF_THE_STEP


def _pin_notes(facts: PlanFacts) -> tuple[str, ...]:
    """What may move a pinned installation all the same."""
    if facts.pin is None or not facts.installation.updates_itself:
        return ()
    way = "`upgrader pin --switch-off-updater --reason TEXT`"
    return (f"OpenClaw's own updater is on (update.auto) and asks no pin: {way} switches it off, with its undo",)


def _pinned_elsewhere(facts: PlanFacts) -> Version | None:
    """The release a pin asks for where another one is installed."""
    pin = facts.pin
    if pin is None or pin.version == facts.installation.package.version:
        return None
    return None if pin.until is not None and facts.today > pin.until else pin.version


def forward_order(facts: PlanFacts, table: Table) -> tuple[Version, ...]:
    """Newer stable releases worth going to, best first: those the table names as next from here, then the newest good one.

    A release to be taken with care counts only when the table names it as next and the present one is not good itself.
    """
    present = facts.installation.package.version
    entry = table.entry(present)
    enough = _good_enough(table.standing(present, facts.circumstances, facts.today))
    named = [v for v in (entry.next_ if entry else ()) if v > present and _verdict(facts, table, v) in enough]
    good = [v for v in _by_newest(table) if v > present and _verdict(facts, table, v) is Verdict.GOOD]
    elsewhere = _pinned_elsewhere(facts)
    first = [elsewhere] if elsewhere is not None and elsewhere > present else []
    order = (v for v in (*named, *good) if _of_channel(facts, v) and not _held(facts, table, v))
    return tuple(dict.fromkeys((*first, *order)))


def _good_enough(standing: Judged) -> frozenset[Verdict]:
    """Which verdicts a release that the table names as next must have, by how the present one stands."""
    uneasy = standing.verdict is not Verdict.GOOD or (standing.start is not None and standing.start.verdict is Verdict.BAD)
    return frozenset({Verdict.GOOD, Verdict.CAUTION} if uneasy else {Verdict.GOOD})


def back_order(facts: PlanFacts, table: Table) -> tuple[Version, ...]:
    """Older releases worth going back to, best first: those the table names for this one; from a bad one any good one."""
    present = facts.installation.package.version
    entry = table.entry(present)
    standing = table.standing(present, facts.circumstances, facts.today).verdict
    named = [v for v in (entry.back if entry else ()) if v < present]
    good = [v for v in _by_newest(table) if v < present] if standing is Verdict.BAD else []
    fits = (v for v in (*named, *good) if _verdict(facts, table, v) is Verdict.GOOD and _of_channel(facts, v))
    elsewhere = _pinned_elsewhere(facts)
    first = [elsewhere] if elsewhere is not None and elsewhere < present else []
    return tuple(dict.fromkeys((*first, *(v for v in fits if not _held(facts, table, v)))))


def _of_channel(facts: PlanFacts, version: Version) -> bool:
    """Whether releases of this kind are recommended at all: betas only to those who chose them."""
    return facts.settings.channel == "beta" or not version.is_prerelease


def _held(facts: PlanFacts, table: Table, version: Version) -> bool:
    """Whether a pin holds one back from it: what is not to be had need not be asked for."""
    pin = facts.pin
    if pin is None or pin.version == version or Rule.PINNED.value in facts.accept:
        return False
    return grip(pin, table, version, facts.today) is Grip.HOLDS


def judge_each(facts: PlanFacts, table: Table) -> Iterator[tuple[Plan, Candidate]]:
    """The plan for every candidate but the present release."""
    present = facts.installation.package.version
    for candidate in facts.candidates:
        if candidate.version != present:
            yield _judge(facts, table, candidate.version), candidate


def is_open(facts: PlanFacts, table: Table, target: Version) -> bool:
    """Whether one could go there as things stand."""
    return facts.candidate(target) is not None and not _judge(facts, table, target).blocks


def _judge(facts: PlanFacts, table: Table, target: Version) -> Plan:
    present = facts.installation.package.version
    candidate = facts.candidate(target)
    judged = table.judge(present, target, facts.circumstances, facts.today)
    node = choose_node(facts, candidate) if candidate else None
    move = MoveFacts(facts, table, target, candidate, judged, node, needs(facts, candidate))
    blocks, accepted, warnings = _sorted([finding for rule in RULES for finding in rule(move)], facts.accept)
    direction = Direction.OLDER if move.is_older else Direction.NEWER
    answer = Answer.BLOCKED if blocks else Answer.GO
    plan = Plan(present, target, direction, answer, judged, None, blocks, accepted, warnings, needs=move.needs)
    if candidate is None or node is None:
        return plan
    return replace(plan, release=candidate.release, node=node, steps=steps(facts, candidate, node), retained=candidate.retained)


def _sorted(
    findings: list[Finding], accept: frozenset[str]
) -> tuple[tuple[Block, ...], tuple[Block, ...], tuple[PlanWarning, ...]]:
    """What forbids, what would but is overridden, what is only told."""
    found = [one for one in findings if isinstance(one, Block)]
    accepted = tuple(one for one in found if one.can_be_accepted and one.rule.value in accept)
    blocks = tuple(one for one in found if one not in accepted)
    return blocks, accepted, tuple(one for one in findings if isinstance(one, PlanWarning))


def _verdict(facts: PlanFacts, table: Table, target: Version) -> Verdict:
    return table.judge(facts.installation.package.version, target, facts.circumstances, facts.today).verdict


def _by_newest(table: Table) -> list[Version]:
    return sorted((entry.version for entry in table.entries), reverse=True)


def _first_open(facts: PlanFacts, table: Table, order: tuple[Version, ...]) -> Version | None:
    return next((version for version in order if is_open(facts, table, version)), None)


def _advice(facts: PlanFacts, table: Table, version: Version | None) -> Advice | None:
    if version is None:
        return None
    judged = table.judge(facts.installation.package.version, version, facts.circumstances, facts.today)
    first = judged.evidence[0]
    return Advice(version, judged.verdict, first.sentence, first.truth, first.confidence, f"upgrader upgrade {version}")


def _newer_unknown(facts: PlanFacts, table: Table) -> Version | None:
    latest = facts.latest
    if latest is None or latest <= facts.installation.package.version:
        return None
    return latest if _verdict(facts, table, latest) is Verdict.UNKNOWN else None


def _next_command(plan: Plan, forward: Advice | None, back: Advice | None, way: tuple[Version, ...]) -> str:
    if plan.answer is Answer.GO:
        return f"upgrader upgrade {plan.target}"
    if way:
        return f"upgrader upgrade {way[0]}"
    if plan.answer is Answer.BLOCKED:
        stops = [block.hint for block in plan.blocks if block.rule in (Rule.STOP_FIRST, Rule.SCHEMA, Rule.SCHEMA_LEFT)]
        found = [hint.split("`")[1] for hint in stops if hint.count("`") >= 2]
        other = forward or back
        return found[0] if found else (other.command if other else "")
    return ""
