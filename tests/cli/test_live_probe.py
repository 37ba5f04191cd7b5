"""A real turn on the live gateway happens only when it is asked for, and decides like any other check."""

from tests.world.release import StandIn
from tests.world.world import World
from upgrader.adapters.canary.stub_model import StubModel


def test_verify_asks_no_model_by_itself(world: World, stub_model: StubModel) -> None:
    before = len(stub_model.events())
    assert world.run("verify").exit_code == 0
    assert len(stub_model.events()) == before


def test_a_live_probe_is_one_turn_and_its_cost_is_said(world: World, stub_model: StubModel) -> None:
    unasked = world.run("verify", "--live-probe")
    assert unasked.exit_code == 2
    before = len(stub_model.events())
    said = world.run("--json", "--yes", "verify", "--live-probe")
    assert said.exit_code == 0, said.text
    checks = {each["check"]: each["verdict"] for each in said.json["data"]["checks"]}
    assert checks["live.turn"] == "pass"
    assert len(stub_model.events()) > before
    help_text = world.run("verify", "--help").text
    assert "own model" in " ".join(help_text.split())


def test_a_turn_that_another_process_of_openclaw_held_up_is_taken_again(world: World, stub_model: StubModel) -> None:
    held = {"turnsFail": {"times": 1, "message": "another OpenClaw process owns state-lifecycle"}}
    world.repack(StandIn("2026.9.5", faults=held))
    world.stop_gateway()
    world.start_gateway()
    before = len(stub_model.events())
    said = world.run("--json", "--yes", "verify", "--live-probe")
    assert said.exit_code == 0, said.text
    assert len(stub_model.events()) > before


def test_a_turn_that_fails_is_a_failed_check(world: World) -> None:
    world.edit_config(lambda config: config["models"]["providers"]["stub"].update(baseUrl="http://127.0.0.1:9/v1"))
    world.stop_gateway()
    world.start_gateway()
    said = world.run("--json", "--yes", "verify", "--live-probe")
    assert said.exit_code == 3
    assert said.json["errors"][0]["code"] == "live.turn"
