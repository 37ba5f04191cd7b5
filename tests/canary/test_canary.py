"""The canary on a disposable machine: what passes, what fails and whom it is laid on, and what is never touched."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.canary.bench import Bench, judged, sealed_bench, slot
from tests.canary.releases import Candidate
from tests.world.digests import tree_digest
from tests.world.fixtures import SeedOf, WorldOf
from tests.world.release import StandIn
from tests.world.world import World
from upgrader.domain.canary.own_probes import OwnProbe
from upgrader.domain.canary.report import Blame, Seal
from upgrader.domain.check import Need, Verdict

NARROWED = '["operator.read"]'


@pytest.fixture
def bench(world: World, tmp_path: Path) -> Bench:
    return sealed_bench(world, tmp_path / "bench")


def _clean(bench: Bench) -> None:
    """Nothing is left: no directory, no process but the live gateway."""
    assert list((bench.root / "canaries").iterdir()) == []
    assert len(bench.world.gateways()) == 1


def test_a_good_release_passes_beside_the_running_gateway(bench: Bench, candidate: Candidate) -> None:
    bench.take_snapshot()
    snapshot = tree_digest(bench.snapshot_tree)
    report = bench.run(candidate())
    assert [j for j in report.candidate.judgements if j.verdict is Verdict.FAIL and j.need is Need.REQUIRED] == []
    assert (report.verdict, report.seal, report.blame, report.control) == (Verdict.PASS, Seal.SEALED, Blame.NONE, None)
    assert (report.candidate.state_schema_before, report.candidate.state_schema_after) == (17, 18)
    for check in (
        *("turn.sessions_spawn", "turn.sessions_send", "turn.reply", "turn-again.sessions_spawn", "turn-again.reply"),
        *("silence", "clone.like-source"),
    ):
        assert judged(report, check).verdict is Verdict.PASS, check
    assert 0 < (report.candidate.listening_seconds or 0) < (report.candidate.ready_seconds or 0)
    assert tree_digest(bench.snapshot_tree) == snapshot
    assert bench.world.schema() == 17
    _clean(bench)
    compiled = bench.root / "live-tmp" / "node-compile-cache" / "openclaw"
    assert [path for path in compiled.rglob("*") if path.is_file()]  # handed on


def test_a_stopped_live_state_keeps_every_byte_and_every_time(bench: Bench, candidate: Candidate) -> None:
    bench.world.stop_gateway()
    bench.take_snapshot()  # that reads the live databases; here it is the canary alone that is looked at

    def seen() -> dict[str, tuple[int, int, int, int]]:
        paths = [bench.world.state, *bench.world.state.rglob("*")]
        return {str(p): (f.st_ino, f.st_size, f.st_mtime_ns, f.st_ctime_ns) for p in paths for f in [p.lstat()]}

    before, digest = seen(), tree_digest(bench.world.state)
    assert bench.run(candidate(refusesAgents={})).control is not None
    assert (seen(), tree_digest(bench.world.state)) == (before, digest)


def test_a_release_that_refuses_its_agents_fails_and_the_control_lays_it_on_the_release(
    bench: Bench, candidate: Candidate
) -> None:
    report = bench.run(candidate(refusesAgents={}))
    assert (report.verdict, report.blame) == (Verdict.FAIL, Blame.RELEASE)
    assert "pairing required" in judged(report, "turn.sessions_spawn").why
    assert judged(report, "gateway.ready").verdict is Verdict.PASS
    assert report.candidate.cut  # told at once: the restart was not made, in neither run
    assert report.control is not None
    assert report.control.cut
    assert report.control.version == "2026.9.5"
    assert report.control.state_schema_after == 17  # untouched by the candidate: a second clone
    _clean(bench)


def test_a_gateway_that_will_not_start_fails_though_the_live_one_answers_on_the_same_port_with_the_same_token(
    bench: Bench, candidate: Candidate
) -> None:
    report = bench.run(candidate(exits={"code": 78, "text": "requires state migration"}))
    assert (report.verdict, report.blame) == (Verdict.FAIL, Blame.RELEASE)
    assert "78" in judged(report, "gateway.ready").why
    assert bench.world.is_ready()
    _clean(bench)


@pytest.mark.parametrize("seal", [Seal.SEALED, Seal.UNSEALED], ids=["sealed", "unsealed"])
def test_one_narrowed_scope_in_the_clone_fails_before_anything_is_started(
    world: World, candidate: Candidate, tmp_path: Path, seal: Seal
) -> None:
    def narrow(state: Path) -> None:
        with closing(sqlite3.connect(state / "state" / "openclaw.sqlite")) as connection, connection:
            changed = connection.execute("UPDATE device_pairing_paired SET scopes_json = ?", (NARROWED,)).rowcount
        assert changed

    bench = Bench(world, tmp_path / "bench", seal, narrow)
    if bench.places().seal() is not seal:
        pytest.skip("this machine permits no namespaces")
    report = bench.run(candidate())
    assert report.verdict is Verdict.FAIL
    assert "device_pairing_paired" in judged(report, "clone.like-source").why
    assert report.control is None
    assert {j.check.partition(".")[0] for j in report.candidate.judgements} == {"clone", "silence"}
    _clean(bench)


def test_a_send_that_the_users_policy_forbids_is_not_applicable_and_not_enabled(bench: Bench, candidate: Candidate) -> None:
    bench.world.stop_gateway()
    bench.world.edit_config(lambda config: config["tools"].update(agentToAgent={"enabled": False}))
    bench.world.start_gateway()
    report = bench.run(candidate())
    assert report.verdict is Verdict.PASS
    assert judged(report, "turn.sessions_send").verdict is Verdict.NOT_APPLICABLE
    assert not [edit for edit in report.candidate.edits if edit.place.startswith("tools")]
    assert json.loads(bench.world.config.read_text())["tools"]["agentToAgent"] == {"enabled": False}


def test_without_walls_it_passes_at_most_with_its_limits_and_with_another_token_than_the_live_gateways(
    world: World, candidate: Candidate, tmp_path: Path
) -> None:
    report = Bench(world, tmp_path / "bench", Seal.UNSEALED).run(candidate())
    assert (report.verdict, report.seal) == (Verdict.PASS, Seal.UNSEALED)
    assert any("not sealed" in limit for limit in report.limits)
    assert "a token of its own" in judged(report, "clone.like-source").why


@pytest.mark.parametrize("seal", [Seal.SEALED, Seal.UNSEALED], ids=["sealed", "unsealed"])
def test_a_state_behind_a_link_is_found_by_both_its_names_and_by_none_of_them_live(
    world_of: WorldOf, candidate: Candidate, tmp_path: Path, seal: Seal
) -> None:
    world = world_of()
    disk = world.root / "disk" / "openclaw"
    disk.parent.mkdir()
    world.state.rename(disk)
    world.state.symlink_to(disk)
    world.edit_config(lambda config: config["agents"]["defaults"].update(workspace=str(world.state / "workspace")))
    bench = Bench(world, tmp_path / "bench", seal)
    if bench.places().seal() is not seal:
        pytest.skip("this machine permits no namespaces")
    look = tmp_path / "look"
    look.write_text('#!/bin/sh\ngrep -o "[^\\"]*/workspace" "$OPENCLAW_CONFIG_PATH"; cd -P ~/.openclaw && pwd\n')
    look.chmod(0o755)
    bench.probes = (OwnProbe("look", (str(look),), Need.REQUIRED),)
    report = bench.run(candidate())
    assert judged(report, "clone.like-source").verdict is Verdict.PASS
    said = judged(report, "own.look").why
    if seal is Seal.SEALED:
        assert report.verdict is Verdict.PASS, report.candidate.judgements
        assert "<home>/.openclaw/workspace / <state>" in said  # the link leads to the clone, which lies where the state does
    else:
        assert "<state>/workspace" in said


def test_no_secret_of_the_machine_is_in_what_is_told(bench: Bench, candidate: Candidate) -> None:
    bot = "12345:short-and-mine"
    bench.world.edit_config(lambda config: config.update(channels={"telegram": {"botToken": bot}}))
    told = repr(bench.run(candidate(refusesAgents={"message": f"token {bench.world.token} {bot}"})))
    assert bench.world.token not in told
    assert bot not in told
    for value in json.loads(json.dumps(bench.world.own.__dict__, default=str)).values():
        assert not (isinstance(value, str) and len(value) >= 43 and value in told)


def test_a_release_of_the_file_era_is_tried_like_any_other(world_of: WorldOf, seed_of: SeedOf, tmp_path: Path) -> None:
    bench = Bench(world_of("2026.2.17"), tmp_path / "bench")
    if bench.places().seal() is not Seal.SEALED:
        pytest.skip("this machine permits no namespaces")
    older = seed_of(StandIn("2026.2.22"))
    package = older.prefix / "lib" / "node_modules" / "openclaw"
    report = bench.run(slot(package, "2026.2.22", bench.world.node.node))
    assert report.verdict is Verdict.PASS, report.candidate.judgements
    assert judged(report, "gateway.ready").verdict is Verdict.PASS
