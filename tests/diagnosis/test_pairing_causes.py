"""Faults of the pairing data, in both eras: named first or second, with the device and the place, and no secret shown."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.diagnosis.told import causes, diagnosed
from tests.world.devices import Device, write_file
from tests.world.fixtures import WorldOf
from tests.world.world import World

ERAS = ("2026.2.19", "2026.9.5")
THREE = ["operator.admin", "operator.approvals", "operator.pairing"]


def edit_record(world: World, device: Device, **values: Any) -> None:
    """Change the gateway's record, named as in paired.json."""
    record = {**device.record(), **values}
    world.forget_device(device)
    world.pair_record(record)


def own_request(world: World) -> None:
    if world.era == "sqlite":
        columns = "(request_id, device_id, public_key, client_id, scopes_json, is_repair, ts)"
        sql = f"INSERT INTO device_pairing_pending {columns} VALUES ('r1', ?, ?, 'cli', ?, 1, 1)"
        world.change(sql, world.own.id, world.own.public_key, json.dumps(THREE))
    else:
        asked = {"requestId": "r1", "deviceId": world.own.id, "clientId": "cli", "scopes": THREE, "isRepair": True, "ts": 1}
        write_file(world.state / "devices" / "pending.json", {"r1": asked})


def revoke(world: World) -> None:
    tokens = world.own.record()["tokens"]
    tokens["operator"]["revokedAtMs"] = 1_788_000_000_001
    edit_record(world, world.own, tokens=tokens)


def empty_record(world: World) -> None:
    tokens = world.phone.record()["tokens"]
    tokens["operator"]["token"] = ""
    edit_record(world, world.phone, tokens=tokens)


FAULTS: dict[str, tuple[Callable[[World], None], str]] = {
    "the gateway's token is another": (lambda w: w.change_token(w.own), "cache-token-differs"),
    "the cached token is empty": (lambda w: w.edit_cache(token=""), "cache-token-empty"),
    "the cache is gone": (lambda w: w.drop_cache(), "cache-missing"),
    "the cache is another device's": (lambda w: w.edit_cache(deviceId="f" * 64), "cache-of-another-device"),
    "the record is gone": (lambda w: w.forget_device(w.own), "record-missing"),
    "the record is of another key": (lambda w: edit_record(w, w.own, publicKey="A" * 43), "key-mismatch"),
    "the cache lists fewer scopes": (lambda w: w.edit_cache(scopes=["operator.pairing"]), "cache-narrower"),
    "a request of this machine waits": (own_request, "own-request-waits"),
    "the token was revoked": (revoke, "token-revoked"),
    "a recorded token is empty": (empty_record, "record-token-empty"),
    "a token's role is not approved": (lambda w: edit_record(w, w.phone, roles=["node"], role="node"), "role-not-approved"),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("release", ERAS)
def test_a_fault_is_among_the_first_two_causes_and_gives_no_secret_away(world_of: WorldOf, release: str, name: str) -> None:
    spoil, code = FAULTS[name]
    world = world_of(release)
    before = world.own.id[:12]
    spoil(world)
    said = diagnosed(world)
    found = said.json["data"]["causes"]
    assert code in [each["code"] for each in found[:2]], [each["code"] for each in found]
    assert said.exit_code == 3
    first = next(each for each in found if each["code"] == code)
    assert first["device"] == before or code in ("record-token-empty", "role-not-approved")
    assert first["place"]
    assert "`" in first["remedy"]
    for secret in (world.token, world.own.token, world.phone.token, "x" * 43, "PRIVATE KEY"):
        assert secret not in said.text


@pytest.mark.parametrize("release", ERAS)
def test_a_remote_peer_that_may_only_read_is_named_with_the_commands_of_both_sides(world_of: WorldOf, release: str) -> None:
    world = world_of(release)
    peer = Device.new("peer", scopes=("operator.read",))
    if world.era == "files":
        world.pair_record({**peer.record(), "remoteIp": "100.64.0.7"})
    else:
        world.pair(peer)
        world.change("UPDATE device_pairing_paired SET remote_ip = '100.64.0.7' WHERE device_id = ?", peer.id)
    first = causes(world)[0]
    assert (first["code"], first["device"]) == ("remote-read-only", peer.id[:12])
    assert "openclaw acp" in first["remedy"]
    assert f"openclaw devices remove {peer.id}" in first["remedy"]


def test_three_scopes_of_2_17_are_a_scope_upgrade_for_2_19_alone(world_of: WorldOf) -> None:
    for release, expected in (("2026.2.17", []), ("2026.2.19", ["scope-upgrade"]), ("2026.2.22", [])):
        world = world_of(release)
        tokens = world.own.record()["tokens"]
        tokens["operator"]["scopes"] = THREE
        edit_record(world, world.own, scopes=THREE, tokens=tokens)
        world.edit_cache(scopes=THREE)
        record = world.devices()[world.own.id]
        record.pop("approvedScopes")
        write_file(world.state / "devices" / "paired.json", {**world.devices(), world.own.id: record})
        found = [each["code"] for each in causes(world) if each["impact"] == "breaks now"]
        assert found == expected, release


def test_a_record_narrower_than_its_token_is_refused_by_later_releases(world_of: WorldOf) -> None:
    world = world_of("2026.9.6")
    world.narrow_scopes(world.own)
    first = causes(world)[0]
    assert (first["code"], first["device"]) == ("token-beyond-device", world.own.id[:12])


def test_lists_that_drifted_apart_break_only_after_a_later_upgrade(world_of: WorldOf) -> None:
    world = world_of("2026.2.22")
    edit_record(world, world.phone, approvedScopes=["operator.pairing"])
    found = {each["code"]: each for each in causes(world)}
    assert found["scopes-drifted"]["impact"] == "breaks later"
    assert found["scopes-drifted"]["device"] == world.phone.id[:12]


def test_a_client_that_writes_the_cache_anew_at_its_connect_is_named(world_of: WorldOf) -> None:
    """Watched across the one connect that a client of OpenClaw makes: this one narrows its own cache each time."""
    world = world_of("2026.2.22")
    edit_record(world, world.own, displayName="")
    record = {k: v for k, v in world.devices()[world.own.id].items() if k != "displayName"}
    write_file(world.state / "devices" / "paired.json", {**world.devices(), world.own.id: record})
    world.start_gateway()
    entry = world.package / "openclaw.mjs"
    narrows = (
        "import { readFileSync, writeFileSync } from 'node:fs';\n"
        "if (process.argv.includes('call')) {\n"
        f"  const path = {json.dumps(str(world.state / 'identity' / 'device-auth.json'))};\n"
        "  const cache = JSON.parse(readFileSync(path)); cache.tokens.operator.scopes = ['operator.read'];\n"
        "  process.on('exit', () => writeFileSync(path, JSON.stringify(cache)));\n}\n"
    )
    first, _, rest = entry.read_text().partition("\n")
    entry.write_text(f"{first}\n{narrows}{rest}" if first.startswith("#!") else f"{narrows}{first}\n{rest}")
    found = {each["code"]: each for each in causes(world)}
    assert found["cache-overwritten"]["impact"] == "breaks now"
    assert "gateway call health" in found["cache-overwritten"]["evidence"][0]
    assert found["cache-overwritten"]["device"] == world.own.id[:12]
