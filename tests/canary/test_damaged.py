"""Damaged candidates: each fails for its own reason, is laid on the release, and leaves nothing behind."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.canary.bench import Bench, judged, sealed_bench
from tests.canary.releases import Candidate
from tests.world.world import World
from upgrader.domain.canary.course import Budgets
from upgrader.domain.canary.report import Blame
from upgrader.domain.check import Need, Verdict

PATIENT = Budgets.for_state(0)
SHORT = replace(PATIENT, doctor=timedelta(seconds=3), ready=timedelta(seconds=3))  # what hangs is waited for that long


@pytest.fixture
def bench(world: World, tmp_path: Path) -> Bench:
    return sealed_bench(world, tmp_path / "bench")


@pytest.mark.parametrize(
    ("fault", "check", "said"),
    [
        ({"throwsAtStart": {"message": "cannot read the plan"}}, "gateway.ready", "cannot read the plan"),
        ({"neverReady": {}}, "gateway.ready", "was not ready in time"),
        ({"flaps": {"afterMs": 600, "code": 7}}, "gateway.stays", "was ready and then ended with 7"),
        ({"endsAtLast": {"code": 7}}, "gateway.stays-again", "was ready and then ended with 7"),
        ({"terminalEnds": {"message": "cannot draw"}}, "tui", "cannot draw"),
        ({"doctorHangs": {}}, "doctor", "did not end in time"),
        ({"doctorFails": {"message": "no maintenance today", "code": 3}}, "doctor", "no maintenance today"),
        ({"closesAgents": {"reason": "no agents here"}}, "turn.sessions_spawn", "no agents here"),
    ],
    ids=[
        "throws",
        "never ready",
        "ready and exits",
        "exits after the restart",
        "the terminal client ends",
        "doctor hangs",
        "doctor fails",
        "closes agents",
    ],
)
def test_a_damaged_release_fails_for_its_own_reason(
    shared_bench: Bench, candidate: Candidate, fault: dict[str, Any], check: str, said: str
) -> None:
    bench = replace(shared_bench, budgets=SHORT if "neverReady" in fault or "doctorHangs" in fault else PATIENT)
    report = bench.run(candidate(**fault))
    assert (report.verdict, report.blame) == (Verdict.FAIL, Blame.RELEASE), report.candidate.judgements
    assert judged(report, check).verdict is Verdict.FAIL
    assert said in judged(report, check).why
    assert list((bench.root / "canaries").iterdir()) == []
    assert len(bench.world.gateways()) == 1


def test_where_no_turn_with_tools_is_allowed_an_agent_answers_after_the_restart_too(bench: Bench, candidate: Candidate) -> None:
    bench.world.stop_gateway()
    bench.world.edit_config(lambda config: config.update(tools={"deny": ["group:sessions"]}))
    bench.world.start_gateway()
    report = bench.run(candidate())
    assert report.verdict is Verdict.PASS, report.candidate.judgements
    assert judged(report, "turn.sessions_spawn").verdict is Verdict.NOT_APPLICABLE
    assert judged(report, "turn-again.plain").verdict is Verdict.PASS


def test_a_release_with_a_missing_file_names_it(shared_bench: Bench, candidate: Candidate) -> None:
    slot = candidate()
    (slot.package_root / "dist" / "gateway.js").unlink()
    report = shared_bench.run(slot)
    assert (report.verdict, report.blame) == (Verdict.FAIL, Blame.RELEASE)
    assert "<package>/dist/gateway.js" in judged(report, "gateway.ready").why


def plant(world: World) -> None:
    """An account in a file, two skills, an enabled plugin in the index."""
    file = world.state / "agents" / "main" / "agent" / "auth-profiles.json"
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.write_text('{"version": 1, "profiles": {"openai:mine": {"type": "api_key", "key": "sk-secret"}}}')
    for name in ("weather", "diary"):
        skill = world.state / "skills" / name / "SKILL.md"
        skill.parent.mkdir(mode=0o700, parents=True)
        skill.write_text(f"---\nname: {name}\nversion: 1.2\n---\nSay it.\n")
    index = {"index": {"plugins": [{"pluginId": "notes", "enabled": True, "packageVersion": "1.0", "origin": "global"}]}}
    with closing(sqlite3.connect(world.database, timeout=10)) as connection, connection:
        connection.execute("DELETE FROM config_machine_state WHERE state_key = 'plugins.installedIndex'")
        sql = "INSERT INTO config_machine_state (state_key, value_json, updated_at_ms) VALUES ('plugins.installedIndex', ?, 0)"
        connection.execute(sql, (json.dumps(index, separators=(",", ":")),))


def test_what_a_migration_loses_is_named_and_a_lost_account_decides(bench: Bench, candidate: Candidate) -> None:
    plant(bench.world)
    lost = {"config": "session", "account": "main", "table": "cron_jobs", "plugin": "notes", "skill": "diary"}
    bench.world.stop_gateway()
    bench.world.edit_config(lambda config: config.update(session={"mainKey": "main"}))
    bench.world.start_gateway()
    report = bench.run(candidate(migrationForgets=lost))
    assert (report.verdict, report.blame) == (Verdict.FAIL, Blame.RELEASE)
    assert "openai:mine" in judged(report, "migration.credentials").why
    assert "secret" not in judged(report, "migration.credentials").why
    assert "session.mainKey" in judged(report, "migration.config").why
    assert "cron_jobs 1 → 0" in judged(report, "migration.rows").why
    assert "notes" in judged(report, "migration.plugins").why
    assert judged(report, "migration.skills").why == "skills are gone or no longer load: diary"
    assert judged(report, "migration.rows").need is Need.WANTED
    assert report.candidate.migration is not None
    assert next((s.before, s.after) for s in report.candidate.migration.schemas) == (17, 18)


def test_a_good_migration_loses_nothing_and_its_turns_lie_in_the_clone(bench: Bench, candidate: Candidate) -> None:
    plant(bench.world)
    report = bench.run(candidate())
    for part in ("credentials", "config", "rows", "plugins", "skills", "skill-versions"):
        assert judged(report, f"migration.{part}").verdict is Verdict.PASS, judged(report, f"migration.{part}")
    for check in ("clone.answered", "restart.converges"):
        assert judged(report, check).verdict is Verdict.PASS, judged(report, check)
    assert (report.candidate.memory_bytes or 0) > 10_000_000


def test_a_turn_that_is_turned_away_for_a_moment_is_taken_again_and_it_is_told(bench: Bench, candidate: Candidate) -> None:
    report = bench.run(candidate(ownedAtFirst={"turns": 1}))
    assert report.verdict is Verdict.PASS
    assert "turned away for a moment" in judged(report, "turn.sessions_spawn").why


@pytest.mark.thorough  # it waits for each try
def test_agents_that_are_turned_away_until_a_restart_are_told_and_do_not_condemn(bench: Bench, candidate: Candidate) -> None:
    stuck = {"turns": 1000, "untilRestart": True, "text": "Agent database cleanup failed"}
    report = bench.run(candidate(ownedAtFirst=stuck))
    assert report.verdict is Verdict.PASS, report.candidate.judgements
    told = judged(report, "turn.sessions_spawn")
    assert (told.verdict, told.need) == (Verdict.FAIL, Need.WANTED)
    assert judged(report, "turn-again.sessions_spawn").verdict is Verdict.PASS


@pytest.mark.long  # it waits for each of many turns
def test_a_release_that_turns_agents_away_again_and_again_fails(bench: Bench, candidate: Candidate) -> None:
    report = bench.run(candidate(ownedAtFirst={"turns": 1000}))
    assert (report.verdict, report.blame) == (Verdict.FAIL, Blame.RELEASE)
    assert "owns state-lifecycle" in judged(report, "turn.sessions_spawn").why
