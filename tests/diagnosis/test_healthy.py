"""A healthy installation has no cause of any trouble, in either era, running or not."""

import pytest

from tests.world.fixtures import WorldOf

RELEASES = ("2026.2.17", "2026.2.22", "2026.9.6")  # all five: tests/real/test_fault_matrix.py


@pytest.mark.parametrize("release", RELEASES)
def test_nothing_is_found_on_a_healthy_gateway_and_nothing_is_changed(world_of: WorldOf, release: str) -> None:
    world = world_of(release)
    world.start_gateway()
    said = world.run("diagnose", "--json")
    assert said.json["data"]["causes"] == []
    assert said.exit_code == 0, said.text
    kinds = [line["kind"] for line in said.json["data"]["clients"]]
    assert kinds == ["cli", "tui", "gateway-client", "control-ui", "acp", "node"]
    assert all(line["standing"] != "refused" for line in said.json["data"]["clients"])
    assert world.pending() == {}


def test_a_stopped_gateway_is_told_and_is_no_fault(world_of: WorldOf) -> None:
    said = world_of().run("diagnose", "--json")
    assert [cause["code"] for cause in said.json["data"]["causes"]] == ["no-gateway"]
    assert said.exit_code == 0, said.text
