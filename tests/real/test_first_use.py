"""First use on a machine that is broken already, or whose release the registry lacks, with the real 2026.2 releases."""

import pytest

from tests.real.conftest import Installed, MovableWorldOf
from tests.real.worlds import RealWorld, npm_globally, paired_by_2_17_itself
from tests.world.contract.running import agent_turns
from upgrader.adapters.canary.stub_model import StubModel

pytestmark = [pytest.mark.real, pytest.mark.timeout(3600)]


def broken_by_2_19(world: RealWorld, installed: Installed, version: str) -> None:
    """2.17 has paired, then 2.19 came in its place and runs."""
    paired_by_2_17_itself(world)
    npm_globally(world, installed("2026.2.19"), version)
    world.start_gateway()


def turns(world: RealWorld, model: StubModel) -> dict[str, bool]:
    """Whether each kind of message between agents arrives."""
    return {kind: bool(turn["child"]) for kind, turn in agent_turns(world, model).items()}


def test_from_a_broken_2_19_one_moves_to_2_17_and_agents_spawn_again(
    movable_world_of: MovableWorldOf, installed: Installed, stub_model: StubModel
) -> None:
    world, environment = movable_world_of("2026.2.17")
    broken_by_2_19(world, installed, "2026.2.19")
    assert turns(world, stub_model) == {"sessions_spawn": False, "sessions_send": False}

    planned = world.run("plan", limit_s=300, environment=environment)
    assert "upgrader upgrade 2026.2." in planned.text, planned.text
    print(planned.text)
    moved = world.run("--json", "--yes", "upgrade", "2026.2.17", limit_s=2400, environment=environment)
    assert moved.exit_code == 0, moved.text
    assert (world.version, world.is_ready()) == ("2026.2.17", True)
    assert turns(world, stub_model) == {"sessions_spawn": True, "sessions_send": True}
    print(f"outage {moved.json['data']['outage_seconds']} s")


def test_a_release_the_registry_lacks_is_planned_adopted_and_returned_to(
    movable_world_of: MovableWorldOf, installed: Installed, stub_model: StubModel
) -> None:
    world, environment = movable_world_of("2026.2.17")
    broken_by_2_19(world, installed, "2026.2.19-2")
    before = world.package_digest()

    accepting = ("2026.2.22", "--accept", "known_bad")  # it mends the pairing and disables channel plugins
    planned = world.run("--json", "plan", *accepting, limit_s=300, environment=environment)
    assert planned.exit_code == 0, planned.text
    moved = world.run("--json", "--yes", "upgrade", *accepting, limit_s=2400, environment=environment)
    assert moved.exit_code == 0, moved.text
    assert (world.version, world.is_ready()) == ("2026.2.22", True)
    assert turns(world, stub_model) == {"sessions_spawn": True, "sessions_send": True}

    back = world.run("--json", "--yes", "rollback", limit_s=900)
    assert back.exit_code == 0, back.text
    assert (world.version, world.package_digest()) == ("2026.2.19-2", before)
    print(f"outage up {moved.json['data']['outage_seconds']} s, back {back.json['data']['outage_seconds']} s")
