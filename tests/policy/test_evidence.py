"""The table against the records it was made from, and the editors' schema against the model.

evidence_records.json counts the public observations of each release by what they say, with the threads they stand in.
"""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.policy.facts import candidate, facts
from upgrader.adapters.table.model import schema_text
from upgrader.adapters.table.reading import load, shipped
from upgrader.context.choices import Reach
from upgrader.context.machine import Machine
from upgrader.context.tables import show_one
from upgrader.domain.plan.decision import Answer, Rule
from upgrader.domain.plan.policy import make_plan
from upgrader.domain.table.evidence import Entry, Truth, Verdict
from upgrader.domain.version import Version

RECORDS = json.loads(Path(__file__).with_name("evidence_records.json").read_text())
DRAWN = random.Random(20261121).sample(sorted(RECORDS), 20)
EVERY_SOURCE = {source for each in RECORDS.values() for source in each["sources"]}


def shown(version: str, tmp_path: Path) -> Entry:
    """What `known show` has of a release, with no table but the shipped one."""
    found = show_one(Machine.apart(tmp_path, {}), Version(version), Reach.OFFLINE).data.entry
    assert found is not None, f"{version} has records and no entry"
    return found


@pytest.mark.parametrize("version", DRAWN)
def test_what_is_shown_of_a_release_is_what_its_records_say(version: str, tmp_path: Path) -> None:
    entry, records = shown(version, tmp_path), RECORDS[version]
    says = {
        Verdict.BAD: records["bad"] > 0,
        Verdict.GOOD: records["good"] > 0,
        Verdict.CAUTION: records["bad"] + records["caution"] > 0,
        Verdict.UNKNOWN: records["bad"] == 0,
    }
    assert says[entry.verdict], (entry.verdict, records)
    issues = {source for source in entry.sources if "#" in source}
    assert issues <= EVERY_SOURCE
    assert not issues or issues & set(records["sources"]) or entry.truth is Truth.MEASURED


def test_every_release_with_a_record_has_an_entry() -> None:
    known = {str(entry.version) for entry in load().entries}
    assert set(RECORDS) <= known


def test_a_contradiction_among_the_records_stands_in_the_table() -> None:
    """A bad release that somebody found fine, or a good one that somebody did not, never has high confidence by one source."""
    for entry in load().entries:
        records = RECORDS.get(str(entry.version))
        if records and entry.verdict is Verdict.GOOD and records["bad"] >= records["good"]:
            assert entry.confidence.value != "high", entry.version


def test_the_schema_for_editors_is_in_step_with_the_model() -> None:
    """Make it anew after a change: `upgrader known schema > docs/known-versions.schema.json`."""
    kept = shipped().parent / "docs" / "known-versions.schema.json"
    assert kept.read_text() == schema_text()


@pytest.mark.parametrize(("verdict", "answer"), [(Verdict.GOOD, Answer.GO), (Verdict.BAD, Answer.BLOCKED)])
def test_verdicts_come_from_the_table_and_from_nowhere_else(verdict: Verdict, answer: Answer) -> None:
    """One entry of the shipped table is edited, and the plan is another."""
    table = load()
    edited = tuple(
        replace(entry, verdict=verdict, edges=(), specials=()) if str(entry.version) == "2026.9.6" else entry
        for entry in table.entries
    )
    plan = make_plan(facts("2026.9.5", candidate("2026.9.6")), replace(table, entries=edited), Version("2026.9.6"))
    assert plan.answer is answer
    assert [block.rule for block in plan.blocks] == ([Rule.KNOWN_BAD] if verdict is Verdict.BAD else [])
