"""A canary's word that is kept, on the real OpenClaw: proven beside a serving gateway, taken by the upgrade after it."""

import pytest

from tests.real.conftest import MovableWorldOf
from tests.real.worlds import in_use

pytestmark = pytest.mark.real


@pytest.mark.timeout(2400)
def test_an_upgrade_takes_the_word_of_a_canary_that_ran_beside_the_serving_gateway(movable_world_of: MovableWorldOf) -> None:
    world, environment = movable_world_of("2026.9.5")
    world.start_gateway()
    in_use(world, environment)
    serving = world.gateways()

    proved = world.run("--json", "--yes", "canary", "2026.9.6", limit_s=1200, environment=environment)
    assert proved.exit_code == 0, proved.text
    report = proved.json["data"]["report"]
    assert (report["verdict"], report["proven"]) == ("pass", "")
    assert world.gateways() == serving

    moved = world.run("--json", "--yes", "upgrade", "2026.9.6", limit_s=1200, environment=environment)
    assert moved.exit_code == 0, moved.text
    kept = moved.json["data"]["canary"]
    assert (kept["verdict"], bool(kept["proven"])) == ("pass", True), kept["limits"]
    assert (world.version, world.schema(), world.serving_version()) == ("2026.9.6", 18, "2026.9.6")
    print(f"\nproven at {kept['proven']}, outage {moved.json['data']['outage_seconds']} s")
