"""What a killed run leaves behind is no reason not to go back: a doctor at work, a configuration that nobody can read."""

from pathlib import Path

import pytest

from tests.crash.walk import killed
from tests.world.fixtures import WorldOf
from tests.world.processes import belonging_to
from tests.world.registry import FakeRegistry
from tests.world.release import StandIn
from tests.world.world import World


@pytest.mark.timeout(300)
def test_a_doctor_that_outlives_its_upgrader_is_ended_and_an_unreadable_configuration_is_put_back(
    world_of: WorldOf, registry: FakeRegistry
) -> None:
    world = world_of()
    world.start_gateway()
    registry.publish(StandIn("2026.9.7", like="2026.9.6", faults={"doctorHangs": {}}))
    configuration = world.config.read_bytes()
    words = ("upgrade", "2026.9.7", "--accept", "unknown_evidence")
    assert killed(world, "after spawn@intend doctor", world.root / "report", *words) == -9
    world.config.write_text('{"cut off')
    said = world.run("--json", "status")
    assert (said.exit_code, said.json["data"]["open_move"]) == (0, None), said.text
    assert (world.version, world.serving_version()) == ("2026.9.5", "2026.9.5")
    assert world.config.read_bytes() == configuration
    argvs = [Path(f"/proc/{each.pid}/cmdline").read_bytes().split(b"\0") for each in belonging_to(world.root)]
    assert not [argv for argv in argvs if b"doctor" in argv]


@pytest.mark.timeout(300)
def test_on_an_installation_that_could_not_be_put_back_nothing_else_is_begun(world: World) -> None:
    """Somebody starts the gateway on a state that was half moved: the recovery must not exchange it under that gateway."""
    assert killed(world, "entry durable@done doctor", world.root / "report", "upgrade", "2026.9.6") == -9
    world.start_gateway()
    for words in (("rollback",), ("upgrade", "2026.9.6"), ("adopt",)):
        said = world.run("--json", "--yes", *words)
        assert (said.exit_code, said.json["errors"][0]["code"]) == (5, "rollback_incomplete"), said.text
    assert "owns this state" in said.json["errors"][0]["why"]
    shown = world.run("--json", "status")
    assert (shown.exit_code, shown.json["data"]["open_move"]["move"]) == (0, "upgrade")
    assert "was left open: doctor" in shown.json["notices"][0]
    world.stop_gateway()
    assert world.run("--json", "status").json["data"]["open_move"] is None
    assert (world.version, world.serving_version()) == ("2026.9.5", "2026.9.5")
