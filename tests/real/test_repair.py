"""Diagnosis and repair on the real OpenClaw: the regression of 2026.2.19, the rotate loop, and faults OpenClaw itself makes."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.real.conftest import Installed, RealWorldOf
from tests.real.worlds import paired_by_2_17_itself
from tests.world.contract.connecting import Attempt, knock
from tests.world.contract.running import agent_turns
from tests.world.world import World
from upgrader.adapters.canary.stub_model import StubModel

LIMIT_S = 900.0  # the command line of 2.x alone may take half a minute a call on a busy machine
THREE = ("operator.admin", "operator.approvals", "operator.pairing")

pytestmark = [pytest.mark.real, pytest.mark.timeout(3600)]


def diagnosed(world: World) -> list[dict[str, Any]]:
    said = world.run("diagnose", "--json", limit_s=LIMIT_S)
    assert said.exit_code in (0, 3), said.text
    return list(said.json["data"]["causes"])


def repaired(world: World) -> dict[str, Any]:
    said = world.run("repair", "--json", "--yes", limit_s=LIMIT_S)
    return dict(said.json)


def in_release(world: World, prefix: Path, version: str) -> None:
    """The same machine with another release in the place of the package."""
    world.prefix.unlink()
    world.prefix.symlink_to(prefix)
    world.seed.version = version


def test_a_state_paired_by_2_17_and_run_by_2_19_is_diagnosed_and_spawning_works_after_the_repair(
    real_world_of: RealWorldOf, installed: Installed, stub_model: StubModel
) -> None:
    world = paired_by_2_17_itself(real_world_of("2026.2.17"))
    in_release(world, installed("2026.2.19").prefix, "2026.2.19")
    world.start_gateway()
    for words in (("gateway", "health"), ("gateway", "status", "--json"), ("doctor", "--non-interactive")):
        assert world.openclaw(*words, limit_s=300).exit_code == 0, words  # what liveness checks see is fine
    before = agent_turns(world, stub_model)
    print("turns before:", json.dumps(before))
    assert "pairing required" in json.dumps(before)
    causes = diagnosed(world)
    print("causes:", json.dumps([(c["code"], c["device"], c["place"], c["evidence"]) for c in causes], indent=1))
    assert causes[0]["code"] == "scope-upgrade"
    own = json.loads((world.state / "identity" / "device.json").read_text())["deviceId"]
    assert causes[0]["device"] == own[:12]
    document = repaired(world)
    print("repair:", document["status"], document["errors"], json.dumps(document["data"]["steps"], indent=1))
    assert document["status"] == "done"
    after = agent_turns(world, stub_model)
    print("turns after:", json.dumps(after))
    assert "pairing required" not in json.dumps(after)
    assert diagnosed(world) == []


def test_the_loop_of_a_token_rotated_to_three_scopes_is_found_and_mended(
    real_world_of: RealWorldOf, stub_model: StubModel
) -> None:
    """The token is rotated by OpenClaw's own command; a client that asks for more is refused again and again."""
    world = real_world_of("2026.2.19")
    world.start_gateway()
    scopes = [word for scope in THREE for word in ("--scope", scope)]
    rotate = ("devices", "rotate", "--device", world.own.id, "--role", "operator", *scopes, "--json")
    assert world.openclaw(*rotate, limit_s=300).exit_code == 0
    agent_turns(world, stub_model)
    as_agent = Attempt(world.port, (3, 3), {"token": world.token}, world.own, world.token, ("operator.write",))
    for _ in range(30):
        assert "pairing required" in json.dumps(knock(as_agent).error)
    causes = diagnosed(world)
    print("causes:", json.dumps([(c["code"], c["device"], c["evidence"]) for c in causes], indent=1))
    assert {each["code"] for each in causes[:2]} == {"scope-upgrade", "scope-upgrade-loop"}
    assert causes[0]["device"] == world.own.id[:12]
    assert repaired(world)["status"] == "done"
    assert diagnosed(world) == []
