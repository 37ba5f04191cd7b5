"""Giving back room, through the real command line: what a way back needs stays, and the way back is gone afterwards."""

from pathlib import Path

from tests.world.registry import FakeRegistry
from tests.world.release import StandIn
from tests.world.world import World


def kinds(told: object, part: str) -> list[tuple[str, str]]:
    assert isinstance(told, dict)
    things = [each["kept"] if part == "going" else each for each in told["data"][part]]
    return [(each["kind"], each["name"]) for each in things]


def side_trees(world: World) -> list[Path]:
    return [each for each in world.package.parent.glob(".openclaw-upgrader-*") if each.is_dir() and not each.is_symlink()]


def test_after_two_moves_the_oldest_install_goes_and_the_way_back_still_works(world: World, registry: FakeRegistry) -> None:
    registry.publish(StandIn("2026.9.7", like="2026.9.6"))
    for target in ("2026.9.6", "2026.9.7"):
        words = ("--yes", "upgrade", target, "--accept", "unknown_evidence")
        assert world.run(*words, limit_s=240).exit_code == 0
    assert len(side_trees(world)) == 1
    held = world.run("--json", "prune")
    assert (held.exit_code, held.json["errors"][0]["code"]) == (2, "no_consent")
    shown = world.run("--json", "prune", "--keep", "1", "--dry-run")
    assert shown.exit_code == 0, shown.text
    going = kinds(shown.json, "going")
    assert any(kind == "slot" and name.startswith("2026.9.5-") for kind, name in going)
    assert len(side_trees(world)) == 1

    said = world.run("--json", "--yes", "prune", "--keep", "1", limit_s=120)
    assert said.exit_code == 0, said.text
    assert kinds(said.json, "going") == going
    assert said.json["data"]["freed_bytes"] > 0
    assert side_trees(world) == []
    assert world.token not in said.text
    assert not list(world.home.glob(".local/share/openclaw-upgrader/installations/*/journal/*/launch.json"))
    assert world.run("--json", "--yes", "prune", "--keep", "1").json["status"] == "unchanged"
    assert world.run("--json", "history").json["data"]["events"][-1]["kind"] == "prune"
    back = world.run("--json", "--yes", "rollback", limit_s=120)
    assert back.exit_code == 0, back.text
    assert (world.version, world.serving_version()) == ("2026.9.6", "2026.9.6")


def test_where_nothing_was_ever_kept_there_is_nothing_to_remove(world: World) -> None:
    said = world.run("--json", "prune")
    assert (said.exit_code, said.json["status"]) == (0, "unchanged"), said.text
