"""However a move ends, a gateway that ran before is not left stopped by a command that says all is well."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.walk import killed
from tests.world.world import World

UPGRADE = ("upgrade", "2026.9.6")


@pytest.mark.thorough
@pytest.mark.timeout(300)
def test_a_gateway_that_ends_in_a_move_is_never_left_stopped_with_exit_0(world: World) -> None:
    report = world.root / "report"
    assert killed(world, "gateway:canary", report, *UPGRADE) == 3, "it ran when the move was planned, and does not now"
    assert (world.version, world.schema(), world.gateways()) == ("2026.9.5", 17, ())
    world.start_gateway()

    assert killed(world, "gateway:entry durable@intend verify", report, *UPGRADE) == 4
    assert (world.version, world.serving_version()) == ("2026.9.5", "2026.9.5")

    assert killed(world, "port:entry durable@done doctor", report, *UPGRADE) == 5, "nobody can start on a port that is taken"
    assert world.run("--json", "status").exit_code == 0
    assert (world.version, world.serving_version()) == ("2026.9.5", "2026.9.5")

    assert killed(world, "gateway:entry durable@committed", report, *UPGRADE) == 3, "the move stands, and its gateway has ended"
    assert (world.version, world.schema(), world.gateways()) == ("2026.9.6", 18, ())
    assert killed(world, "gateway:entry durable@closed", report, "rollback") == 0, "a stopped gateway stays stopped"


@pytest.fixture
def own_disk(world: World) -> Iterator[Path]:
    """A file system of its own under our data directory."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    place = world.home / ".local" / "share"
    place.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(("mount", "-t", "tmpfs", "-o", "size=1500m", "upgrader-test", str(place)), check=False)
    if mounted.returncode:
        pytest.skip("this machine permits no mount")
    yield place
    subprocess.run(("umount", "-l", str(place)), check=True)


@pytest.mark.thorough
@pytest.mark.timeout(300)
def test_a_disk_that_fills_between_the_doctor_and_the_start_undoes_the_move(world: World, own_disk: Path) -> None:
    assert killed(world, "disk:entry durable@done doctor", world.root / "report", *UPGRADE) == 4
    assert (world.version, world.schema(), world.serving_version()) == ("2026.9.5", 17, "2026.9.5")
    (own_disk / "filler").unlink()
    assert world.run("--json", "status").json["data"]["open_move"] is None
