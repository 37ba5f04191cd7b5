"""`upgrader verify` on a running gateway: what it says of a whole pairing, of each fault, and that it changes nothing."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.world.fixtures import WorldOf
from tests.world.world import World


def verified(world: World) -> dict[str, dict[str, Any]]:
    """Every judgement of one `upgrader verify --json`, by its name."""
    document = world.run("verify", "--json").json
    return {each["check"]: each for each in document["data"]["checks"]}


def failed(world: World) -> set[str]:
    return {name for name, each in verified(world).items() if each["verdict"] == "fail" and each["need"] == "required"}


def test_a_whole_pairing_passes_and_the_gateway_was_really_asked(world: World) -> None:
    said = world.run("verify", "--json")
    assert said.exit_code == 0, said.text
    seen = {each["check"]: each["verdict"] for each in said.json["data"]["checks"]}
    assert seen["live.handshake.stored-token"] == "pass"
    assert seen["live.call"] == "pass"
    assert seen["live.version"] == "pass"
    assert "fail" not in seen.values()


def meant(record: dict[str, Any]) -> dict[str, Any]:
    """A row with its JSON columns read: the gateway writes them anew, with other spaces."""
    return {k: json.loads(v) if k.endswith("_json") and v else v for k, v in record.items()}


def test_looking_five_times_changes_nothing_but_when_the_device_was_seen(world: World) -> None:
    before = {device: meant(record) for device, record in world.devices().items()}
    for _ in range(5):
        said = world.run("verify")
        assert said.exit_code == 0, said.text
    after = {device: meant(record) for device, record in world.devices().items()}
    used = after[world.own.id]["tokens_json"]["operator"].pop("lastUsedAtMs")
    assert used
    for record in (*before.values(), *after.values()):
        record.pop("last_seen_at_ms"), record.pop("last_seen_reason")
    assert after == before
    assert world.pending() == {}


FAULTS: dict[str, tuple[Callable[[World], None], str]] = {
    "the row of this machine is gone": (lambda w: w.forget_device(w.own), "pairing.recorded"),
    "its scopes are narrowed": (lambda w: w.narrow_scopes(w.own), "pairing.token-baseline"),
    "its token is another": (lambda w: w.change_token(w.own), "pairing.token-equal.operator"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_the_store_of_a_running_gateway_is_found(world: World, name: str) -> None:
    spoil, check = FAULTS[name]
    spoil(world)
    said = world.run("verify", "--json")
    assert said.exit_code == 3, said.text
    assert check in failed(world)


def test_a_refused_handshake_says_the_gateways_own_word(world: World) -> None:
    world.change_token(world.own)
    seen = verified(world)["live.handshake.stored-token"]
    assert seen["verdict"] == "fail"
    assert "AUTH_DEVICE_TOKEN_MISMATCH" in seen["why"]


def test_without_a_gateway_the_store_is_judged_all_the_same(world_of: WorldOf) -> None:
    world = world_of()
    found = verified(world)
    assert found["live.ready"]["verdict"] == "fail"
    assert found["pairing.token-equal.operator"]["verdict"] == "pass"


def test_no_secret_is_printed(world: World) -> None:
    world.change_token(world.own)
    said = world.run("verify", "--json").text + world.run("verify").text
    for secret in (world.token, world.own.token, world.phone.token, "x" * 43, "PRIVATE KEY"):
        assert secret not in said
