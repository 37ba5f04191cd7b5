"""`upgrader canary` through the real command line: several at once, a kept word, an empty profile."""

import sqlite3
from contextlib import closing

import pytest

from tests.world.fixtures import WorldOf
from tests.world.registry import FakeRegistry
from tests.world.release import StandIn
from tests.world.world import World

ANY = ("--accept", "unknown_evidence")


def test_several_releases_are_tried_on_clones_of_one_snapshot_and_the_worst_ends_it(
    world: World, registry: FakeRegistry
) -> None:
    registry.publish(StandIn("2026.9.7", like="2026.9.6", faults={"refusesAgents": {}}))
    said = world.run("--json", "canary", "2026.9.6", "2026.9.7", *ANY, limit_s=240)
    assert said.exit_code == 3, said.text
    found = {each["target"]: each["report"] for each in said.json["data"]["canaries"]}
    assert {target: (report["verdict"], report["blame"]) for target, report in found.items()} == {
        "2026.9.6": ("pass", "none"),
        "2026.9.7": ("fail", "release"),
    }
    snapshots = world.run("--json", "status").json["data"]["snapshots"]
    assert len(snapshots) == 1


def test_an_upgrade_takes_the_kept_word_of_a_canary_while_slot_and_state_are_unchanged(world: World) -> None:
    report = world.run("--json", "canary", "2026.9.6", limit_s=240).json["data"]["report"]
    assert report["proven"] == ""
    assert min(report["candidate"]["listening_seconds"], report["live_listening_seconds"]) > 0  # each by its own log
    said = world.run("--yes", "upgrade", "2026.9.6", limit_s=240)
    assert said.exit_code == 0, said.text
    assert "slot and state are unchanged since" in " ".join(said.stdout.split())
    assert (world.version, world.schema()) == ("2026.9.6", 18)


def test_a_state_that_changed_since_is_proven_again(world: World) -> None:
    world.run("canary", "2026.9.6", limit_s=240)
    with closing(sqlite3.connect(world.database, timeout=10)) as connection, connection:
        sql = "UPDATE device_pairing_paired SET display_name = 'another' WHERE device_id = ?"
        assert connection.execute(sql, (world.phone.id,)).rowcount == 1
    said = world.run("--json", "--yes", "upgrade", "2026.9.6", limit_s=240)
    assert said.exit_code == 0, said.text
    assert said.json["data"]["canary"]["proven"] == ""


def test_a_token_that_only_the_gateways_own_environment_holds_is_that_of_the_clone_too(
    world_of: WorldOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = world_of()
    world.edit_config(lambda config: config["gateway"].update(auth={"mode": "token"}))
    with monkeypatch.context() as started:
        environment = {**world.environment, "OPENCLAW_GATEWAY_TOKEN": world.token}
        started.setattr(type(world), "environment", property(lambda _: environment))
        world.start_gateway()
    said = world.run("--json", "canary", "2026.9.6", limit_s=240)
    assert said.exit_code == 0, said.text
    assert world.token not in said.text
    judged = {each["check"]: each["verdict"] for each in said.json["data"]["report"]["candidate"]["judgements"]}
    assert (judged["turn.sessions_spawn"], judged["live.handshake.cli"]) == ("pass", "pass")


def test_a_fresh_profile_is_tried_beside_the_clone_when_asked_for(world_of: WorldOf) -> None:
    world = world_of()
    world.start_gateway()
    said = world.run("--json", "canary", "2026.9.6", "--fresh", limit_s=240)
    assert said.exit_code == 0, said.text
    report = said.json["data"]["report"]
    assert report["fresh"]["version"] == "2026.9.6"
    judged = {each["check"]: each["verdict"] for each in report["fresh"]["judgements"]}
    assert judged["turn.sessions_spawn"] == "pass"
