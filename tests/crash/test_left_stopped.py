"""However a move ends, a gateway that ran before is not left stopped by a command that says all is well."""

import pytest

from tests.crash.walk import killed
from tests.world.world import World

UPGRADE = ("upgrade", "2026.9.6")


@pytest.mark.timeout(300)
def test_a_gateway_that_ends_in_a_move_is_never_left_stopped_with_exit_0(world: World) -> None:
    report = world.root / "report"
    assert killed(world, "gateway:canary", report, *UPGRADE) == 3, "it ran when the move was planned, and does not now"
    assert (world.version, world.schema(), world.gateways()) == ("2026.9.5", 17, ())
    world.start_gateway()

    assert killed(world, "gateway:entry durable@intend verify", report, *UPGRADE) == 4
    assert (world.version, world.serving_version()) == ("2026.9.5", "2026.9.5")

    assert killed(world, "port:entry durable@done doctor", report, *UPGRADE) == 5, "nobody can start on a port that is taken"
    assert world.run("--json", "status").exit_code == 0
    assert (world.version, world.serving_version()) == ("2026.9.5", "2026.9.5")

    assert killed(world, "gateway:entry durable@committed", report, *UPGRADE) == 3, "the move stands, and its gateway has ended"
    assert (world.version, world.schema(), world.gateways()) == ("2026.9.6", 18, ())
    assert killed(world, "gateway:entry durable@closed", report, "rollback") == 0, "a stopped gateway stays stopped"
