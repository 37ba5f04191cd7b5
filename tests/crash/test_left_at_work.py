"""What a killed run leaves behind is no reason not to go back: a doctor at work, a configuration that nobody can read."""

from pathlib import Path

import pytest

from tests.crash.walk import killed
from tests.world.fixtures import WorldOf
from tests.world.processes import belonging_to
from tests.world.registry import FakeRegistry
from tests.world.release import StandIn


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
