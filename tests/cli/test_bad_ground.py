"""A machine on which a move cannot go well: a clear word, the right code, and everything as it was."""

import json
import os
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.crash.walk import killed, moments_of
from tests.world.commands import Said
from tests.world.fixtures import WorldOf
from tests.world.registry import FakeRegistry, RegistryFault
from tests.world.world import World, free_port


def refused(said: Said, exit_code: int, code: str) -> None:
    """The outcome of a command that changed nothing: one envelope, its code, a hint, no traceback."""
    assert said.exit_code == exit_code, said.text
    assert [each["code"] for each in said.json["errors"]][:1] == [code], said.text
    assert said.json["errors"][0]["hint"]
    assert "Traceback" not in said.text


def test_a_damaged_journal_stops_every_command_that_changes_something(world: World) -> None:
    moments = moments_of(world, "upgrade", "2026.9.6")
    assert world.run("--yes", "rollback").exit_code == 0
    middle = next(moment for moment in moments if moment.entry == "done switch")
    assert killed(world, middle.number, world.root / "report", "upgrade", "2026.9.6") == -9
    journal = max(world.home.glob(".local/share/openclaw-upgrader/installations/*/journal/*/journal.log"))
    raw = bytearray(journal.read_bytes())
    raw[raw.index(b"fence")] ^= 1
    journal.write_bytes(raw)
    before = world.state_digest("tmp", "openclaw.log")
    refused(world.run("--json", "--yes", "rollback"), 5, "journal_damaged")
    assert "by-hand.txt" in world.run("--json", "--yes", "rollback").text
    assert world.state_digest("tmp", "openclaw.log") == before


@pytest.mark.parametrize("fault", [RegistryFault.TAMPERED, RegistryFault.TRUNCATED], ids=lambda fault: fault.value)
def test_a_package_that_npm_cannot_install_whole_is_never_a_slot(
    world: World, registry: FakeRegistry, fault: RegistryFault
) -> None:
    gateway = world.gateways()
    registry.fault = fault
    said = world.run("--json", "--yes", "upgrade", "2026.9.6", limit_s=120)
    assert said.exit_code in (1, 3), said.text
    assert said.json["errors"][0]["hint"], said.text
    assert "Traceback" not in said.text
    assert (world.version, world.gateways()) == ("2026.9.5", gateway)
    assert not list(world.home.glob(".local/share/openclaw-upgrader/slots/2026.9.6*/node_modules"))


@pytest.fixture
def small_disk(world: World) -> Iterator[Path]:
    """A file system of two megabytes under our data directory."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    place = world.home / ".local" / "share"
    place.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(("mount", "-t", "tmpfs", "-o", "size=2m", "upgrader-test", str(place)), check=False)
    if mounted.returncode:
        pytest.skip("this machine permits no mount")
    yield place
    subprocess.run(("umount", "-l", str(place)), check=True)


def test_a_disk_too_small_blocks_before_anything_is_begun(world: World, small_disk: Path) -> None:
    gateway = world.gateways()
    refused(world.run("--json", "--yes", "upgrade", "2026.9.6"), 3, "disk")
    assert (world.version, world.gateways()) == ("2026.9.5", gateway)


def test_a_port_that_somebody_else_has_undoes_the_move_of_a_stopped_gateway(world: World) -> None:
    world.stop_gateway()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", world.port))
        other.listen()
        said = world.run("--json", "--yes", "upgrade", "2026.9.6", limit_s=240)
    assert said.exit_code == 4, said.text
    assert str(world.port) in said.json["errors"][0]["message"] + said.json["errors"][0]["why"]
    assert (world.version, world.schema(), world.gateways()) == ("2026.9.5", 17, ())


def test_two_gateways_on_one_state_forbid_a_move(world_of: WorldOf) -> None:
    world = world_of("2026.2.22")  # starts a second one where the port is free
    world.start_gateway()
    second = world.begin_openclaw("gateway", "run", "--port", str(free_port()))
    world.wait(lambda: len(world.gateways()) == 2, "a second gateway")
    said = world.run("--json", "--yes", "upgrade", "2026.3.1")
    assert said.exit_code == 3, said.text
    assert said.json["errors"][0]["hint"]
    assert len(world.gateways()) == 2
    second.process.terminate()


UPDATE_RUNS = "CREATE TABLE update_runs (run_id TEXT, updated_at_ms INTEGER, phase TEXT, status TEXT, origin_json TEXT)"


def test_a_move_does_not_begin_beside_openclaws_own_updater(world: World) -> None:
    child = world.begin_openclaw("tui")  # any process that lives can drive an update
    stat = Path(f"/proc/{child.process.pid}/stat").read_text()
    driver = {"host": socket.gethostname(), "pid": child.process.pid, "startIdentity": stat.rpartition(")")[2].split()[19]}
    now = int(time.time() * 1000)
    with closing(sqlite3.connect(world.database, timeout=10)) as connection, connection:
        connection.execute(UPDATE_RUNS)
        row = ("run-1", now, "activating", "running", json.dumps({"driver": driver}))
        connection.execute("INSERT INTO update_runs VALUES (?, ?, ?, ?, ?)", row)
    said = world.run("--json", "--yes", "upgrade", "2026.9.6")
    refused(said, 3, "updater_at_work")
    assert "activating" in said.json["errors"][0]["why"]
    child.process.kill()
    child.process.wait()
    moved = world.run("--json", "--yes", "upgrade", "2026.9.6", limit_s=240)  # its driver is dead: the run was given up
    assert moved.exit_code == 0, moved.text


@pytest.fixture
def read_only() -> Iterator[Callable[[Path], None]]:
    """Makes a directory read-only until the end of the test, for root too; `umount` ends it earlier."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    places: list[Path] = []

    def mount(place: Path) -> None:
        if subprocess.run(("mount", "--bind", str(place), str(place)), check=False).returncode:
            pytest.skip("this machine permits no mount")
        places.append(place)
        subprocess.run(("mount", "-o", "remount,ro,bind", str(place)), check=True)

    yield mount
    for place in places:
        subprocess.run(("umount", "-q", "-l", str(place)), check=False)


def test_tidying_up_that_fails_after_a_good_way_back_leaves_the_gateway_serving(
    world: World, read_only: Callable[[Path], None]
) -> None:
    assert world.run("--yes", "upgrade", "2026.9.6", limit_s=240).exit_code == 0
    (snapshots,) = world.home.glob(".local/share/openclaw-upgrader/installations/*/snapshots")
    read_only(snapshots)
    back = world.run("--json", "--yes", "rollback", limit_s=120)
    assert back.exit_code == 0, back.text
    assert "tidying up is not" in " ".join(back.json["notices"])
    assert (world.version, world.serving_version()) == ("2026.9.5", "2026.9.5")
    subprocess.run(("umount", str(snapshots)), check=True)
    status = world.run("--json", "status")
    assert status.exit_code == 0, status.text
    assert status.json["data"]["open_move"] is None
    assert world.serving_version() == "2026.9.5"


def test_a_state_that_is_a_mount_point_is_not_moved_away_from(world: World) -> None:
    """The way forward exchanges nothing of it; the way back would have to, and nobody would know before."""
    if os.geteuid() != 0 or subprocess.run(("mount", "--bind", world.state, world.state), check=False).returncode:
        pytest.skip("this machine permits no mount")
    try:
        refused(world.run("--json", "--yes", "upgrade", "2026.9.6"), 3, "state_not_exchangeable")
    finally:
        subprocess.run(("umount", "-l", world.state), check=True)
    assert world.gateway_lives()
