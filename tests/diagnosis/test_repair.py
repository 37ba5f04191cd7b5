"""`upgrader repair` in both eras: the least step that works, nothing else touched, undone when none does."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.diagnosis.test_pairing_causes import THREE, edit_record
from tests.diagnosis.told import codes, said
from tests.world.devices import write_file
from tests.world.fixtures import WorldOf
from tests.world.world import World

ERAS = ("2026.2.19", "2026.9.5")


def running(world_of: WorldOf, release: str, spoil: Callable[[World], None]) -> World:
    world = world_of(release)
    spoil(world)
    world.start_gateway()
    return world


def repaired(world: World, *words: str) -> dict[str, Any]:
    done = world.run("repair", "--json", "--yes", *words)
    document = dict(done.json)
    for secret in (world.token, world.own.token, world.phone.token, "PRIVATE KEY"):
        assert secret not in done.text
    return document


def in_step(world: World) -> None:
    """Cache and record hold the same token and scopes."""
    if world.era == "sqlite":
        cached = world.query("SELECT token FROM device_auth_tokens WHERE device_id = ?", world.own.id)[0][0]
        recorded = json.loads(world.devices()[world.own.id]["tokens_json"])["operator"]["token"]
    else:
        cached = json.loads((world.state / "identity" / "device-auth.json").read_text())["tokens"]["operator"]["token"]
        recorded = world.devices()[world.own.id]["tokens"]["operator"]["token"]
    assert cached == recorded


FAULTS: dict[str, Callable[[World], None]] = {
    "the cache is gone": lambda w: w.drop_cache(),
    "the cache is another device's": lambda w: w.edit_cache(deviceId="f" * 64),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_cache_out_of_step_follows_the_record(world_of: WorldOf, name: str) -> None:
    world = world_of("2026.9.5")
    FAULTS[name](world)
    document = repaired(world)
    assert document["data"]["rung"].startswith("copy token and scopes"), json.dumps(document, indent=1)
    in_step(world)


def test_the_gateway_serves_on_and_other_devices_are_not_touched(world_of: WorldOf) -> None:
    world = running(world_of, "2026.9.5", lambda w: w.change_token(w.own))
    phone = world.devices()[world.phone.id]
    document = repaired(world)
    assert document["status"] == "done", json.dumps(document, indent=1)
    assert document["data"]["rung"].startswith("copy token and scopes")
    in_step(world)
    assert world.devices()[world.phone.id] == phone
    assert world.is_ready()
    assert codes(world) == []
    assert repaired(world)["status"] == "unchanged"


def test_where_the_command_line_shows_its_identity_the_cache_is_issued_anew_without_a_stop(world_of: WorldOf) -> None:
    world = running(world_of, "2026.2.19", lambda w: w.edit_cache(token=""))
    pid = world.gateways()[0].pid
    assert repaired(world)["data"]["rung"].startswith("let the client cache")
    in_step(world)
    assert world.gateways()[0].pid == pid


def narrow_as_2_17_pairs(world: World) -> None:
    tokens = world.own.record()["tokens"]
    tokens["operator"]["scopes"] = THREE
    edit_record(world, world.own, scopes=THREE, tokens=tokens)
    record = world.devices()[world.own.id]
    record.pop("approvedScopes")
    write_file(world.state / "devices" / "paired.json", {**world.devices(), world.own.id: record})
    world.edit_cache(scopes=THREE)


def test_the_scope_upgrade_of_2_19_is_mended_by_rotating_with_full_scopes(world_of: WorldOf) -> None:
    world = running(world_of, "2026.2.19", narrow_as_2_17_pairs)
    assert codes(world)[0] == "scope-upgrade"
    document = repaired(world)
    assert document["status"] == "done", json.dumps(document, indent=1)
    helped = [step["rung"] for step in document["data"]["steps"] if step["worked"]]
    assert "rotate the token with full scopes" in helped
    assert {"operator.read", "operator.write"} <= set(world.devices()[world.own.id]["scopes"])
    in_step(world)


def test_a_record_narrower_than_its_token_is_removed_and_paired_again(world_of: WorldOf) -> None:
    world = running(world_of, "2026.9.5", lambda w: w.narrow_scopes(w.own))
    document = repaired(world)
    assert document["status"] == "done", json.dumps(document, indent=1)
    assert "remove this machine's record" in " ".join(s["rung"] for s in document["data"]["steps"] if s["worked"])
    in_step(world)


@pytest.mark.parametrize("release", ERAS)
def test_a_dry_run_shows_the_steps_and_changes_nothing(world_of: WorldOf, release: str) -> None:
    world = world_of(release)
    world.change_token(world.own)
    before = world.state_digest()
    done = said(world, "--json", "repair", "--dry-run")
    assert done.exit_code == 3
    assert [step["worked"] for step in done.json["data"]["steps"]] == [None] * len(done.json["data"]["steps"])
    assert done.json["data"]["steps"]
    assert world.state_digest() == before


def test_what_a_repair_cannot_mend_is_told_with_the_command_and_touched_by_nothing(world_of: WorldOf) -> None:
    world = world_of("2026.2.19")
    (world.state / "devices" / "paired.json").write_text("{")
    before = world.state_digest()
    done = said(world, "--yes", "--json", "repair")
    assert done.exit_code == 3
    assert done.json["errors"][0]["code"] == "data-unreadable"
    assert world.state_digest() == before


def test_when_no_step_helps_the_pairing_is_as_it_was(world_of: WorldOf) -> None:
    world = running(world_of, "2026.9.5", lambda w: w.forget_device(w.own))
    world.edit_config(lambda c: c["gateway"]["auth"].update(token="not-the-one-the-running-gateway-has"))
    before = (world.devices(), world.query("SELECT * FROM device_auth_tokens"))
    document = repaired(world)
    assert (document["status"], document["exit_code"]) == ("rolled_back", 4), json.dumps(document, indent=1)
    assert (world.devices(), world.query("SELECT * FROM device_auth_tokens")) == before
    assert document["errors"][-1]["code"] == "move_on"
    assert world.gateway_lives() or world.gateways()


def test_without_a_gateway_the_records_are_mended_and_none_is_started(world_of: WorldOf) -> None:
    world = world_of("2026.2.19")
    world.change_token(world.own)
    assert repaired(world)["status"] == "done"
    in_step(world)
    assert world.gateways() == ()


def test_nobody_is_asked_in_a_script_without_yes(world_of: WorldOf) -> None:
    world = world_of("2026.2.19")
    world.change_token(world.own)
    before = world.state_digest()
    done = world.run("repair", "--json")
    assert done.json["errors"][0]["code"] == "no_consent"
    assert world.state_digest() == before
