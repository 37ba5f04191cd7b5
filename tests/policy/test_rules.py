"""Each rule of the policy, in a case where it alone decides."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.policy.facts import (
    GIB,
    PRESENT,
    TARGET,
    TODAY,
    candidate,
    entry,
    facts,
    installation,
    table,
    with_installation,
    with_state,
)
from upgrader.domain.installation.facts import GatewayProcess, InstallKind, Obstacle, ProcessIdentity, SupervisorKind
from upgrader.domain.plan.decision import IMPOSSIBLE, Answer, Direction, NodeSource, Plan, Rule
from upgrader.domain.plan.facts import Reach, RegistryState, ReturnPoint, Use, Volume
from upgrader.domain.plan.policy import make_plan
from upgrader.domain.table.concern import Conditions
from upgrader.domain.table.evidence import Edge, Fix, Special, Start, StartFault, Stop, Table, Truth, Verdict
from upgrader.domain.version import Span, Version

GOAL = Version(TARGET)
FROM_PRESENT = (Span(PRESENT),)
DECLARED = Conditions(channels=("telegram",))


def blocked_by(plan: Plan) -> list[Rule]:
    assert plan.answer is (Answer.BLOCKED if plan.blocks else Answer.GO)
    return [block.rule for block in plan.blocks]


def warned_by(plan: Plan) -> list[Rule]:
    assert plan.answer is Answer.GO
    return [warning.rule for warning in plan.warnings]


def bad_table() -> Table:
    return table(entry(verdict=Verdict.BAD))


def test_a_good_release_with_nothing_against_it_goes_ahead() -> None:
    plan = make_plan(facts(), table(), GOAL)
    assert (plan.answer, plan.blocks, plan.warnings) == (Answer.GO, (), ())
    assert plan.steps and plan.direction is Direction.NEWER


def test_a_known_bad_release_is_blocked_with_its_evidence_and_its_fix() -> None:
    bad = replace(
        entry(verdict=Verdict.BAD, sentence="It drops paired devices."), fixes=(Fix(Version("2026.9.7"), Truth.CLAIMED),)
    )
    plan = make_plan(facts(), table(bad), GOAL)
    assert blocked_by(plan) == [Rule.KNOWN_BAD]
    block = plan.blocks[0]
    assert "It drops paired devices." in block.why
    assert block.evidence[0].sources == ("openclaw/openclaw#1",)
    assert "2026.9.7 mends it (claimed)" in block.change


def test_a_release_bad_only_when_coming_from_here_is_blocked_here_and_nowhere_else() -> None:
    edge = Edge(FROM_PRESENT, Verdict.BAD, "Pairing is lost on the way.", ("openclaw/openclaw#2",))
    evidence = table(replace(entry(), edges=(edge,)))
    assert blocked_by(make_plan(facts(), evidence, GOAL)) == [Rule.BAD_EDGE]
    assert blocked_by(make_plan(facts("2026.9.4"), evidence, GOAL)) == []


def test_a_bad_starting_point_blocks_when_its_state_is_at_fault() -> None:
    start = Start(Verdict.BAD, StartFault.STATE, "Every move from here failed.")
    evidence = table(replace(entry(PRESENT), start=start))
    assert blocked_by(make_plan(facts(), evidence, GOAL)) == [Rule.BAD_START]


def test_a_bad_starting_point_is_only_told_when_its_own_updater_is_at_fault() -> None:
    start = Start(Verdict.BAD, StartFault.UPDATER, "Its updater cannot swap the package.")
    evidence = table(replace(entry(PRESENT), start=start))
    assert warned_by(make_plan(facts(), evidence, GOAL)) == [Rule.BAD_START]


def test_a_stop_on_the_way_blocks_and_names_the_command_that_goes_there() -> None:
    stop = Stop((Span("<2026.9.6"),), Version("2026.9.5-1"), "Sessions are imported there.")
    plan = make_plan(facts(), table(replace(entry(), stops=(stop,))), GOAL)
    assert blocked_by(plan) == [Rule.STOP_FIRST]
    assert plan.blocks[0].hint == "`upgrader upgrade 2026.9.5-1`"


def test_a_release_to_be_taken_with_care_goes_ahead_with_a_warning() -> None:
    assert warned_by(make_plan(facts(), table(entry(verdict=Verdict.CAUTION)), GOAL)) == [Rule.CAUTION]


def test_a_named_release_of_which_nothing_is_known_is_held_until_somebody_says_otherwise() -> None:
    evidence = table(entry(verdict=Verdict.UNKNOWN))
    plan = make_plan(facts(), evidence, GOAL)
    assert blocked_by(plan) == [Rule.UNKNOWN_EVIDENCE]
    assert plan.blocks[0].hint == "`upgrader canary 2026.9.6`"
    assert make_plan(replace(facts(), accept=frozenset({"unknown_evidence"})), evidence, GOAL).answer is Answer.GO


def test_a_release_of_which_nothing_is_known_is_never_recommended() -> None:
    assert make_plan(facts(), Table((entry(PRESENT),)), None).answer is Answer.STAY


def test_an_expired_good_opinion_counts_as_unknown_and_a_bad_one_stays() -> None:
    yesterday = TODAY - timedelta(days=1)
    good = replace(entry(), expires=yesterday)
    assert blocked_by(make_plan(facts(), table(good), GOAL)) == [Rule.UNKNOWN_EVIDENCE]
    bad = replace(entry(verdict=Verdict.BAD), expires=date(2020, 1, 1))
    assert blocked_by(make_plan(facts(), table(bad), GOAL)) == [Rule.KNOWN_BAD]


def test_a_measured_good_edge_makes_an_unknown_release_good() -> None:
    edge = Edge(FROM_PRESENT, Verdict.GOOD, "We moved this way.", truth=Truth.MEASURED)
    plan = make_plan(facts(), table(replace(entry(verdict=Verdict.UNKNOWN), edges=(edge,))), None)
    assert (plan.answer, plan.target, plan.verdict) == (Answer.GO, GOAL, Verdict.GOOD)


def test_a_good_edge_never_makes_a_bad_release_good() -> None:
    edge = Edge(FROM_PRESENT, Verdict.GOOD, "It worked once.", truth=Truth.MEASURED)
    assert blocked_by(make_plan(facts(), table(replace(entry(verdict=Verdict.BAD), edges=(edge,))), GOAL)) == [Rule.KNOWN_BAD]


@pytest.mark.parametrize(
    ("channels", "blocks", "warnings"),
    [(("telegram",), [Rule.KNOWN_BAD], []), (("slack",), [], []), (None, [], [Rule.CAUTION])],
    ids=["concerned", "not concerned", "not known"],
)
def test_a_condition_asks_this_machine(channels: tuple[str, ...] | None, blocks: list[Rule], warnings: list[Rule]) -> None:
    special = Special(DECLARED, Verdict.BAD, "Telegram falls silent.", ("openclaw/openclaw#3",))
    base = facts()
    machine = replace(base, circumstances=replace(base.circumstances, channels=channels))
    plan = make_plan(machine, table(replace(entry(), specials=(special,))), GOAL)
    assert blocked_by(plan) == blocks
    assert [warning.rule for warning in plan.warnings] == warnings


def test_a_node_too_old_is_solved_by_a_private_one_and_said() -> None:
    old = with_installation(facts(), installation(node="22.20.0"))
    plan = make_plan(old, table(), GOAL)
    assert warned_by(plan) == [Rule.PRIVATE_NODE]
    assert plan.node is not None and plan.node.source is NodeSource.PRIVATE
    assert plan.steps[0].name == "node"


def test_a_node_too_old_blocks_when_no_other_can_be_had() -> None:
    old = replace(with_installation(facts(), installation(node="22.20.0")), private_node="")
    assert blocked_by(make_plan(old, table(), GOAL)) == [Rule.ENGINES]


def test_an_unknown_range_of_node_is_said() -> None:
    assert warned_by(make_plan(facts(PRESENT, candidate(engines="")), table(), GOAL)) == [Rule.ENGINES_UNKNOWN]


@pytest.mark.parametrize(("state", "agents"), [(19, ()), (18, (24,)), (None, (24,))], ids=["state", "agent", "agent alone"])
def test_a_database_newer_than_the_target_can_open_is_impossible(state: int | None, agents: tuple[int, ...]) -> None:
    plan = make_plan(replace(with_state(facts(), state, *agents), accept=frozenset({"schema"})), table(), GOAL)
    assert blocked_by(plan) == [Rule.SCHEMA]
    assert plan.accepted == ()


def test_a_database_too_new_names_the_rollback_that_does_work() -> None:
    older = Version("2026.9.4")
    base = with_state(facts(PRESENT, candidate("2026.9.4", Reach(17, 19))), 17, 21)
    kept = replace(base, returns=(ReturnPoint("s1", older),))
    plan = make_plan(kept, table(entry("2026.9.4")), older)
    assert blocked_by(plan) == [Rule.SCHEMA]
    assert "`upgrader rollback s1` returns to 2026.9.4" in plan.blocks[0].hint


def test_a_release_without_that_database_would_pass_over_it() -> None:
    older = Version("2026.5.28")
    base = with_state(facts("2026.6.1", candidate("2026.5.28", Reach(0, 0))), 1)
    assert blocked_by(make_plan(base, table(entry("2026.5.28"), entry("2026.6.1")), older)) == [Rule.SCHEMA_LEFT]


def test_an_older_release_of_unknown_reach_is_blocked_until_accepted() -> None:
    older = Version("2026.9.4")
    base = with_state(facts(PRESENT, candidate("2026.9.4", Reach(None, None))), 17)
    assert blocked_by(make_plan(base, table(entry("2026.9.4")), older)) == [Rule.SCHEMA_UNKNOWN]


def test_a_one_way_door_is_said_before_it_is_passed() -> None:
    assert warned_by(make_plan(with_state(facts(), 17, 21), table(), GOAL)) == [Rule.ONE_WAY]


def touched_by_the_present(reach: Reach) -> Plan:
    older = Version("2026.9.4")
    base = facts(PRESENT, candidate("2026.9.4", reach))
    state = replace(base.installation.state, last_touched=Version(PRESENT))
    return make_plan(with_installation(base, replace(base.installation, state=state)), table(entry("2026.9.4")), older)


def test_a_configuration_of_a_newer_release_blocks_one_that_refuses_it() -> None:
    assert blocked_by(touched_by_the_present(Reach(18, 23, guards_config=True))) == [Rule.CONFIG_NEWER]


def test_a_configuration_of_a_newer_release_is_said_where_nobody_looks() -> None:
    assert warned_by(touched_by_the_present(Reach(18, 23))) == [Rule.OLDER, Rule.CONFIG_NEWER]


def test_an_older_target_is_a_move_like_any_other() -> None:
    older = Version("2026.9.4")
    plan = make_plan(facts(PRESENT, candidate("2026.9.4")), table(entry("2026.9.4")), older)
    assert warned_by(plan) == [Rule.OLDER]
    assert plan.direction is Direction.OLDER


def test_a_prerelease_is_said_and_never_recommended() -> None:
    beta = "2026.9.7-beta.1"
    base = facts(PRESENT, candidate(beta))
    evidence = Table((entry(PRESENT), entry(beta)))
    assert warned_by(make_plan(base, evidence, Version(beta))) == [Rule.PRERELEASE]
    assert make_plan(base, evidence, None).answer is Answer.STAY


def test_a_deprecated_release_is_blocked() -> None:
    old = candidate()
    withdrawn = replace(old, release=replace(old.release, deprecated="use another"))
    assert blocked_by(make_plan(facts(PRESENT, withdrawn), table(), GOAL)) == [Rule.DEPRECATED]


def test_a_release_the_registry_lacks_is_blocked_unless_it_is_retained() -> None:
    gone = replace(facts(), candidates=(), lacking=(GOAL,))
    assert blocked_by(make_plan(gone, table(), GOAL)) == [Rule.UNPUBLISHED]
    kept = replace(gone, candidates=(replace(candidate(), retained="slot-1"),), volumes=facts().volumes)
    assert blocked_by(make_plan(kept, table(), GOAL)) == []


def test_another_digest_than_before_is_blocked() -> None:
    changed = replace(candidate(), was_integrity="sha512-y")
    assert blocked_by(make_plan(facts(PRESENT, changed), table(), GOAL)) == [Rule.INTEGRITY_CHANGED]


def test_a_missing_digest_is_said() -> None:
    found = candidate()
    bare = replace(found, release=replace(found.release, integrity=""))
    assert warned_by(make_plan(facts(PRESENT, bare), table(), GOAL)) == [Rule.INTEGRITY_UNKNOWN]


def test_facts_from_the_cache_are_said() -> None:
    assert warned_by(make_plan(replace(facts(), registry=RegistryState.CACHED), table(), GOAL)) == [Rule.FROM_CACHE]


@pytest.mark.parametrize("kind", [kind for kind in InstallKind if kind not in (InstallKind.NPM_GLOBAL, InstallKind.SLOT)])
def test_an_install_kind_that_is_not_switched_is_impossible(kind: InstallKind) -> None:
    plan = make_plan(replace(with_installation(facts(), installation(kind=kind)), accept=frozenset({"kind"})), table(), GOAL)
    assert blocked_by(plan) == [Rule.KIND]
    assert kind.value in plan.blocks[0].why


def test_what_the_discovery_found_in_the_way_is_a_block_with_its_reason() -> None:
    base = facts()
    found = replace(base.installation, obstacles=(Obstacle("inside_gateway", "runs inside", "pid 7", "another terminal"),))
    plan = make_plan(with_installation(base, found), table(), GOAL)
    assert blocked_by(plan) == [Rule.OBSTACLE]
    assert (plan.blocks[0].why, plan.blocks[0].hint) == ("runs inside: pid 7", "another terminal")


def test_another_users_hidden_openclaw_is_a_rule_of_its_own() -> None:
    base = facts()
    found = replace(base.installation, obstacles=(Obstacle("hidden_openclaw", "another user runs one"),))
    assert blocked_by(make_plan(with_installation(base, found), table(), GOAL)) == [Rule.HIDDEN]


def test_a_supervisor_that_cannot_be_driven_is_impossible() -> None:
    base = replace(facts(), supervisors=frozenset({SupervisorKind.PROCESS}), accept=frozenset({"supervisor"}))
    assert blocked_by(make_plan(base, table(), GOAL)) == [Rule.SUPERVISOR]


def test_several_gateways_on_one_state_are_blocked() -> None:
    base = facts()
    second = GatewayProcess(ProcessIdentity(4343, 2.0), 1000, None, Path("/x"), base.installation.state.path)
    both = replace(base.installation, gateways=(*base.installation.gateways, second))
    plan = make_plan(with_installation(base, both), table(), GOAL)
    assert blocked_by(plan) == [Rule.GATEWAYS]
    assert "4242, 4343" in plan.blocks[0].why


def test_an_updater_of_its_own_that_is_switched_on_is_said() -> None:
    base = facts()
    assert warned_by(make_plan(with_installation(base, replace(base.installation, updates_itself=True)), table(), GOAL)) == [
        Rule.UPDATES_ITSELF
    ]


def test_too_little_room_is_blocked_and_says_how_much_is_missing() -> None:
    tight = replace(facts(), volumes=(Volume("the disk", (Use.STATE, Use.DATA), GIB),))
    plan = make_plan(tight, table(), GOAL)
    assert blocked_by(plan) == [Rule.DISK]
    assert "1.3 GB more" in plan.blocks[0].change


def test_room_that_cannot_be_read_is_said() -> None:
    assert warned_by(make_plan(replace(facts(), volumes=()), table(), GOAL)) == [Rule.DISK_UNKNOWN]


def test_at_the_target_already_there_is_nothing_to_do() -> None:
    assert make_plan(facts(), bad_table(), Version(PRESENT)).answer is Answer.THERE


def test_what_is_impossible_is_said_to_be_so() -> None:
    plan = make_plan(with_state(facts(), 19), table(), GOAL)
    assert [block.can_be_accepted for block in plan.blocks] == [False]
    assert {Rule.SCHEMA, Rule.KIND} <= IMPOSSIBLE
