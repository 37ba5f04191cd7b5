"""A saved plan, and what changes behind our back, through the real command line."""

import json
import os
from pathlib import Path

import pytest

from tests.world.fixtures import WorldOf
from tests.world.registry import FakeRegistry
from tests.world.release import StandIn
from tests.world.world import World


@pytest.fixture
def still(world_of: WorldOf) -> World:
    """A machine with 2026.9.5 whose gateway does not run."""
    return world_of()


def drift_of(said: object) -> list[str]:
    assert isinstance(said, dict)
    return [each["kind"] for each in said["data"]["drift"]]


def test_what_changes_behind_our_back_is_told_with_the_ways_to_keep_it_and_to_return(
    world: World, registry: FakeRegistry
) -> None:
    kept = world.root / "plan.json"
    assert world.run("plan", "2026.9.6", "--out", str(kept)).exit_code == 0
    said = world.run("--json", "--yes", "upgrade", str(kept), limit_s=240)
    assert said.exit_code == 0, said.text
    assert drift_of(world.run("--json", "status").json) == []
    assert drift_of(world.run("--json", "verify").json) == []
    a_changed_file_is_told_and_restored(world)
    registry.publish(StandIn("2026.9.7", like="2026.9.6"))
    assert world.npm("install", "-g", "openclaw@2026.9.7").exit_code == 0
    another_release_is_told_by_every_look(world)
    nothing_is_mended_beside_an_npm_at_work(world)
    the_release_left_is_restored_without_an_outage(world)

    assert world.npm("install", "-g", "openclaw@2026.9.7").exit_code == 0
    assert world.run("adopt", "--reason", "I ran npm myself").exit_code == 0
    assert "release" not in drift_of(world.run("--json", "status").json)
    kinds = [each["kind"] for each in world.run("--json", "history").json["data"]["events"]]
    assert kinds[-2:] == ["restore", "adopt"]


def a_changed_file_is_told_and_restored(world: World) -> None:
    damaged = world.package.resolve()
    damaged.chmod(0o755)
    (damaged / "README.md").write_text("not what was staged")
    said = world.run("--json", "verify")
    assert drift_of(said.json) == ["tree"]
    assert any("changed behind our back" in each and "`upgrader restore`" in each for each in said.json["notices"])
    said = world.run("--json", "--yes", "restore", limit_s=120)
    assert (said.exit_code, world.version, world.serving_version()) == (0, "2026.9.6", "2026.9.6"), said.text
    assert world.package.resolve() != damaged
    assert drift_of(world.run("--json", "verify", "--full").json) == []
    assert drift_of(world.run("--json", "watch", "--once").json) == []


def another_release_is_told_by_every_look(world: World) -> None:
    assert drift_of(world.run("--json", "status").json)[0] == "release"
    told = " ".join(world.run("status").stdout.split())
    assert "2026.9.7 is installed, and upgrader left 2026.9.6" in told
    assert "`upgrader adopt` keeps it, `upgrader restore` returns to what was" in told
    planned = world.run("--json", "plan")
    assert any("2026.9.7 is installed, and upgrader left 2026.9.6" in each for each in planned.json["notices"]), planned.text
    watched = world.run("--json", "watch", "--once")
    assert (watched.exit_code, drift_of(watched.json)[0]) == (3, "release")
    bounded = world.run("watch", "--for", "1s", "--every", "1s")
    assert bounded.exit_code == 3 and "`upgrader restore` returns to what was" in bounded.stdout
    assert world.run("watch", "--every", "0s").exit_code == 2


def nothing_is_mended_beside_an_npm_at_work(world: World) -> None:
    retired = world.package.with_name(".openclaw-0AbCdEf1")
    retired.mkdir()
    busy = world.run("--json", "watch", "--once", "--restore")
    assert (busy.exit_code, busy.json["data"]["drift"], world.version) == (0, [], "2026.9.7"), "npm is not done yet"
    retired.rmdir()


def the_release_left_is_restored_without_an_outage(world: World) -> None:
    gateway = world.gateways()
    left = world.package.with_name(".openclaw-upgrader-20260101T000000000000Z")
    left.symlink_to("where a run died")
    said = world.run("--json", "--yes", "restore")
    assert said.exit_code == 0, said.text
    assert (said.json["data"]["present"], said.json["data"]["target"], world.version) == ("2026.9.7", "2026.9.6", "2026.9.6")
    assert not left.is_symlink()
    assert world.gateways() == gateway
    assert drift_of(world.run("--json", "status").json) == []
    assert world.run("--json", "restore").json["status"] == "unchanged"


def test_a_gateway_that_was_restarted_on_what_npm_brought_is_moved_back_and_checked(world: World) -> None:
    assert world.run("--json", "--yes", "upgrade", "2026.9.6", limit_s=240).exit_code == 0
    kept = world.package.resolve()
    assert world.npm("install", "-g", "openclaw@2026.9.6").exit_code == 0
    assert not world.package.is_symlink()
    world.stop_gateway()
    world.start_gateway()
    assert drift_of(world.run("--json", "status").json) == ["package"]
    before = world.rows()
    said = world.run("--json", "watch", "--once", "--restore", limit_s=120)
    assert (said.exit_code, said.json["data"]["drift"]) == (0, []), said.text
    assert said.json["data"]["done"][0].startswith("restored 2026.9.6")
    assert (world.package.resolve(), world.serving_version(), world.rows()) == (kept, "2026.9.6", before)
    assert drift_of(world.run("--json", "status").json) == []


def test_where_no_move_was_made_watch_says_so_and_an_adoption_gives_it_something_to_watch(still: World) -> None:
    said = still.run("--json", "watch", "--once")
    assert (said.exit_code, said.json["status"], said.json["data"]["left"]) == (7, "inconclusive", ""), said.text
    assert (said.json["errors"][0]["code"], "`upgrader adopt`" in said.json["errors"][0]["hint"]) == ("nothing_left", True)
    told = " ".join(still.run("watch", "--once").text.split())
    assert "no move was made by upgrader here yet" in told and "nothing changed" not in told
    assert still.run("--json", "adopt").json["status"] == "done"
    said = still.run("--json", "watch", "--once")
    assert (said.exit_code, said.json["data"]["left"], drift_of(said.json)) == (0, "2026.9.5", []), said.text
    assert still.run("--json", "adopt").json["status"] == "unchanged"


def test_a_saved_plan_is_refused_when_the_world_has_moved_and_says_what_moved(still: World) -> None:
    kept = still.root / "plan.json"
    assert still.run("plan", "2026.9.6", "--out", str(kept)).exit_code == 0
    assert kept.stat().st_mode & 0o777 == 0o600
    assert still.token not in kept.read_text()
    still.edit_config(lambda value: value["logging"].update({"level": "info"}))
    package = still.package_digest()
    said = still.run("--json", "--yes", "upgrade", str(kept))
    assert (said.exit_code, said.json["errors"][0]["code"]) == (3, "plan_stale")
    assert said.json["errors"][0]["why"] == "the configuration changed"
    assert still.package_digest() == package


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": "other/1"}', '{"format": "upgrader-plan/1", "world": {"state": 7}}', "\udcff"]
)
def test_a_file_that_is_no_plan_is_refused(tmp_path: Path, text: str) -> None:
    from upgrader.adapters.decisions.plan_file import read_plan
    from upgrader.errors import UsageError

    file = tmp_path / "plan.json"
    file.write_text(text, errors="surrogateescape")
    with pytest.raises(UsageError) as caught:
        read_plan(file)
    assert caught.value.code == "plan_file"


def test_the_table_of_candidates_names_each_release_and_what_holds_it(still: World, registry: FakeRegistry) -> None:
    registry.publish(StandIn("2026.9.7", like="2026.9.6"), "next")
    data = still.run("--json", "plan", "--all").json["data"]
    found = {row["version"]: row for row in data["rows"]}
    assert (data["recommended"], sorted(found)) == ("2026.9.6", ["2026.9.6", "2026.9.7"])
    assert found["2026.9.6"]["blocks"] == []
    assert found["2026.9.7"]["blocks"][0] == "unknown_evidence"
    told = still.run("plan", "--all", environment={**still.environment, "COLUMNS": "120", "NO_COLOR": "1"}).stdout
    assert "→ recommended: 2026.9.6" in told
    assert json.dumps(os.fspath(still.home)) not in told
