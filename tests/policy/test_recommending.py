"""What is recommended when no release is named: the best known one that can be reached, never simply the latest."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.facts import candidate, entry, facts, with_state
from upgrader.adapters.table.reading import load
from upgrader.domain.plan.decision import Answer, Direction
from upgrader.domain.plan.facts import PlanFacts, Reach, ReturnPoint
from upgrader.domain.plan.policy import advise, make_plan
from upgrader.domain.table.evidence import Entry, Table, Verdict
from upgrader.domain.version import Version

FROM_OLD = Reach(0, 0)


def on(present: str, *targets: str, schema: int | None = None) -> PlanFacts:
    base = facts(present, *(candidate(target, FROM_OLD if schema is None else Reach(18, 23), "*") for target in targets))
    return with_state(base, schema)


@pytest.mark.parametrize(
    ("present", "wanted"),
    [
        ("2026.2.17", "2026.3.23-2"),
        ("2026.2.19", "2026.3.23-2"),
        ("2026.2.19-2", "2026.3.23-2"),
        ("2026.4.29", "2026.5.26"),
        ("2026.6.1", "2026.6.11"),
        ("2026.9.3", "2026.9.4"),
        ("2026.9.5", "2026.9.6"),
    ],
)
def test_on_the_shipped_table_the_recommended_release_is(present: str, wanted: str) -> None:
    every = ("2026.2.17", "2026.3.23-2", "2026.4.23", "2026.5.26", "2026.6.11", "2026.9.4", "2026.9.5", "2026.9.6")
    plan = make_plan(on(present, *(one for one in every if one != present)), load(), None)
    assert (plan.answer, str(plan.target)) == (Answer.GO, wanted)


@pytest.mark.parametrize("present", ["2026.6.34", "2026.7.1-2", "2026.9.4", "2026.9.6"])
def test_on_the_shipped_table_one_stays_where_nothing_better_is_known(present: str) -> None:
    newer = tuple(one for one in ("2026.7.1-2", "2026.8.1", "2026.9.5", "2026.9.6") if one > present)
    plan = make_plan(on(present, "2026.6.11", *newer, schema=1), load(), None)
    assert (plan.answer, str(plan.target)) == (Answer.STAY, present)


def test_from_a_bad_release_the_way_back_is_named_with_its_command() -> None:
    data = advise(on("2026.2.19", "2026.2.17", "2026.3.23-2"), load(), None)
    assert data.back is not None
    assert data.back.command == "upgrader upgrade 2026.2.17"
    assert [str(fix.version) for fix in data.mended_by] == ["2026.2.22"]


def test_from_a_bad_release_with_no_way_forward_one_is_sent_back() -> None:
    plan = make_plan(on("2026.2.19", "2026.2.17"), load(), None)
    assert (plan.direction, str(plan.target)) == (Direction.OLDER, "2026.2.17")


def test_back_is_never_where_the_schema_forbids_it() -> None:
    base = replace(on("2026.9.5", "2026.2.17", schema=17), returns=(ReturnPoint("s1", Version("2026.9.4")),))
    data = advise(replace(base, candidates=(candidate("2026.6.11", Reach(1, 1)),)), load(), None)
    assert data.back is None
    assert data.returns[0].snapshot == "s1"


def test_the_registrys_newest_is_told_and_not_recommended_while_nothing_is_known_of_it() -> None:
    base = replace(on("2026.9.5", "2026.10.1"), latest=Version("2026.10.1"))
    data = advise(base, load(), None)
    assert data.plan.answer is Answer.STAY
    assert data.newer_unknown == Version("2026.10.1")


def test_what_the_registry_lacks_is_never_recommended() -> None:
    lacking = replace(facts(), candidates=(), lacking=(Version("2026.9.6"),))
    data = advise(lacking, load(), None)
    assert (data.plan.answer, data.forward, data.next_command) == (Answer.STAY, None, "")


def test_a_blocked_release_leads_to_the_one_that_is_open() -> None:
    data = advise(on("2026.2.17", "2026.2.19", "2026.3.23-2"), load(), Version("2026.2.19"))
    assert data.answer is Answer.BLOCKED
    assert data.next_command == "upgrader upgrade 2026.3.23-2"


names = st.integers(min_value=1, max_value=30).map(lambda number: f"2026.4.{number}")
entries = st.dictionaries(names, st.sampled_from(list(Verdict)), max_size=12)


def built(verdicts: dict[str, Verdict]) -> Table:
    made: list[Entry] = [entry(name, verdict) for name, verdict in verdicts.items()]
    return Table(tuple(sorted(made, key=lambda one: one.version)))


@given(entries, names, st.sets(names))
def test_no_table_makes_it_recommend_what_is_bad_unknown_or_not_to_be_had(
    verdicts: dict[str, Verdict], present: str, published: set[str]
) -> None:
    base = on(present, *(sorted(published) or ("2026.1.1",)))
    plan = make_plan(base, built(verdicts), None)
    if plan.answer is Answer.STAY:
        newer = (name for name in published if Version(name) > Version(present))
        assert all(verdicts.get(name) is not Verdict.GOOD for name in newer)
        return
    assert plan.blocks == ()
    assert str(plan.target) in published
    assert verdicts[str(plan.target)] is Verdict.GOOD
    assert plan.direction is Direction.NEWER or verdicts[present] is Verdict.BAD
