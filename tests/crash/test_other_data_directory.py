"""A run that died kept its records below another XDG_DATA_HOME or HOME than the next one: it is ended all the same."""

import json
import shutil
from pathlib import Path

import pytest

from tests.crash.walk import killed
from tests.world.fixtures import WorldOf
from tests.world.world import World, free_port

_AFTER_THE_DOCTOR = "entry durable@done doctor"


@pytest.fixture
def still(world_of: WorldOf) -> World:
    """A machine whose gateway does not run."""
    return world_of()


def elsewhere(world: World) -> dict[str, str]:
    """The environment of somebody who keeps data in another place."""
    return {**world.environment, "XDG_DATA_HOME": str(world.root / "other data")}


def marks(world: World) -> list[Path]:
    """The marks that stand beside state and package."""
    found = (world.state.with_name(".openclaw.upgrader-open"), world.package.with_name(".openclaw-upgrader.open"))
    return [each for each in found if each.exists()]


@pytest.mark.timeout(300)
def test_a_killed_move_is_ended_by_a_run_with_another_data_directory(world: World) -> None:
    assert killed(world, _AFTER_THE_DOCTOR, world.root / "report", "upgrade", "2026.9.6") == -9
    assert [each.stat().st_mode & 0o777 for each in marks(world)] == [0o600, 0o600]
    assert world.token not in "".join(each.read_text() for each in marks(world))
    for environment in (world.environment, elsewhere(world)):
        assert world.run("--json", "diagnose", environment=environment).json["data"]["causes"][0]["code"] == "move-not-ended"
    said = world.run("--json", "status", environment=elsewhere(world))
    assert (said.exit_code, world.version, world.schema()) == (0, "2026.9.5", 17), said.text
    assert "an unfinished upgrade to 2026.9.6" in said.json["notices"][0] and "was undone" in said.json["notices"][0]
    assert (world.serving_version(), marks(world)) == ("2026.9.5", [])
    assert world.run("--json", "status").json["data"]["open_move"] is None

    assert killed(world, "after signal@OutageFile written", world.root / "report", "repair", "--rotate-gateway-token") == -9
    assert len(marks(world)) == 1
    said = world.run("--json", "status", environment=elsewhere(world))
    assert (said.exit_code, marks(world), len(world.gateways())) == (0, [], 1), said.text


@pytest.mark.thorough
@pytest.mark.timeout(300)
def test_nothing_is_begun_where_the_records_are_gone_or_the_package_is_half_moved_for_another_state(still: World) -> None:
    second = still.home / ".openclaw-second"
    shutil.copytree(still.state, second, symlinks=True)
    text = (second / "openclaw.json").read_text()
    value = json.loads(text)
    value["gateway"]["port"] = free_port()
    (second / "openclaw.json").write_text(json.dumps(value))
    assert killed(still, _AFTER_THE_DOCTOR, still.root / "report", "upgrade", "2026.9.6") == -9
    where = still.home / ".local" / "share" / "openclaw-upgrader"

    said = still.run("--json", "--yes", "--profile", "second", "adopt", environment=elsewhere(still))
    assert (said.exit_code, said.json["errors"][0]["code"]) == (3, "unfinished_move"), said.text
    hint = f"`XDG_DATA_HOME={where.parent} upgrader --state-dir {still.state} status` ends it"
    assert said.json["errors"][0]["hint"] == hint
    assert still.run("--json", "--profile", "second", "status").exit_code == 0

    where.rename(still.root / "moved away")
    said = still.run("--json", "--yes", "adopt")
    assert (said.exit_code, said.json["errors"][0]["code"]) == (5, "records_gone"), said.text
    assert str(where) in said.json["errors"][0]["hint"]
    (still.root / "moved away").rename(where)

    marks(still)[0].chmod(0o666)
    said = still.run("--json", "--yes", "adopt", environment=elsewhere(still))
    assert (said.exit_code, said.json["errors"][0]["code"]) == (5, "mark_unreadable"), said.text
    marks(still)[0].chmod(0o600)

    said = still.run("--json", "--yes", "--profile", "second", "adopt")
    assert (said.exit_code, said.json["errors"][0]["code"]) == (3, "unfinished_move"), said.text
    assert still.run("--json", "status").exit_code == 0
    assert (still.version, still.schema(), marks(still)) == ("2026.9.5", 17, [])
    assert still.run("--json", "--yes", "--profile", "second", "adopt").exit_code == 0
