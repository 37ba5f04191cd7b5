"""Agents at work when a move comes: it waits for them, is put off, or cuts them off when asked to."""

from collections.abc import Iterator

import pytest

from tests.world.fixtures import WorldOf
from tests.world.gate import Gate, gate_before
from tests.world.processes import Child
from tests.world.world import World
from upgrader.adapters.canary.stub_model import StubModel


@pytest.fixture
def gate(stub_model: StubModel) -> Iterator[Gate]:
    """A closed gate before the model: whoever asks it waits."""
    with gate_before(stub_model.port) as gate:
        yield gate


@pytest.fixture
def working(world_of: WorldOf, gate: Gate) -> tuple[World, Child]:
    """A machine whose gateway runs a turn that does not end before the gate is opened; and the command that waits for it."""
    world = world_of()
    provider = f"http://127.0.0.1:{gate.port}/v1"
    world.edit_config(lambda config: config["models"]["providers"]["stub"].update(baseUrl=provider))
    world.start_gateway()
    turn = world.begin_openclaw("agent", "--agent", "main", "--message", "hello")
    world.wait(lambda: gate.waiting, "a turn that asks the model")
    return world, turn


def test_a_move_waits_for_the_turn_that_runs_and_a_put_off_one_disturbs_nothing(
    working: tuple[World, Child], gate: Gate
) -> None:
    world, turn = working
    gateway = world.gateway
    put_off = world.run("--json", "--yes", "upgrade", "2026.9.6", "--wait", "1s", limit_s=240)
    assert (put_off.exit_code, put_off.json["status"]) == (7, "inconclusive")
    assert put_off.json["errors"][0]["code"] == "gateway_busy"
    assert "1 chat run" in put_off.json["errors"][0]["message"]
    assert (world.version, world.gateway_lives(), world.gateway) == ("2026.9.5", True, gateway)
    assert list(world.home.glob(".openclaw.upgrader-*")) == []

    moving = world.begin("--yes", "upgrade", "2026.9.6", "--wait", "4m")
    world.wait(lambda: "still at work: 1 chat run" in moving.said(), "a move that waits", 240)
    refused = world.openclaw("agent", "--agent", "beta", "--message", "me too")
    assert "unavailable during gateway suspension" in refused.text
    gate.open()
    assert turn.wait(60) == 0, turn.said()
    assert moving.wait(240) == 0, moving.said()
    assert world.version == "2026.9.6"


def test_with_interrupt_a_move_cuts_off_what_still_runs(working: tuple[World, Child]) -> None:
    world, turn = working
    moved = world.run("--yes", "upgrade", "2026.9.6", "--wait", "0s", "--interrupt", limit_s=240)
    assert moved.exit_code == 0, moved.text
    assert "the stop cuts off: 1 chat run" in moved.text
    assert turn.wait(60) != 0
    assert world.serving_version() == "2026.9.6"


@pytest.mark.parametrize("time", ["soon", "-5", "5 days", ""])
def test_a_wait_that_is_no_time_is_told_so(world_of: WorldOf, time: str) -> None:
    said = world_of().run("rollback", "--wait", time)
    assert said.exit_code == 2
    assert "hint: write 90s, 5m or 1h" in said.text
