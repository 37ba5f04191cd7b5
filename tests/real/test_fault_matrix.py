"""Faults that OpenClaw's own commands make, in both eras: found with cause and device, and mended; health left alone."""

import json
import time
from typing import Any

import pytest

from tests.real.conftest import RealWorldOf
from tests.real.test_repair import LIMIT_S, diagnosed, repaired
from tests.world.devices import write_file
from tests.world.world import World

pytestmark = [pytest.mark.real, pytest.mark.timeout(3600)]


def without_name(world: World) -> World:
    """The command line of 2.x would erase the record's name: it has none here, so that nothing has to change."""
    if world.era == "files":
        record = {k: v for k, v in world.devices()[world.own.id].items() if k != "displayName"}
        write_file(world.state / "devices" / "paired.json", {**world.devices(), world.own.id: record})
    return world


def stores(world: World) -> Any:
    """Requests and records, without what the gateway notes of every connect; and this machine's own cache."""
    kept = {}
    for device, record in world.devices().items():
        read = {k: json.loads(v) if k.endswith("_json") and v else v for k, v in record.items()}
        for token in (read.get("tokens_json") or read.get("tokens") or {}).values():
            token.pop("lastUsedAtMs", None)
        kept[device] = {k: v for k, v in read.items() if k not in ("last_seen_at_ms", "last_seen_reason")}
    if world.era == "sqlite":
        return kept, world.pending(), world.query("SELECT device_id, role, token, scopes_json FROM device_auth_tokens")
    cache = json.loads((world.state / "identity" / "device-auth.json").read_text())["tokens"]
    return kept, world.pending(), {role: (each["token"], each["scopes"]) for role, each in cache.items()}


@pytest.mark.parametrize("release", ["2026.2.17", "2026.2.19", "2026.2.22", "2026.9.5", "2026.9.6"])
def test_ten_diagnoses_of_a_healthy_gateway_find_nothing_and_change_nothing(real_world_of: RealWorldOf, release: str) -> None:
    world = without_name(real_world_of(release))
    world.start_gateway()
    before = stores(world)
    for _ in range(10):
        assert diagnosed(world) == []
    world.settle()
    assert stores(world) == before


@pytest.mark.parametrize("release", ["2026.2.19", "2026.2.22", "2026.9.6"])
def test_fifty_looks_by_verify_and_diagnose_leave_requests_and_records_as_they_were(
    real_world_of: RealWorldOf, release: str
) -> None:
    world = without_name(real_world_of(release))
    world.start_gateway()
    before, took = stores(world), []
    for look in range(50):
        began = time.monotonic()
        said = world.run(("verify", "diagnose")[look % 2], "--json", limit_s=LIMIT_S)
        assert said.exit_code == 0, said.text
        took.append(time.monotonic() - began)
    world.settle()
    assert stores(world) == before
    for name, spans in (("verify", took[::2]), ("diagnose", took[1::2])):
        print(f"{release} {name}: {min(spans):.1f} to {max(spans):.1f} s")


@pytest.mark.parametrize("release", ["2026.2.22", "2026.9.6"])
def test_what_openclaws_own_commands_break_is_found_and_mended(real_world_of: RealWorldOf, release: str) -> None:
    world = without_name(real_world_of(release))
    world.start_gateway()
    seen: dict[str, list[str]] = {}
    faults: dict[str, tuple[str, ...]] = {
        "rotate": ("devices", "rotate", "--device", world.own.id, "--role", "operator", "--json"),
        "remove": ("devices", "remove", world.own.id, "--json"),
    }
    expected = {"rotate": {"cache-token-differs"}, "remove": {"record-removed", "record-missing", "cache-token-differs"}}
    for name, words in faults.items():
        assert world.openclaw(*words, limit_s=LIMIT_S).exit_code == 0, name
        causes = diagnosed(world)
        seen[name] = [each["code"] for each in causes]
        assert expected[name] & set(seen[name][:2]), (name, seen)
        assert causes[0]["device"] == world.own.id[:12]
        if name == "rotate":
            document = repaired(world)
            print(release, name, seen[name], document["status"], [s for s in document["data"]["steps"] if s["worked"]])
            assert document["status"] == "done", document
            assert diagnosed(world) == []
    print(release, seen)


def test_a_revoked_token_is_told_and_left_to_a_person(real_world_of: RealWorldOf) -> None:
    world = real_world_of("2026.9.6")
    world.start_gateway()
    revoke = ("devices", "revoke", "--device", world.own.id, "--role", "operator", "--json")
    assert world.openclaw(*revoke, limit_s=LIMIT_S).exit_code == 0
    causes = diagnosed(world)
    assert (causes[0]["code"], causes[0]["device"]) == ("token-revoked", world.own.id[:12])
    said = world.run("repair", "--json", "--yes", limit_s=LIMIT_S)
    assert said.exit_code == 3
    assert said.json["errors"][0]["hint"].startswith("`openclaw devices rotate")


@pytest.mark.parametrize("release", ["2026.2.22", "2026.9.6"])
def test_the_gateway_token_is_changed_everywhere_and_the_gateway_goes_by_it(real_world_of: RealWorldOf, release: str) -> None:
    world = without_name(real_world_of(release))
    world.start_gateway()
    said = world.run("repair", "--rotate-gateway-token", "--json", "--yes", limit_s=LIMIT_S)
    assert said.exit_code == 0, said.text
    new = json.loads(world.config.read_text())["gateway"]["auth"]["token"]
    assert new != world.token
    assert new not in said.text
    assert world.openclaw("devices", "list", "--json", limit_s=LIMIT_S).exit_code == 0
    assert [each for each in diagnosed(world) if each["impact"] == "breaks now"] == []
