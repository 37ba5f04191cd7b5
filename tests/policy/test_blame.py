"""Whom a failed canary is laid on, what a move heals, and when nothing can be said."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upgrader.domain.canary.report import Blame
from upgrader.domain.check import Judgement, Need, Verdict, worse_than
from upgrader.domain.checks.blame import Beside, alone, beside, in_empty_profile, with_way_back
from upgrader.services.openclaw.canary.clone_runs import reason

Runs = tuple[Judgement, ...]


def failed(check: str, why: str) -> Judgement:
    return Judgement(check, Verdict.FAIL, why)


def passed(check: str) -> Judgement:
    return Judgement(check, Verdict.PASS, "ok")


def said(found: Beside) -> tuple[Verdict, Blame]:
    return found.verdict, found.blame


def test_a_control_that_passes_lays_it_on_the_release() -> None:
    assert said(beside((failed("a", "x"),), (passed("a"),), reason)) == (Verdict.FAIL, Blame.RELEASE)


def test_the_same_fault_in_both_runs_was_there_before_and_does_not_forbid_the_move() -> None:
    candidate = (failed("a", "request 8f14e45f-ceea-467f-a9a8-0123456789ab on port 18789 refused"), passed("b"))
    control = (failed("a", "request 1f14e45f-ceea-467f-a9a8-0123456789ab on port 40123 refused"), passed("b"))
    found = beside(candidate, control, reason)
    assert said(found) == (Verdict.PASS, Blame.STATE)
    assert found.remaining == candidate[:1]


def test_releases_that_say_one_refusal_in_two_ways_fail_for_one_reason() -> None:
    candidate = (failed("a", "gateway closed (1008): pairing required"), passed("b"))
    control = (failed("a", "pairing required: device is asking for more scopes (requestId: 4)"), passed("b"))
    assert beside(candidate, control, reason).blame is Blame.STATE


@pytest.mark.parametrize(
    ("candidate", "control"),
    [
        (failed("a", "cli: device token mismatch; tui: pairing required"), failed("a", "tui: pairing required")),
        (replace(failed("a", "x"), about=("phone", "laptop")), replace(failed("a", "x"), about=("phone",))),
        (replace(failed("a", "x"), about=("phone",)), replace(failed("a", "x"), about=("laptop",))),
    ],
    ids=["for one reason more", "of one device more", "of another device"],
)
def test_what_fails_of_something_else_or_for_more_reasons_is_not_the_fault_that_was_there(
    candidate: Judgement, control: Judgement
) -> None:
    assert said(beside((candidate, passed("b")), (control, passed("b")), reason)) == (Verdict.INCONCLUSIVE, Blame.UNKNOWN)


def test_a_fault_that_concerns_more_devices_than_before_is_worse() -> None:
    before, after = (replace(failed("a", "x"), about=names) for names in (("phone",), ("laptop", "phone")))
    assert worse_than((before,), (after,)) == (after,)
    assert worse_than((after,), (before,)) == ()


def test_releases_that_both_call_out_fail_alike_whomever_they_call() -> None:
    candidate = (failed("silence", "it called TCP 192.0.2.1:443"), passed("b"))
    control = (failed("silence", "it called TCP 192.0.2.7:443, DNS 192.0.2.53:53"), passed("b"))
    assert said(beside(candidate, control, reason)) == (Verdict.PASS, Blame.STATE)


@pytest.mark.parametrize(
    "control",
    [
        (failed("a", "another reason"),),
        (failed("b", "x"),),
        (failed("b", "x"), passed("a")),
        (Judgement("place", Verdict.INCONCLUSIVE, "gone"),),
        (Judgement("a", Verdict.INCONCLUSIVE, "the stand-in model died"), failed("b", "x")),
    ],
    ids=["for another reason", "at another step", "at another step alone", "could not be judged", "not judged at this step"],
)
def test_a_control_that_fails_differently_says_nothing(control: Runs) -> None:
    assert said(beside((failed("a", "x"),), control, reason)) == (Verdict.INCONCLUSIVE, Blame.UNKNOWN)


def test_a_release_that_breaks_more_than_was_broken_is_to_blame() -> None:
    found = beside((failed("a", "x"), failed("b", "y")), (failed("a", "x"), passed("b")), reason)
    assert said(found) == (Verdict.FAIL, Blame.RELEASE)
    assert [each.check for each in found.remaining] == ["a"]


def test_a_fault_that_was_there_before_does_not_forbid_what_heals_another() -> None:
    found = beside((failed("a", "x"), passed("b")), (failed("a", "x"), failed("b", "y")), reason)
    assert said(found) == (Verdict.PASS, Blame.STATE)
    assert [each.check for each in found.healed] == ["b"]


def test_a_failure_of_the_control_that_the_candidate_never_reached_is_not_called_healed() -> None:
    found = beside((failed("a", "x"),), (failed("a", "x"), failed("b", "y")), reason)
    assert said(found) == (Verdict.INCONCLUSIVE, Blame.STATE)
    assert found.healed == ()


def test_a_candidate_that_passes_heals_what_the_control_fails() -> None:
    found = beside((passed("a"), passed("b")), (failed("a", "x"), passed("b")), reason)
    assert said(found) == (Verdict.PASS, Blame.NONE)
    assert [each.check for each in found.healed] == ["a"]


@pytest.mark.parametrize(
    ("step", "why"),
    [
        *((step, "x") for step in ("doctor", "gateway.ready", "gateway.stays-again", "turn.plain", "turn-again.plain")),
        ("turn.sessions_send", "sessions_send was never answered; the turn did not end in time"),
    ],
)
def test_two_gateways_that_never_serve_an_agent_or_not_in_time_prove_nothing_though_both_fail_alike(
    step: str, why: str
) -> None:
    assert said(beside((failed(step, why),), (failed(step, why),), reason)) == (Verdict.INCONCLUSIVE, Blame.STATE)


@pytest.mark.parametrize(
    ("rehearsal", "verdict"),
    [
        ((passed("a"), failed("b", "x")), Verdict.FAIL),
        ((failed("a", "x"), passed("b")), Verdict.PASS),
        ((failed("a", "uses newer schema version"), passed("b")), Verdict.INCONCLUSIVE),
        ((Judgement("b", Verdict.INCONCLUSIVE, "x"),), Verdict.INCONCLUSIVE),
    ],
)
def test_a_way_back_may_fail_only_as_this_state_does_anyway(rehearsal: Runs, verdict: Verdict) -> None:
    healing = beside((passed("a"), passed("b")), (failed("a", "x"), passed("b")), reason)
    assert with_way_back(healing, rehearsal, reason) is verdict


def test_what_an_empty_profile_shows_too_is_no_fault_of_the_state() -> None:
    found = beside((failed("a", "x"), passed("b")), (failed("a", "x"), passed("b")), reason)
    assert in_empty_profile(found, (failed("a", "x"),), reason).blame is Blame.BOTH
    assert in_empty_profile(found, (failed("a", "another"),), reason).blame is Blame.STATE
    assert in_empty_profile(found, (passed("a"),), reason).blame is Blame.STATE


def test_a_probe_that_could_not_be_made_is_no_failure_of_the_release() -> None:
    assert said(alone((Judgement("a", Verdict.INCONCLUSIVE, "x"), passed("b")))) == (Verdict.INCONCLUSIVE, Blame.PROBE)
    assert said(alone((passed("b"),))) == (Verdict.PASS, Blame.NONE)


_JUDGEMENTS = st.lists(
    st.builds(
        Judgement,
        check=st.sampled_from(["a", "b", "c", "gateway.ready"]),
        verdict=st.sampled_from(list(Verdict)),
        why=st.sampled_from(["x", "y"]),
        need=st.sampled_from(list(Need)),
    ),
    max_size=4,
    unique_by=lambda j: j.check,
).map(tuple)


@given(candidate=_JUDGEMENTS, control=_JUDGEMENTS)
def test_a_failure_becomes_a_pass_only_when_the_control_failed_the_very_same_way(candidate: Runs, control: Runs) -> None:
    found = beside((*candidate, failed("d", "x")), control, reason)
    if found.verdict is Verdict.PASS:
        assert failed("d", "x") in control


@given(candidate=_JUDGEMENTS, control=_JUDGEMENTS)
def test_nothing_worse_than_the_control_is_ever_let_through_and_healed_means_seen_to_pass(
    candidate: Runs, control: Runs
) -> None:
    found = beside(candidate, control, reason)
    required = {j.check: j for j in candidate if j.need is Need.REQUIRED and j.verdict is Verdict.FAIL}
    before = {j.check for j in control if j.need is Need.REQUIRED and j.verdict is Verdict.FAIL}
    if found.verdict is Verdict.PASS:
        assert required.keys() <= before
    assert {j.check for j in found.healed} <= {j.check for j in candidate if j.verdict is Verdict.PASS}


_STATES: dict[str, Judgement | None] = {
    "passes": passed("?"),
    "fails x": failed("?", "x"),
    "fails y": failed("?", "y"),
    "unclear": Judgement("?", Verdict.INCONCLUSIVE, "x"),
    "not allowed": Judgement("?", Verdict.NOT_APPLICABLE, "x"),
    "not reached": None,
}
_UNTOLD = ("unclear", "not allowed", "not reached")
_CHECKS = ("turn.sessions_spawn", "turn-again.sessions_spawn")
_OUTCOMES = tuple(product(_STATES, repeat=2))


def _run(states: tuple[str, ...]) -> Runs:
    found = ((check, _STATES[state]) for check, state in zip(_CHECKS, states, strict=True))
    return (passed("clone.like-source"), *(replace(each, check=check) for check, each in found if each is not None))


@pytest.mark.parametrize("candidate", [one for one in _OUTCOMES if any(state.startswith("fails") for state in one)])
def test_of_every_outcome_beside_every_other_none_that_is_worse_passes_and_none_that_is_alike_fails(
    candidate: tuple[str, ...],
) -> None:
    for control in _OUTCOMES:
        pairs = tuple(zip(candidate, control, strict=True))
        verdict = beside(_run(candidate), _run(control), reason).verdict
        worse = [pair for pair in pairs if pair[0] != "passes" and pair[1] == "passes"]
        if worse:
            assert verdict is not Verdict.PASS, pairs
        if verdict is Verdict.FAIL:
            assert any(now.startswith("fails") and was != now for now, was in pairs), pairs
            assert any(now.startswith("fails") and was in ("passes", "not reached") for now, was in pairs), pairs
        if verdict is Verdict.PASS:
            assert all(now == was or now == "passes" or was in _UNTOLD for now, was in pairs), pairs
