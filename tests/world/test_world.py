"""The world itself: npm installs from it, the gateway serves, devices are paired, nothing is left behind."""

import hashlib
import json
import signal
import urllib.request

import pytest

from tests.world.fixtures import WorldOf
from tests.world.processes import belonging_to
from tests.world.registry import FakeRegistry, RegistryFault
from tests.world.release import StandIn
from tests.world.world import World
from upgrader.adapters.canary.stub_model import StubModel
from upgrader.domain.canary.turns import Saw


def test_the_installed_gateway_serves_and_its_devices_are_paired(world: World) -> None:
    assert world.serving_version() == "2026.9.5"
    assert world.openclaw("health", "--json").json["ok"] is True
    assert set(world.devices()) == {world.own.id, world.phone.id}


def test_an_agent_spawns_a_child_that_reaches_the_model(world: World, stub_model: StubModel) -> None:
    nonce = "0a1b2c3d"
    call = json.dumps({"task": f"upgrader child {nonce}: say hi"})
    message = f"upgrader probe {nonce}: call sessions_spawn with {call} end of probe"
    said = world.openclaw("agent", "--agent", "main", "--message", message)
    assert said.exit_code == 0, said.text
    world.wait(lambda: Saw.CHILD in [event.saw for event in stub_model.events(nonce)], "the child at the model")
    results = [event.result for event in stub_model.events(nonce) if event.saw is Saw.RESULT]
    assert '"status": "accepted"' in results[0]


def test_the_doctor_of_the_next_release_migrates_a_stopped_state_and_the_old_one_then_refuses(world: World) -> None:
    world.stop_gateway()
    assert world.schema() == 17
    assert world.npm("install", "-g", "openclaw@2026.9.6").exit_code == 0
    assert world.openclaw("doctor", "--fix", "--non-interactive").exit_code == 0
    assert world.schema() == 18
    world.start_gateway()
    assert world.serving_version() == "2026.9.6"
    world.stop_gateway()
    assert world.npm("install", "-g", "openclaw@2026.9.5").exit_code == 0
    world.edit_config(lambda config: config.pop("meta"))
    assert world.openclaw("gateway", "run").exit_code == 78


def test_a_second_gateway_on_the_same_state_ends_with_78(world: World) -> None:
    said = world.openclaw("gateway", "run", "--port", "1")
    assert said.exit_code == 78
    assert "already owns this state directory" in said.stderr


def test_the_doctor_refuses_while_the_gateway_owns_the_state(world: World) -> None:
    said = world.openclaw("doctor", "--fix", "--non-interactive")
    assert said.exit_code == 1
    assert "gateway-lifecycle" in said.stderr


def test_a_killed_gateway_can_be_started_again(world: World) -> None:
    first = world.gateways()[0]
    first.signal(signal.SIGKILL)
    world.wait(lambda: not first.alive, "its end")
    world.start_gateway()
    assert world.is_ready()


def test_npm_refuses_a_tampered_tarball(world: World) -> None:
    world.registry.fault = RegistryFault.TAMPERED
    said = world.npm("install", "-g", "openclaw@2026.9.6")
    assert said.exit_code != 0
    assert "EINTEGRITY" in said.text


def test_npm_sees_a_hidden_release_as_missing(world: World) -> None:
    world.registry.hide("2026.9.6")
    assert "E404" in world.npm("view", "openclaw@2026.9.6", "version").text or not world.npm("view", "openclaw@2026.9.6").stdout


@pytest.mark.parametrize("fault", [RegistryFault.NOT_FOUND, RegistryFault.NOT_ALLOWED, RegistryFault.BROKEN])
def test_a_refusing_registry_refuses(registry: FakeRegistry, fault: RegistryFault) -> None:
    registry.fault = fault
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{registry.url}openclaw", timeout=5)
    refused.value.close()


def test_the_packument_names_what_the_tarball_really_is(registry: FakeRegistry) -> None:
    with urllib.request.urlopen(f"{registry.url}openclaw", timeout=5) as answer:
        packument = json.loads(answer.read())
    dist = packument["versions"]["2026.9.6"]["dist"]
    with urllib.request.urlopen(dist["tarball"], timeout=5) as answer:
        content = answer.read()
    assert hashlib.sha1(content).hexdigest() == dist["shasum"]
    assert packument["dist-tags"] == {"latest": "2026.9.6"}
    assert set(packument["time"]) == {"created", "modified", "2026.9.5", "2026.9.6"}


def test_nothing_of_a_closed_world_runs_on(world_of: WorldOf) -> None:
    made = world_of("2026.9.5")
    made.start_gateway()
    assert belonging_to(made.root)
    made.close()
    assert not belonging_to(made.root)
    assert not made.root.exists()


def test_a_release_packed_with_a_fault_shows_it(world: World) -> None:
    world.registry.publish(StandIn("2026.9.7", like="2026.9.6", faults={"exits": {"code": 78}}))
    world.stop_gateway()
    assert world.npm("install", "-g", "openclaw@2026.9.7").exit_code == 0
    assert world.openclaw("gateway", "run").exit_code == 78
