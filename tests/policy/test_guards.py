"""What holds a move back although the release may be fine: each rule in a case where it alone decides, and overridden."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.facts import PRESENT, TARGET, TODAY, candidate, entry, facts, installation, table, with_installation
from upgrader.domain.decisions.pin import Grip, Pin, grip, threads
from upgrader.domain.decisions.settings import Settings
from upgrader.domain.plan.decision import Answer, Plan, Rule
from upgrader.domain.plan.facts import Candidate, PlanFacts, Signature
from upgrader.domain.plan.policy import advise, make_plan
from upgrader.domain.table.evidence import Fix, Table, Truth, Verdict
from upgrader.domain.version import Version

GOAL = Version(TARGET)
PIN = Pin(Version(PRESENT), "the trade fair", date(2026, 11, 1))


def published(days_ago: int) -> Candidate:
    moment = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC) - timedelta(days=days_ago)
    return replace(candidate(), release=replace(candidate().release, published=moment))


def signed(signature: Signature) -> PlanFacts:
    return replace(facts(), candidates=(replace(candidate(), signature=signature),))


def aged(days: int | None, *candidates: Candidate) -> PlanFacts:
    return replace(facts(), settings=Settings(minimum_age_days=days), candidates=candidates or (candidate(),))


def blocks(plan: Plan) -> list[Rule]:
    return [each.rule for each in plan.blocks]


def pinned(pin: Pin) -> PlanFacts:
    return replace(facts(), pin=pin)


HELD: dict[Rule, tuple[PlanFacts, Table]] = {
    Rule.PINNED: (pinned(PIN), table()),
    Rule.UNKNOWN_EVIDENCE: (facts(), table(entry(verdict=Verdict.UNKNOWN))),
    Rule.TOO_YOUNG: (aged(7, published(6)), table()),
    Rule.AGE_UNKNOWN: (aged(7), table()),
}


@pytest.mark.parametrize("rule", HELD, ids=lambda rule: rule.value)
def test_it_alone_decides_and_its_override_is_told_with_what_it_said(rule: Rule) -> None:
    base, evidence = HELD[rule]
    held = make_plan(base, evidence, GOAL)
    assert (held.answer, blocks(held)) == (Answer.BLOCKED, [rule])
    assert f"--accept {rule.value}" in held.blocks[0].change
    free = make_plan(replace(base, accept=frozenset({rule.value})), evidence, GOAL)
    assert (free.answer, [each.rule for each in free.accepted]) == (Answer.GO, [rule])


def test_a_wrong_signature_is_a_block_that_no_word_lifts() -> None:
    base = replace(signed(Signature.WRONG), accept=frozenset({"signature_wrong"}))
    assert blocks(make_plan(base, table(), GOAL)) == [Rule.SIGNATURE_WRONG]


@pytest.mark.parametrize(
    ("signature", "warnings"), [(Signature.GOOD, []), (Signature.UNKNOWN, [Rule.SIGNATURE_UNKNOWN]), (Signature.UNASKED, [])]
)
def test_a_signature_that_fits_says_nothing_and_a_missing_one_is_told(signature: Signature, warnings: list[Rule]) -> None:
    plan = make_plan(signed(signature), table(), GOAL)
    assert (plan.answer, [each.rule for each in plan.warnings]) == (Answer.GO, warnings)


def test_a_release_old_enough_is_free() -> None:
    assert blocks(make_plan(aged(7, published(7)), table(), GOAL)) == []


def test_evidence_stands_in_for_age_unless_an_age_was_set() -> None:
    assert blocks(make_plan(aged(None, published(0)), table(), GOAL)) == []
    nothing_known = Table((entry(PRESENT),))
    assert blocks(make_plan(aged(None, published(0)), nothing_known, GOAL)) == [Rule.UNKNOWN_EVIDENCE, Rule.TOO_YOUNG]
    assert blocks(make_plan(aged(None, published(5)), nothing_known, GOAL)) == [Rule.UNKNOWN_EVIDENCE]


@pytest.mark.parametrize("days_ago", [-3, 4000], ids=["to come", "long before its month"])
def test_a_time_that_cannot_be_true_is_not_believed(days_ago: int) -> None:
    assert blocks(make_plan(aged(1, published(days_ago)), table(), GOAL)) == [Rule.AGE_UNKNOWN]


def test_a_pin_keeps_every_other_release_from_being_recommended_and_says_why() -> None:
    data = advise(pinned(PIN), table(), None)
    assert (data.answer, data.forward, data.pin) == (Answer.STAY, None, PIN)


def test_a_pin_to_another_release_is_where_one_is_sent() -> None:
    elsewhere = replace(facts(PRESENT, candidate("2026.9.4")), pin=replace(PIN, version=Version("2026.9.4")))
    plan = make_plan(elsewhere, table(entry("2026.9.4", Verdict.CAUTION)), None)
    assert (plan.answer, str(plan.target)) == (Answer.GO, "2026.9.4")


def test_a_pin_ends_with_its_day_and_it_is_told() -> None:
    on_the_day = pinned(replace(PIN, until=TODAY))
    assert blocks(make_plan(on_the_day, table(), GOAL)) == [Rule.PINNED]
    after = make_plan(pinned(replace(PIN, until=TODAY - timedelta(days=1))), table(), GOAL)
    assert (after.answer, [each.rule for each in after.warnings]) == (Answer.GO, [Rule.PIN_ENDED])


def mended(truth: Truth, *areas: str) -> Table:
    fix = Fix(GOAL, truth, "spawning", areas)
    return table(replace(entry(PRESENT, Verdict.CAUTION), areas=("scopes",), fixes=(fix,)))


def test_a_pin_until_an_area_is_mended_ends_with_the_release_that_mends_it() -> None:
    waiting = pinned(replace(PIN, until_fixed="scopes"))
    data = advise(waiting, mended(Truth.RELEASED, "scopes"), GOAL)
    assert data.answer is Answer.GO
    assert "the fix you wait for is out: 2026.9.6 mends spawning (released)" in data.plan.warnings[0].why
    assert [str(fix.version) for fix in data.fix_out] == ["2026.9.6"]


@pytest.mark.parametrize(
    "evidence",
    [mended(Truth.CLAIMED, "scopes"), mended(Truth.MEASURED, "pairing"), table()],
    ids=["only claimed", "another area", "nothing known"],
)
def test_a_pin_until_an_area_is_mended_holds_as_long_as_that_is_not_known(evidence: Table) -> None:
    assert blocks(make_plan(pinned(replace(PIN, until_fixed="scopes")), evidence, GOAL)) == [Rule.PINNED]


def test_a_fix_in_a_release_the_registry_lacks_is_not_out() -> None:
    base = replace(pinned(replace(PIN, until_fixed="scopes")), candidates=())
    assert advise(base, mended(Truth.RELEASED, "scopes"), None).fix_out == ()


def test_a_target_that_has_the_fault_itself_mends_nothing() -> None:
    evidence = table(
        replace(entry(PRESENT, Verdict.CAUTION), areas=("scopes",), fixes=(Fix(GOAL, Truth.RELEASED, "", ("scopes",)),)),
        replace(entry(TARGET, Verdict.CAUTION), areas=("scopes",)),
    )
    assert grip(replace(PIN, until_fixed="scopes"), evidence, GOAL, TODAY) is Grip.HOLDS


def test_the_threads_to_follow_are_those_of_the_faults_in_that_area() -> None:
    assert threads(mended(Truth.CLAIMED, "scopes"), "scopes", Version(PRESENT)) == ("openclaw/openclaw#1",)
    assert threads(table(), "scopes", Version(PRESENT)) == ()


@given(st.dates(min_value=date(2026, 1, 1), max_value=date(2027, 12, 31)), st.sampled_from(["", "scopes"]))
def test_a_pin_holds_until_its_day_is_past_and_never_after(until: date, area: str) -> None:
    found = grip(replace(PIN, until=until, until_fixed=area), table(), GOAL, TODAY)
    assert (found is Grip.HOLDS) is (until >= TODAY)


def test_the_node_of_the_terminal_is_told_where_it_does_not_fit_although_the_gateways_does() -> None:
    plan = make_plan(replace(facts(), path_node="22.19.0"), table(), GOAL)
    assert (plan.answer, [each.rule for each in plan.warnings]) == (Answer.GO, [Rule.PATH_NODE])
    assert "PATH's Node 22.19.0" in plan.warnings[0].why
    assert make_plan(replace(facts(), path_node="24.17.0"), table(), GOAL).warnings == ()


def test_a_channel_whose_plugin_left_the_package_is_told_unless_it_is_installed_by_itself() -> None:
    here = replace(installation(), channels=("discord", "telegram"))
    base = replace(
        with_installation(facts(), here),
        bundled=("discord", "slack", "telegram"),
        candidates=(replace(candidate(), bundled=("telegram",)),),
    )
    plan = make_plan(base, table(), GOAL)
    assert (plan.answer, [each.rule for each in plan.warnings]) == (Answer.GO, [Rule.PLUGIN_LEFT])
    assert plan.warnings[0].why.endswith("discord")
    assert make_plan(replace(base, own_plugins=("discord",)), table(), GOAL).warnings == ()


@pytest.mark.parametrize(
    ("left_out", "rule"), [(None, Rule.PLUGIN_UNKNOWN), (("acpx", "discord"), Rule.PLUGIN_LEFT), (("acpx",), None)]
)
def test_of_a_release_that_is_not_staged_its_manifest_tells_which_plugins_left(
    left_out: tuple[str, ...] | None, rule: Rule | None
) -> None:
    here = replace(installation(), channels=("discord",))
    goal = replace(candidate(), release=replace(candidate().release, left_out=left_out))
    base = replace(with_installation(facts(), here), bundled=("discord",), candidates=(goal,))
    assert [each.rule for each in make_plan(base, table(), GOAL).warnings] == ([rule] if rule else [])


def test_a_beta_is_recommended_to_those_who_chose_betas_alone() -> None:
    base = facts(PRESENT, candidate("2026.9.6-beta.1"))
    evidence = Table((entry(PRESENT), entry("2026.9.6-beta.1")))
    assert make_plan(base, evidence, None).answer is Answer.STAY
    assert make_plan(replace(base, settings=Settings(channel="beta")), evidence, None).answer is Answer.GO
