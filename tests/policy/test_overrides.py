"""Every rule that forbids: one case in which it alone decides, and its override by a person, which stands in the history."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tests.policy.facts import (
    GIB,
    PRESENT,
    TARGET,
    candidate,
    entry,
    facts,
    installation,
    table,
    with_installation,
    with_state,
)
from upgrader.context.keeping import Keeping
from upgrader.context.machine import Machine
from upgrader.context.recording import record_overrides
from upgrader.context.remembering import history_of
from upgrader.domain.decisions.history import EventKind
from upgrader.domain.decisions.pin import Pin
from upgrader.domain.decisions.settings import Override, Settings
from upgrader.domain.installation.facts import GatewayProcess, Obstacle, ProcessIdentity
from upgrader.domain.plan.decision import IMPOSSIBLE, Answer, Rule
from upgrader.domain.plan.facts import PlanFacts, Reach, Use, Volume
from upgrader.domain.plan.policy import advise
from upgrader.domain.table.evidence import Edge, Start, StartFault, Stop, Table, Verdict
from upgrader.domain.version import Span, Version

FROM_PRESENT = (Span(PRESENT),)
OLDER = "2026.9.4"
# What forbids nothing, or forbids without a way around it, has its tests beside the others.
TOLD = {
    *(Rule.CAUTION, Rule.ENGINES_UNKNOWN, Rule.PRIVATE_NODE, Rule.ONE_WAY, Rule.OLDER, Rule.PRERELEASE, Rule.FROM_CACHE),
    *(Rule.INTEGRITY_UNKNOWN, Rule.UPDATES_ITSELF, Rule.DISK_UNKNOWN, Rule.PIN_ENDED, Rule.SIGNATURE_UNKNOWN),
    *(Rule.PATH_NODE, Rule.PLUGIN_LEFT, Rule.PLUGIN_UNKNOWN),
}


def back(reach: Reach, schema: int | None = None) -> PlanFacts:
    """On the present release, with an older one to go to."""
    return with_state(facts(PRESENT, candidate(OLDER, reach)), schema)


def touched() -> PlanFacts:
    base = back(Reach(18, 23, guards_config=True))
    state = replace(base.installation.state, last_touched=Version(PRESENT))
    return with_installation(base, replace(base.installation, state=state))


def deprecated() -> PlanFacts:
    return facts(PRESENT, replace(candidate(), release=replace(candidate().release, deprecated="use another")))


def two_gateways() -> PlanFacts:
    base = facts()
    second = GatewayProcess(ProcessIdentity(4343, 2.0), 1000, None, Path("/x"), base.installation.state.path)
    return with_installation(base, replace(base.installation, gateways=(*base.installation.gateways, second)))


def hidden() -> PlanFacts:
    base = facts()
    found = replace(base.installation, obstacles=(Obstacle("hidden_openclaw", "another user runs one"),))
    return with_installation(base, found)


def aged() -> PlanFacts:
    return replace(facts(), settings=Settings(minimum_age_days=7))


def young() -> PlanFacts:
    base = aged()
    moment = replace(candidate().release, published=NOON)
    return replace(base, candidates=(replace(candidate(), release=moment),))


NOON = Machine.apart(Path("/"), {}).clock.now().replace(year=2026, month=11, day=20, hour=12)
OLD_TABLE = table(entry(OLDER))
CASES: dict[Rule, tuple[PlanFacts, Table, str]] = {
    Rule.KNOWN_BAD: (facts(), table(entry(verdict=Verdict.BAD)), TARGET),
    Rule.BAD_EDGE: (facts(), table(replace(entry(), edges=(Edge(FROM_PRESENT, Verdict.BAD, "No.", ("x",)),))), TARGET),
    Rule.BAD_START: (facts(), table(replace(entry(PRESENT), start=Start(Verdict.BAD, StartFault.STATE, "No."))), TARGET),
    Rule.STOP_FIRST: (facts(), table(replace(entry(), stops=(Stop(FROM_PRESENT, Version("2026.9.5-1"), "No."),))), TARGET),
    Rule.ENGINES: (replace(with_installation(facts(), installation(node="22.20.0")), private_node=""), table(), TARGET),
    Rule.DISK: (replace(facts(), volumes=(Volume("the disk", (Use.STATE, Use.DATA), GIB),)), table(), TARGET),
    Rule.INTEGRITY_CHANGED: (facts(PRESENT, replace(candidate(), was_integrity="sha512-y")), table(), TARGET),
    Rule.DEPRECATED: (deprecated(), table(), TARGET),
    Rule.GATEWAYS: (two_gateways(), table(), TARGET),
    Rule.HIDDEN: (hidden(), table(), TARGET),
    Rule.CONFIG_NEWER: (touched(), OLD_TABLE, OLDER),
    Rule.SCHEMA_UNKNOWN: (back(Reach(None, None), 17), OLD_TABLE, OLDER),
    Rule.SCHEMA_LEFT: (back(Reach(0, 0), 1), OLD_TABLE, OLDER),
    Rule.PINNED: (replace(facts(), pin=Pin(Version(PRESENT), "the fair", date(2026, 11, 1))), table(), TARGET),
    Rule.UNKNOWN_EVIDENCE: (facts(), table(entry(verdict=Verdict.UNKNOWN)), TARGET),
    Rule.AGE_UNKNOWN: (aged(), table(), TARGET),
    Rule.TOO_YOUNG: (young(), table(), TARGET),
}


def test_every_rule_that_forbids_has_its_case() -> None:
    assert set(CASES) == set(Rule) - IMPOSSIBLE - TOLD


@pytest.mark.parametrize("rule", CASES, ids=lambda rule: rule.value)
def test_it_alone_decides_and_no_other_word_helps(rule: Rule) -> None:
    base, evidence, target = CASES[rule]
    plain = advise(base, evidence, Version(target)).plan
    assert (plain.answer, [block.rule for block in plain.blocks]) == (Answer.BLOCKED, [rule])
    others = frozenset(one.value for one in Rule if one is not rule)
    assert advise(replace(base, accept=others), evidence, Version(target)).answer is Answer.BLOCKED


@pytest.mark.parametrize("rule", CASES, ids=lambda rule: rule.value)
def test_its_override_stands_in_the_history_with_the_reason(rule: Rule, tmp_path: Path) -> None:
    base, evidence, target = CASES[rule]
    override = Override(rule.value, "I was asked to")
    decided = advise(replace(base, accept=frozenset({rule.value}), overrides=(override,)), evidence, Version(target))
    assert (decided.answer, [block.rule for block in decided.plan.accepted]) == (Answer.GO, [rule])
    machine = Machine.apart(tmp_path, {})
    keeping = Keeping(machine, base.installation)
    record_overrides(machine, keeping, decided)
    (event,) = history_of(keeping).events()
    assert (event.kind, event.rule, event.reason) == (EventKind.OVERRIDE, rule.value, "I was asked to")
    assert (event.present, event.target) == (PRESENT, target)
    assert event.why == decided.plan.accepted[0].why
