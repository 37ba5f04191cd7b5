"""Faults that OpenClaw's own commands make, in both eras: found with cause and device, and mended; health left alone."""

import json

import pytest

from tests.real.conftest import Installed, RealWorldOf
from tests.real.pairing_bench import Bench, records, without_name
from tests.real.pairing_walk import walk
from tests.real.test_repair import LIMIT_S, diagnosed, repaired

pytestmark = [pytest.mark.real, pytest.mark.timeout(3600)]


@pytest.mark.parametrize("release", ["2026.2.17", "2026.2.19", "2026.2.22", "2026.9.5", "2026.9.6"])
def test_ten_diagnoses_of_a_healthy_gateway_find_nothing_and_change_nothing(real_world_of: RealWorldOf, release: str) -> None:
    world = real_world_of(release)
    without_name(world)
    world.start_gateway()
    before = records(world)
    for _ in range(10):
        assert diagnosed(world) == []
    world.settle()
    assert records(world) == before


@pytest.mark.parametrize("release", ["2026.2.19", "2026.2.22", "2026.9.6"])
def test_of_the_faults_made_on_a_real_gateway_nineteen_in_twenty_are_named_among_the_first_two(
    real_world_of: RealWorldOf, installed: Installed, release: str
) -> None:
    """What `scripts/pairing-campaign faults` writes down, in one go."""
    world = real_world_of(release)
    without_name(world)
    world.start_gateway()
    told = list(walk(Bench(world, installed), lambda _: False))
    for each in told:
        print(release, each.fault.name, each.first, each.found)
    assert sum(each.found for each in told) >= 0.95 * len(told)


@pytest.mark.parametrize("release", ["2026.2.22", "2026.9.6"])
def test_what_openclaws_own_commands_break_is_found_and_mended(real_world_of: RealWorldOf, release: str) -> None:
    world = real_world_of(release)
    without_name(world)
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
    world = real_world_of(release)
    without_name(world)
    world.start_gateway()
    said = world.run("repair", "--rotate-gateway-token", "--json", "--yes", limit_s=LIMIT_S)
    assert said.exit_code == 0, said.text
    new = json.loads(world.config.read_text())["gateway"]["auth"]["token"]
    assert new != world.token
    assert new not in said.text
    assert world.openclaw("devices", "list", "--json", limit_s=LIMIT_S).exit_code == 0
    assert [each for each in diagnosed(world) if each["impact"] == "breaks now"] == []
