"""A clone that is not its source in any of what is to be judged must not be judged."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.pairing.stores import KNOWLEDGE, Stored
from upgrader.domain.check import Judgement, Verdict, overall
from upgrader.domain.checks.live import compare, judge, likeness
from upgrader.domain.pairing.observation import LogFinding, Observation, Reach, Weight
from upgrader.domain.secret import Fingerprint
from upgrader.domain.version import Version

RULES = KNOWLEDGE.rules(Version("2026.9.6"))


@pytest.fixture
def source(tmp_path: Path) -> Stored:
    """The source's store."""
    return Stored(tmp_path / "source", "sqlite")


def seen(stored: Stored, **more: object) -> Observation:
    whole = Observation(
        Version("2026.9.6"), stored.read(), running=True, ready=True, gateway_auth=Fingerprint.of("t"), tool_policy="{}"
    )
    return replace(whole, **more)  # type: ignore[arg-type]


def clone_of(source: Stored, tmp_path: Path) -> Stored:
    return Stored(tmp_path / "clone", "sqlite", own=source.own, phone=source.phone)


def failed(judgements: tuple[Judgement, ...]) -> set[str]:
    return {j.check for j in judgements if j.verdict is Verdict.FAIL}


def test_a_true_clone_is_its_source(source: Stored, tmp_path: Path) -> None:
    found = likeness(seen(source), seen(clone_of(source, tmp_path)), RULES)
    assert overall(found) is Verdict.PASS


def test_a_clone_with_one_scope_narrowed_fails(source: Stored, tmp_path: Path) -> None:
    clone = clone_of(source, tmp_path)
    clone.edit(clone.phone, lambda record: record["approvedScopes"].remove("operator.admin"))
    assert "pairing.same.scopes" in failed(likeness(seen(source), seen(clone), RULES))


def test_a_clone_with_another_auth_or_tool_policy_fails(source: Stored, tmp_path: Path) -> None:
    clone = clone_of(source, tmp_path)
    other = seen(clone, gateway_auth=Fingerprint.of("u"), tool_policy='{"deny":["exec"]}')
    found = likeness(seen(source), other, RULES)
    assert failed(found) == {"live.same.auth", "live.same.tools"}
    assert overall(found) is Verdict.FAIL


def test_between_two_looks_at_a_live_gateway_a_rewritten_tool_policy_is_only_told(source: Stored) -> None:
    found = compare(seen(source), seen(source, tool_policy='{"deny":[]}'), RULES)
    assert failed(found) == {"live.same.tools"}
    assert overall(found) is Verdict.PASS


def test_a_fault_in_the_log_decides_and_a_notice_is_told(source: Stored) -> None:
    fault = LogFinding("agent-pairing-required", 3, "…", Weight.FAULT, "an agent was not let in", "look")
    assert overall(judge(seen(source, log=(fault,)), RULES)) is Verdict.FAIL
    told = replace(fault, weight=Weight.NOTICE)
    assert overall(judge(seen(source, log=(told,)), RULES)) is Verdict.PASS


def test_a_probe_that_changed_a_live_store_is_told(source: Stored) -> None:
    assert "live.untouched" in failed(judge(seen(source, store_changed_by_probe=True), RULES))
    on_clone = seen(source, store_changed_by_probe=True, reach=Reach.CLONE)
    assert "live.untouched" not in failed(judge(on_clone, RULES))
