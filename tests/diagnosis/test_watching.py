"""`diagnose --follow` names what happens as it happens; `--bundle` writes a report that gives nobody away, or none."""

import json
import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.diagnosis.test_log_causes import upgrade
from tests.diagnosis.told import diagnosed, said
from tests.world.devices import Device, write_file
from tests.world.fixtures import WorldOf
from tests.world.world import World
from upgrader.domain.secret import Secret
from upgrader.errors import UpgraderError
from upgrader.operations.diagnosis.bundle import BundleRefused, holds


def test_following_names_a_request_a_lost_record_and_a_changed_token_until_it_is_interrupted(world_of: WorldOf) -> None:
    from datetime import UTC, datetime

    world = world_of()
    world.log.write_bytes(upgrade(world.phone.id, datetime.now(UTC)))  # what was there before is not told
    child = world.begin("diagnose", "--follow", "--json")
    world.wait(lambda: '"following"' in child.said(), "the follower")
    with world.log.open("ab") as log:
        for _ in range(30):
            log.write(upgrade(world.phone.id, datetime.now(UTC)))
    world.change_token(world.own)
    world.wait(lambda: '"token-changed"' in child.said(), "the changed token")
    world.forget_device(world.phone)
    world.wait(lambda: '"removed"' in child.said(), "the lost record")
    child.process.send_signal(signal.SIGINT)
    assert child.process.wait(20) == 0
    told = [json.loads(line) for line in child.out.read_text().splitlines()]
    asked = [each for each in told if each["name"] == "access-upgrade-requested"]
    assert 5 <= len(asked) <= 9  # a loop is told at its start, then every tenth time
    assert asked[0]["device"] == world.phone.id[:12]
    assert world.own.token not in child.said()


def test_a_bundle_holds_the_diagnosis_and_no_name_path_address_or_secret(world_of: WorldOf) -> None:
    world = world_of()
    peer = Device.new("Somebody's own phone", scopes=("operator.read",))
    world.pair(peer)
    world.change("UPDATE device_pairing_paired SET remote_ip = '100.64.0.7' WHERE device_id = ?", peer.id)
    refused = {"version": 1, "profiles": {"openai:me@example.org": {"type": "oauth", "access": "a-key-of-a-provider"}}}
    refused["usageStats"] = {"openai:me@example.org": {"failureCounts": {"auth": 1}, "lastFailureAt": 1}}
    write_file(world.state / "agents" / "main" / "agent" / "auth-profiles.json", refused)
    path = world.root / "report.json"
    done = said(world, "--json", "diagnose", "--bundle", str(path))
    assert done.exit_code == 3, done.text
    assert "me@example.org" in done.text
    text = path.read_text()
    assert json.loads(text)["data"]["causes"][0]["code"] == "remote-read-only"
    assert path.stat().st_mode & 0o777 == 0o600
    assert "openai:MAIL" in text or "MAIL of agent main" in text
    for private in (
        "me@example.org",
        "a-key-of-a-provider",
        str(world.home),
        "Somebody's own phone",
        "100.64.0.7",
        peer.id,
        world.token,
        world.own.token,
        peer.token,
    ):
        assert private not in text


@pytest.mark.parametrize("release", ["2026.2.22", "2026.9.5"])
def test_a_bundle_with_a_secret_in_it_is_refused_and_nothing_is_written(world_of: WorldOf, release: str) -> None:
    world = world_of(release)
    spoken = world.phone.record()
    spoken["clientId"] = f"phone {world.own.token[5:25]}"  # somebody pasted a part of a token as a name
    world.forget_device(world.phone)
    world.pair_record({**spoken, "roles": ["node"]})
    line = {"0": f"pairing required {world.token[:14]}", "time": "2099-01-01T00:00:00+00:00"}
    world.log.write_text(json.dumps(line) + "\n")
    path = world.root / "report.json"
    with pytest.raises(BundleRefused):
        said(world, "--json", "diagnose", "--bundle", str(path))
    assert not path.exists()


def test_a_bundle_never_writes_over_a_file(world_of: WorldOf) -> None:
    world = world_of()
    path = world.root / "report.json"
    path.write_text("mine")
    with pytest.raises(UpgraderError):
        said(world, "diagnose", "--bundle", str(path))
    assert path.read_text() == "mine"


@given(st.text(min_size=14, max_size=60), st.text(max_size=40), st.text(max_size=40), st.integers(0, 47))
def test_any_twelve_characters_of_a_secret_are_found_in_any_text(secret: str, before: str, after: str, start: int) -> None:
    begin = start % (len(secret) - 12)
    assert holds(before + secret[begin : begin + 12] + after, Secret(secret))


def test_a_running_gateway_is_not_changed_by_being_diagnosed_five_times(world: World) -> None:
    def records() -> list[object]:
        kept = [{k: v for k, v in r.items() if "seen" not in k and k != "tokens_json"} for r in world.devices().values()]
        return [kept, world.pending(), world.query("SELECT * FROM device_auth_tokens")]

    before = records()
    for _ in range(5):
        assert diagnosed(world).exit_code == 0
    assert records() == before
