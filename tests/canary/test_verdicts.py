"""A fault in both releases, in the candidate, in the state and in the probe itself; and what a release heals."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.canary.bench import Bench, judged, sealed_bench, slot
from tests.canary.releases import Candidate, write_release
from tests.world.fixtures import SeedOf, WorldOf
from tests.world.release import StandIn
from tests.world.world import World
from upgrader.adapters.canary.stub_model import StubModel
from upgrader.adapters.place.seal import LinuxPlaces
from upgrader.domain.canary.enclosure import Place, Site
from upgrader.domain.canary.report import Blame, Extra
from upgrader.domain.check import Verdict
from upgrader.domain.kept.tree import DiskFull

SCOPES_OF_2_17 = ("operator.admin", "operator.approvals", "operator.pairing")
REFUSES: dict[str, dict[str, str]] = {"refusesAgents": {}}


@pytest.fixture
def bench(world: World, tmp_path: Path) -> Bench:
    return sealed_bench(world, tmp_path / "bench")


class DyingModel(LinuxPlaces):
    """Places whose stand-in model dies before the first turn."""

    @contextmanager
    def open(self, site: Site) -> Iterator[Place]:
        """Open the place and end its model."""
        with super().open(site) as place:
            assert isinstance(place.model, StubModel)
            place.model.end()
            yield place


def break_token(world: World) -> None:
    """The gateway's record of this machine holds another token than its cache: as after a restore of one half."""
    world.stop_gateway()
    with closing(sqlite3.connect(world.database)) as connection, connection:
        sql = "UPDATE device_auth_tokens SET token = 'x' || substr(token, 2)"
        assert connection.execute(sql).rowcount
    world.start_gateway()


def test_a_fault_in_both_releases_was_there_before_and_shows_in_an_empty_profile(bench: Bench, candidate: Candidate) -> None:
    write_release(bench.world.package, StandIn("2026.9.5", faults=REFUSES))
    report = bench.run(candidate(**REFUSES))
    assert (report.verdict, report.blame) == (Verdict.PASS, Blame.BOTH)
    assert report.fresh is not None
    assert any("it was so before" in limit for limit in report.limits)


def test_a_fault_of_the_state_was_there_before_and_an_empty_profile_is_well(bench: Bench, candidate: Candidate) -> None:
    break_token(bench.world)
    report = bench.run(candidate())
    assert (report.verdict, report.blame) == (Verdict.PASS, Blame.STATE)
    assert {each.check for each in report.remaining} == {"pairing.token-equal.operator", "live.handshake.stored-token"}


def test_a_fault_of_the_probe_is_inconclusive_and_blames_nobody(shared_bench: Bench, candidate: Candidate) -> None:
    report = replace(shared_bench, kind=DyingModel).run(candidate())
    assert (report.verdict, report.blame, report.control) == (Verdict.INCONCLUSIVE, Blame.PROBE, None)
    assert "model died" in judged(report, "turn.sessions_spawn").why


def test_a_disk_that_fills_up_while_cloning_is_inconclusive_and_ends_no_other_canary(
    shared_bench: Bench, candidate: Candidate
) -> None:
    def full(_state: Path) -> None:
        raise DiskFull("there is no room for the clone", why="the disk filled up")

    report = replace(shared_bench, spoil=full).run(candidate())
    assert (report.verdict, report.blame) == (Verdict.INCONCLUSIVE, Blame.PROBE)
    assert "disk filled up" in judged(report, "place").why
    assert list((shared_bench.root / "canaries").iterdir()) == []


def test_a_disk_that_fills_up_under_a_release_is_inconclusive_and_blames_nobody(
    shared_bench: Bench, candidate: Candidate
) -> None:
    report = shared_bench.run(candidate(exits={"code": 1, "text": "Error: ENOSPC: no space left on device, write"}))
    assert (report.verdict, report.blame) == (Verdict.INCONCLUSIVE, Blame.PROBE)
    assert judged(report, "gateway.ready").remedy.startswith("free some space")


def test_one_control_serves_all_candidates_of_one_snapshot(shared_bench: Bench, candidate: Candidate) -> None:
    canary = shared_bench.canary()
    first, second = (canary.run(shared_bench.request(candidate(version, **REFUSES))) for version in ("2026.9.6", "2026.9.5"))
    assert (first.blame, second.blame) == (Blame.RELEASE, Blame.RELEASE)
    assert first.control is second.control


def test_a_control_that_fails_at_another_step_leaves_it_open(bench: Bench, candidate: Candidate) -> None:
    write_release(bench.world.package, StandIn("2026.9.5", faults=REFUSES))
    report = bench.run(candidate(exits={"code": 1, "text": "cannot find module"}))
    assert (report.verdict, report.blame) == (Verdict.INCONCLUSIVE, Blame.UNKNOWN)


def test_an_empty_profile_tells_that_the_release_itself_is_broken(shared_bench: Bench, candidate: Candidate) -> None:
    report = shared_bench.run(candidate(**REFUSES), frozenset({Extra.FRESH}))
    assert (report.verdict, report.blame) == (Verdict.FAIL, Blame.RELEASE)
    assert report.fresh is not None
    assert "pairing required" in next(j.why for j in report.fresh.judgements if j.check == "turn.sessions_spawn")


@pytest.fixture
def broken_by_2_19(world_of: WorldOf, tmp_path: Path) -> Bench:
    """A state paired by 2026.2.17 in the hands of 2026.2.19: its agents are refused."""
    world = world_of("2026.2.17")
    world.own = replace(world.own, scopes=SCOPES_OF_2_17)
    world.pair_all()
    world.repack(StandIn("2026.2.19"))
    return sealed_bench(world, tmp_path / "bench")


def test_from_a_broken_state_the_better_release_heals(broken_by_2_19: Bench, seed_of: SeedOf) -> None:
    better = seed_of(StandIn("2026.2.22")).prefix / "lib" / "node_modules" / "openclaw"
    report = broken_by_2_19.run(slot(better, "2026.2.22", broken_by_2_19.world.node.node))
    assert report.verdict is Verdict.PASS, report.candidate.judgements
    assert "turn.sessions_spawn" in {each.check for each in report.healed}
    assert report.control is not None
    assert report.control.version == "2026.2.19"


def test_from_a_broken_state_an_equal_release_says_what_still_fails_by_kind_of_client(
    broken_by_2_19: Bench, tmp_path: Path
) -> None:
    package = tmp_path / "2.19-2" / "node_modules" / "openclaw"
    write_release(package, StandIn("2026.2.19-2", like="2026.2.19"))
    report = broken_by_2_19.run(slot(package, "2026.2.19-2", broken_by_2_19.world.node.node))
    still = {each.check for each in report.remaining}
    assert {"turn.sessions_spawn", "turn.sessions_send"} <= still
    assert any(check.startswith(("live.handshake.", "pairing.scopes.")) for check in still)
    assert report.healed == ()
