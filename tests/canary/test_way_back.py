"""The way back, rehearsed: the present release on what a rollback from the candidate's state would restore."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.canary.bench import Bench, sealed_bench
from tests.canary.releases import Candidate, write_release
from tests.world.release import StandIn
from tests.world.world import World
from upgrader.context.proving import settle_clone
from upgrader.domain.canary.report import CanaryReport, Extra
from upgrader.domain.check import Verdict
from upgrader.domain.moves.settle import NotSettled, SettleReport
from upgrader.operations.moves.proving import failures

BACK = frozenset({Extra.ROLLBACK})


@pytest.fixture
def bench(world: World, tmp_path: Path) -> Bench:
    return sealed_bench(world, tmp_path / "bench")


def back(report: CanaryReport) -> dict[str, Verdict]:
    assert report.rehearsal is not None
    return {j.check: j.verdict for j in report.rehearsal.judgements}


def test_the_old_release_opens_what_a_rollback_restores_and_its_agents_work(shared_bench: Bench, candidate: Candidate) -> None:
    bench = shared_bench
    report = bench.run(candidate(), BACK)
    assert (report.verdict, report.control) == (Verdict.PASS, None)
    assert report.rehearsal is not None
    assert (report.rehearsal.version, report.rehearsal.state_schema_after) == ("2026.9.5", 17)
    assert report.candidate.state_schema_after == 18
    for check in ("gateway.ready", "turn.sessions_spawn", "pairing.same.rows", "gateway.ready-again"):
        assert back(report)[check] is Verdict.PASS
    assert list((bench.root / "canaries").iterdir()) == []


def test_a_way_back_that_loses_a_pairing_is_not_let_through(shared_bench: Bench, candidate: Candidate) -> None:
    def losing(incoming: Path, outgoing: Path, workspaces: tuple[Path, ...]) -> SettleReport:
        report = settle_clone(incoming, outgoing, workspaces)
        with closing(sqlite3.connect(incoming / "state" / "openclaw.sqlite")) as connection, connection:
            assert connection.execute("DELETE FROM device_pairing_paired").rowcount
        return report

    report = replace(shared_bench, settle=losing).run(candidate(), BACK)
    assert report.verdict is Verdict.FAIL
    assert back(report)["pairing.recorded"] is Verdict.FAIL
    assert "pairing.recorded" in {each.code for each in failures(report)}


def test_a_way_back_that_cannot_be_settled_is_inconclusive(shared_bench: Bench, candidate: Candidate) -> None:
    def refusing(incoming: Path, outgoing: Path, workspaces: tuple[Path, ...]) -> SettleReport:
        raise NotSettled("a database is damaged", why="malformed")

    assert replace(shared_bench, settle=refusing).run(candidate(), BACK).verdict is Verdict.INCONCLUSIVE


def test_what_the_old_release_fails_anyway_is_not_the_way_backs_doing(bench: Bench, candidate: Candidate) -> None:
    write_release(bench.world.package, StandIn("2026.9.5", faults={"refusesAgents": {}}))
    report = bench.run(candidate(), BACK)
    assert report.verdict is Verdict.PASS
    assert "turn.sessions_spawn" in {each.check for each in report.healed}
