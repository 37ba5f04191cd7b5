"""The main job through the real command line: a whole move, the way back, and what breaks on the way."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.world.fixtures import WorldOf
from tests.world.processes import wait_until
from tests.world.registry import FakeRegistry, RegistryFault
from tests.world.release import StandIn
from tests.world.world import World
from upgrader.adapters.kept.compare import Comparer
from upgrader.services.openclaw.places.sameness import EXCLUSIONS


def remembered(world: World) -> Path:
    """A copy of the state with the gateway stopped; the gateway runs again afterwards."""
    world.stop_gateway()
    kept = world.root / "remembered"
    shutil.copytree(world.state, kept, symlinks=True)
    world.start_gateway()
    return kept


def differences(world: World, kept: Path) -> list[str]:
    """What differs from the copy with the gateway stopped, but for the product's own list of exclusions."""
    world.stop_gateway()
    scratch = world.root / "scratch"
    scratch.mkdir(exist_ok=True)
    same = Comparer(EXCLUSIONS, scratch).compare(kept, world.state)
    assert same.paths > 3
    assert same.rows > 3
    return [f"{each.place} {each.what}" for each in same.differences]


def test_an_upgrade_moves_package_state_and_gateway_and_keeps_every_device(world: World) -> None:
    devices = world.devices()
    said = world.run("--json", "--yes", "upgrade", "2026.9.6", limit_s=240)
    assert said.exit_code == 0, said.text
    assert set(said.json) == {"schema", "command", "status", "exit_code", "data", "errors", "notices"}
    assert said.json["data"]["canary"]["verdict"] == "pass"
    assert (world.version, world.schema(), world.serving_version()) == ("2026.9.6", 18, "2026.9.6")
    assert world.devices().keys() == devices.keys()
    again = world.run("--json", "--yes", "upgrade", "2026.9.6")
    assert (again.exit_code, again.json["status"]) == (0, "unchanged")


_JOB = """INSERT INTO cron_jobs (store_key, job_id, name, enabled, agent_id, payload_kind, job_json, updated_at)
VALUES ('s', 'later', 'later', 1, 'main', 'text', ?, 0)"""


def test_a_rollback_needs_no_network_and_brings_back_directory_state_and_gateway(world: World, registry: FakeRegistry) -> None:
    kept = remembered(world)
    package, inode = world.package_digest(), world.package.lstat().st_ino
    assert world.run("--yes", "upgrade", "2026.9.6", limit_s=240).exit_code == 0
    assert world.package.is_symlink()
    assert world.change(_JOB, '{"id": "later", "schedule": {"kind": "at"}, "state": {}}') == 1
    registry.fault = RegistryFault.DOWN
    said = world.run("--json", "--yes", "rollback", limit_s=120)
    assert said.exit_code == 0, said.text
    (left,) = [each for each in said.json["data"]["settled"] if each["what"] == "scheduled job later"]
    assert (Path(left["place"]) / "state" / "openclaw.sqlite").is_file(), "where it is, not where it was during the move"
    assert not world.package.is_symlink()
    assert (world.package.lstat().st_ino, world.package_digest()) == (inode, package)
    assert (world.version, world.schema(), world.serving_version()) == ("2026.9.5", 17, "2026.9.5")
    assert world.run("--json", "restore").json["status"] == "unchanged", "npm's own directory lies where it lay"
    assert differences(world, kept) == []


def test_a_pairing_that_breaks_after_the_cutover_is_put_back_with_everything_else(world: World) -> None:
    kept, package = remembered(world), world.package_digest()
    running = world.begin("--json", "--yes", "upgrade", "2026.9.6")
    wait_until(lambda: world.schema() == 18 and world.serving_version() == "2026.9.6", "the new gateway", 240)
    with closing(sqlite3.connect(world.database, timeout=10)) as connection, connection:
        gone = connection.execute("DELETE FROM device_pairing_paired WHERE device_id = ?", (world.phone.id,))
        assert gone.rowcount == 1
    assert running.wait(180) == 4, running.said()
    told = json.loads(running.out.read_text())
    assert told["status"] == "rolled_back"
    assert set(world.devices()) == {world.own.id, world.phone.id}
    assert (world.version, world.schema(), world.serving_version()) == ("2026.9.5", 17, "2026.9.5")
    assert world.package_digest() == package
    assert differences(world, kept) == []
    assert Path(told["data"]["set_aside"]).is_dir()


def test_a_release_whose_agents_cannot_spawn_is_held_by_the_canary_and_nothing_moves(
    world_of: WorldOf, registry: FakeRegistry
) -> None:
    world = world_of()
    world.start_gateway()
    registry.publish(StandIn("2026.9.7", like="2026.9.6", faults={"refusesAgents": {}}))
    before, process = world.package_digest(), world.gateways()
    said = world.run("--json", "--yes", "upgrade", "2026.9.7", "--accept", "unknown_evidence", limit_s=300)
    assert said.exit_code == 3, said.text
    assert said.json["data"]["canary"]["blame"] == "release"
    assert (world.package_digest(), world.gateways()) == (before, process)
    assert world.schema() == 17


def test_two_runs_at_once_are_one_and_a_busy_word(world: World) -> None:
    first = world.begin("--json", "--yes", "upgrade", "2026.9.6")
    wait_until(lambda: list(world.home.glob(".local/share/openclaw-upgrader/installations/*/lock.holder")), "the lock", 60)
    second = world.run("--json", "--yes", "upgrade", "2026.9.6")
    assert second.exit_code == 6, second.text
    assert "upgrade" in second.json["errors"][0]["why"]
    elsewhere = {**world.environment, "XDG_DATA_HOME": str(world.root / "data")}
    assert world.run("--json", "--yes", "rollback", environment=elsewhere).exit_code == 6
    assert world.run("--json", "status").exit_code == 0
    assert first.wait(240) == 0, first.said()


def test_a_registry_that_is_down_is_an_error_with_a_hint_and_nothing_changed(world: World, registry: FakeRegistry) -> None:
    registry.fault = RegistryFault.DOWN
    said = world.run("--json", "--yes", "upgrade", "2026.9.6", limit_s=120)
    assert said.exit_code == 1, said.text
    assert said.json["errors"][0]["hint"]
    assert (world.version, world.schema()) == ("2026.9.5", 17)


def test_a_script_without_yes_is_told_and_nothing_is_done(world: World) -> None:
    said = world.run("--json", "upgrade", "2026.9.6")
    assert (said.exit_code, said.json["errors"][0]["code"]) == (2, "no_consent")


BAD = [("upgrade", "nonsense"), ("rollback", "no-such"), ("plan", "2026.9.77"), ("--config", "/nonexistent", "status")]


@pytest.mark.parametrize("words", BAD)
def test_bad_words_are_an_envelope_with_a_hint_and_no_traceback(world: World, words: tuple[str, ...]) -> None:
    said = world.run("--json", "--yes", *words)
    assert said.exit_code in (1, 2)
    assert said.json["errors"][0]["hint"]
    assert "Traceback" not in said.text


def test_no_secret_of_the_installation_is_in_any_output_or_file_of_ours(world: World) -> None:
    said = world.run("--json", "--yes", "upgrade", "2026.9.6", limit_s=240)
    told = said.text + world.run("--json", "status").text + world.run("--json", "verify").text
    secrets = (world.token, world.own.token, world.phone.token, world.model_token)
    assert [secret for secret in secrets if secret in told] == []
    data = world.home / ".local/share/openclaw-upgrader"
    public = [path for path in data.rglob("*") if path.is_file() and path.stat().st_mode & 0o077 and "slots" not in path.parts]
    assert [path for path in public if path.parent.name != "bin"] == []
