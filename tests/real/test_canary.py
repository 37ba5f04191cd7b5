"""The canary with the real OpenClaw: what it must let through, and what it must hold."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.canary.bench import Bench, judged, slot
from tests.real.conftest import Installed, RealWorldOf
from tests.real.worlds import RealWorld, paired_by_2_17_itself
from tests.world.digests import tree_digest
from upgrader.domain.canary.report import Blame, CanaryReport, Extra, Seal
from upgrader.domain.check import Need, Verdict

pytestmark = [pytest.mark.real, pytest.mark.timeout(3600)]


def _bench(world: RealWorld, root: Path, seal: Seal = Seal.SEALED) -> Bench:
    bench = Bench(world, root / "bench", seal)
    if bench.places().seal() is not seal:
        pytest.skip(f"this machine permits no namespaces: {bench.places().why_unsealed()}")
    bench.take_snapshot()  # that opens the live databases; what is looked at afterwards is the canary alone
    return bench


def _required_failures(report: CanaryReport) -> set[str]:
    return {j.check for j in report.candidate.judgements if j.verdict is Verdict.FAIL and j.need is Need.REQUIRED}


def _print_what_does_not_pass(report: CanaryReport) -> None:
    for run in (report.candidate, report.control):
        for j in run.judgements if run else ():
            if j.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE) and j.need is Need.REQUIRED:
                print(run.version if run else "", j.check, j.verdict.value, j.why)


def test_2026_9_6_passes_on_a_state_of_2026_9_5(real_world_of: RealWorldOf, installed: Installed, tmp_path: Path) -> None:
    world = real_world_of("2026.9.5")
    bench = _bench(world, tmp_path)
    live = tree_digest(world.state)
    report = bench.run(slot(installed("2026.9.6").package, "2026.9.6", world.node.node))
    assert _required_failures(report) == set()
    assert (report.verdict, report.seal) == (Verdict.PASS, Seal.SEALED)
    print([(step.name, round(step.began, 1), round(step.seconds, 1)) for step in report.candidate.steps])
    turns = ("turn.sessions_spawn", "turn.sessions_send", "turn-again.sessions_spawn", "turn-again.sessions_send")
    for check in (*turns, "tui", "gateway.ready-again", "restart.converges", "clone.answered"):
        assert judged(report, check).verdict is Verdict.PASS, judged(report, check)
    assert (report.candidate.state_schema_before, report.candidate.state_schema_after) == (17, 18)
    assert tree_digest(world.state) == live
    assert list((bench.root / "canaries").iterdir()) == []
    assert not world.gateways()


def test_2026_2_19_fails_on_a_state_paired_by_2026_2_17_for_the_pairing_and_nothing_else(
    real_world_of: RealWorldOf, installed: Installed, tmp_path: Path
) -> None:
    world = paired_by_2_17_itself(real_world_of("2026.2.17"))
    bench = _bench(world, tmp_path)
    live = tree_digest(world.state)
    report = bench.run(slot(installed("2026.2.19").package, "2026.2.19", world.node.node))
    assert (report.verdict, report.blame) == (Verdict.FAIL, Blame.RELEASE)
    assert report.candidate.cut  # a failure is told without a restart
    for check in ("turn.sessions_spawn", "turn.sessions_send"):
        assert "pairing required" in judged(report, check).why, check
    for check in ("doctor", "gateway.ready", "turn.plain"):  # what liveness checks see is fine
        assert judged(report, check).verdict is Verdict.PASS, check
    assert tree_digest(world.state) == live


def test_2026_2_22_passes_on_a_state_paired_by_2026_2_17(
    real_world_of: RealWorldOf, installed: Installed, tmp_path: Path
) -> None:
    world = paired_by_2_17_itself(real_world_of("2026.2.17"))
    report = _bench(world, tmp_path).run(slot(installed("2026.2.22").package, "2026.2.22", world.node.node))
    assert _required_failures(report) == set()
    assert report.verdict is Verdict.PASS


def test_one_narrowed_scope_of_a_real_clone_fails(real_world_of: RealWorldOf, installed: Installed, tmp_path: Path) -> None:
    def narrow(state: Path) -> None:
        with closing(sqlite3.connect(state / "state" / "openclaw.sqlite")) as connection, connection:
            sql = "UPDATE device_pairing_paired SET scopes_json = replace(scopes_json, 'operator.write', 'operator.read')"
            assert connection.execute(sql).rowcount

    world = real_world_of("2026.9.5")
    bench = _bench(world, tmp_path)
    bench.spoil = narrow
    report = bench.run(slot(installed("2026.9.6").package, "2026.9.6", world.node.node))
    assert report.verdict is Verdict.FAIL
    assert "device_pairing_paired" in judged(report, "clone.like-source").why


def test_a_device_token_broken_beforehand_is_pre_existing_and_not_the_candidates_fault(
    real_world_of: RealWorldOf, installed: Installed, tmp_path: Path
) -> None:
    world = real_world_of("2026.9.5")
    with closing(sqlite3.connect(world.database)) as connection, connection:
        assert connection.execute("UPDATE device_auth_tokens SET token = 'x' || substr(token, 2)").rowcount == 1
    report = _bench(world, tmp_path).run(slot(installed("2026.9.6").package, "2026.9.6", world.node.node))
    assert (report.verdict, report.blame) == (Verdict.PASS, Blame.STATE)
    assert {j.check for j in report.remaining} == {"pairing.token-equal.operator", "live.handshake.stored-token"}
    assert judged(report, "clone.answered").verdict is Verdict.PASS


def test_from_a_state_of_2_17_that_2_19_refuses_2_22_heals(
    real_world_of: RealWorldOf, installed: Installed, tmp_path: Path
) -> None:
    world = paired_by_2_17_itself(real_world_of("2026.2.17"))
    world.prefix.unlink()  # the worlds of this tier link the package
    world.prefix.symlink_to(installed("2026.2.19").prefix)
    report = _bench(world, tmp_path).run(slot(installed("2026.2.22").package, "2026.2.22", world.node.node))
    _print_what_does_not_pass(report)
    assert (report.verdict, report.blame) == (Verdict.PASS, Blame.NONE)
    assert {"turn.sessions_spawn", "turn.sessions_send"} <= {j.check for j in report.healed}


@pytest.mark.long
def test_from_the_same_state_2_21_still_fails_and_says_so_per_kind_of_client(
    real_world_of: RealWorldOf, installed: Installed, tmp_path: Path
) -> None:
    world = paired_by_2_17_itself(real_world_of("2026.2.17"))
    world.prefix.unlink()
    world.prefix.symlink_to(installed("2026.2.19").prefix)
    report = _bench(world, tmp_path).run(slot(installed("2026.2.21").package, "2026.2.21", world.node.node))
    assert (report.verdict, report.blame) == (Verdict.PASS, Blame.BOTH)  # no worse; an empty profile of 2.21 fails alike
    assert {"live.handshake.backend-read", "pairing.scopes.backend-read"} <= {j.check for j in report.healed}
    still = {"turn.sessions_spawn", "turn.sessions_send", "live.handshake.backend-write"}
    assert still <= {j.check for j in report.remaining}


def test_the_way_back_from_2_22_is_rehearsed(real_world_of: RealWorldOf, installed: Installed, tmp_path: Path) -> None:
    world = paired_by_2_17_itself(real_world_of("2026.2.17"))
    candidate = slot(installed("2026.2.22").package, "2026.2.22", world.node.node)
    report = _bench(world, tmp_path).run(candidate, frozenset({Extra.ROLLBACK}))
    assert report.verdict is Verdict.PASS
    assert report.rehearsal is not None
    assert not [j for j in report.rehearsal.judgements if j.verdict is Verdict.FAIL and j.need is Need.REQUIRED]


@pytest.mark.long
@pytest.mark.parametrize(("present", "target"), [("2026.9.5", "2026.9.6"), ("2026.2.17", "2026.2.22")])
def test_without_namespaces_a_good_release_passes_with_its_limits_told(
    present: str, target: str, real_world_of: RealWorldOf, installed: Installed, tmp_path: Path
) -> None:
    world = real_world_of(present)
    if present == "2026.2.17":
        paired_by_2_17_itself(world)
    bench = _bench(world, tmp_path, Seal.UNSEALED)
    live = tree_digest(world.state)
    report = bench.run(slot(installed(target).package, target, world.node.node))
    assert _required_failures(report) == set()
    assert report.verdict is Verdict.PASS
    assert any("not sealed" in limit for limit in report.limits)
    assert tree_digest(world.state) == live
