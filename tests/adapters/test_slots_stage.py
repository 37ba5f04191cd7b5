"""Staging a release with the real npm, from a registry on loopback."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.adapters.slot_world import SlotWorld, package
from tests.world.processes import wait_until
from tests.world.registry import FakeRegistry, RegistryFault
from tests.world.release import pack
from upgrader.adapters.moves.lock import locked
from upgrader.domain.kept.slot import IntegrityMismatch, SlotDamaged, SlotOrigin, StageFailed
from upgrader.errors import Busy, UpgraderError

PLAIN = "2026.3.1"  # a release whose package has no install scripts
SCRIPTED = "2026.9.6"  # one whose package has
REPOSITORY = Path(__file__).parents[2]

TELL = """
const fs = require("fs");
fs.writeFileSync(process.env.TELL, JSON.stringify({env: process.env, home: fs.readdirSync(process.env.HOME)}));
fs.writeFileSync(".done", "by the script");
"""


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with FakeRegistry.serving() as serving:
        serving.publish_files("openclaw", PLAIN, package(PLAIN))
        told = {**package(SCRIPTED, scripts={"postinstall": "node tell.cjs"}), "tell.cjs": TELL.encode()}
        serving.publish_files("openclaw", SCRIPTED, told)
        yield serving


@pytest.fixture
def world(tmp_path: Path, registry: FakeRegistry) -> SlotWorld:
    return SlotWorld(tmp_path, registry.url)


def downloads(registry: FakeRegistry) -> int:
    return sum(path.endswith(".tgz") for _, path in registry.requests)


def writable_below(root: Path) -> list[Path]:
    found = [root, *root.rglob("*")]
    return [path for path in found if not path.is_symlink() and stat.S_IMODE(path.lstat().st_mode) & 0o222]


def test_a_staged_slot_is_complete_read_only_and_runs_with_its_own_node(world: SlotWorld) -> None:
    slot = world.stage(PLAIN)
    assert (slot.version.text, slot.origin) == (PLAIN, SlotOrigin.STAGED)
    assert slot.package_root == world.data / "slots" / slot.id / "node_modules" / "openclaw"
    assert slot.integrity.startswith("sha512-")
    assert writable_below(slot.package_root.parent) == []
    assert slot.node.path.is_relative_to(world.data)
    said = subprocess.run([slot.node.path, slot.package_root / "openclaw.mjs"], capture_output=True, text=True, check=True)
    assert said.stdout == "a small openclaw\n"
    world.store().verify(slot)


def test_a_slot_is_found_again_by_a_later_run_with_all_that_was_recorded(world: SlotWorld) -> None:
    slot = world.stage(PLAIN)
    later = world.store()
    assert later.find(slot.id) == slot
    assert later.list() == (slot,)
    assert later.find("nothing-like-it") is None
    assert later.find(f"../slots/{slot.id}") == slot  # only the last part of an id counts


def test_what_lies_in_the_data_directory_is_for_its_owner_only(world: SlotWorld) -> None:
    slot = world.stage(PLAIN)
    private = [world.data, world.data / "slots", world.data / "nodes", world.data / "slots" / slot.id]
    assert [stat.S_IMODE(path.stat().st_mode) for path in private] == [0o700] * 4
    assert stat.S_IMODE((world.data / "slots" / slot.id / "slot.json").stat().st_mode) == 0o600


def test_an_intact_slot_is_used_again_without_asking_the_registry(world: SlotWorld, registry: FakeRegistry) -> None:
    first = world.stage(PLAIN)
    registry.fault = RegistryFault.DOWN
    assert world.stage(PLAIN, integrity=first.integrity) == first


def test_a_damaged_slot_is_not_used_again(world: SlotWorld) -> None:
    first = world.stage(PLAIN)
    spoil(first.package_root / "dist" / "index.js")
    second = world.stage(PLAIN)
    assert second.id != first.id
    world.store().verify(second)


def test_a_slot_of_another_tarball_under_the_same_version_is_not_used_again(world: SlotWorld, registry: FakeRegistry) -> None:
    first = world.stage(PLAIN)
    registry.publish_files("openclaw", PLAIN, {**package(PLAIN), "more.js": b"// later\n"})
    announced = registry.one("openclaw", PLAIN)
    assert announced is not None
    second = world.stage(PLAIN, integrity=announced["dist"]["integrity"])
    assert (second.id != first.id, (second.package_root / "more.js").exists()) == (True, True)


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        (RegistryFault.DOWN, StageFailed, "stage_registry_down"),
        (RegistryFault.BROKEN, StageFailed, "stage_registry_down"),
        (RegistryFault.NOT_FOUND, StageFailed, "stage_not_published"),
        (RegistryFault.NOT_ALLOWED, StageFailed, "stage_failed"),
        (RegistryFault.NOT_JSON, StageFailed, "stage_failed"),
        (RegistryFault.TRUNCATED, UpgraderError, ""),
        (RegistryFault.TAMPERED, IntegrityMismatch, "integrity_mismatch"),
    ],
)
def test_a_faulty_registry_is_a_clear_error_and_leaves_nothing(
    world: SlotWorld, registry: FakeRegistry, fault: RegistryFault, kind: type[UpgraderError], code: str
) -> None:
    registry.fault = fault
    with pytest.raises(kind) as caught:
        world.stage(PLAIN)
    assert world.left() == []
    assert caught.value.why
    if code:
        assert caught.value.code == code


def test_a_release_the_registry_lacks_is_said_to_be_missing(world: SlotWorld) -> None:
    with pytest.raises(StageFailed) as caught:
        world.stage("2026.3.2")
    assert (caught.value.code, caught.value.exit_code, world.left()) == ("stage_not_published", 1, [])


def test_a_tarball_other_than_announced_is_a_block_before_any_of_its_scripts_ran(world: SlotWorld, tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    with pytest.raises(IntegrityMismatch) as caught:
        SlotWorld(world.root, world.registry, {"TELL": str(told)}).stage(SCRIPTED, integrity="sha512-AAAA")
    assert (caught.value.exit_code, told.exists(), world.left()) == (3, False, [])


def test_a_package_that_calls_itself_by_another_version_is_a_block(world: SlotWorld, registry: FakeRegistry) -> None:
    manifest = {"name": "openclaw", "version": "2026.3.7"}
    registry._add("openclaw", manifest, pack(package("2026.3.2")), "2026-01-01T00:00:00.000Z", "latest")
    with pytest.raises(IntegrityMismatch) as caught:
        world.stage("2026.3.7")
    assert (caught.value.code, world.left()) == ("version_mismatch", [])


def test_scripts_see_an_empty_home_and_the_network_settings_but_nothing_of_openclaw_or_the_session(
    world: SlotWorld, tmp_path: Path
) -> None:
    told = tmp_path / "told.json"
    wanted = {
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": "127.0.0.1",
        "NODE_EXTRA_CA_CERTS": "/dev/null",
        "TELL": str(told),
    }
    unwanted = {
        "OPENCLAW_STATE_DIR": "/somewhere",
        "OPENCLAW_GATEWAY_TOKEN": "not-a-token",
        "XDG_RUNTIME_DIR": "/run/user/0",
        "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere",
        "npm_config_global": "true",
        "npm_config_dry_run": "true",
    }
    slot = SlotWorld(world.root, world.registry, {**wanted, **unwanted}).stage(SCRIPTED)
    seen = json.loads(told.read_text())
    home = Path(seen["env"]["HOME"])
    assert {name: seen["env"].get(name) for name in wanted} == wanted
    assert [name for name in unwanted if seen["env"].get(name) not in (None, "", "false")] == []
    assert home.is_relative_to(world.data)
    assert [name for name in seen["home"] if name not in (".npm", "tmp")] == []
    assert not home.exists()  # gone with the stage
    assert (slot.package_root / ".done").read_text() == "by the script"


def test_scripts_of_dependencies_never_run(world: SlotWorld, registry: FakeRegistry, tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    native = {"name": "native", "version": "1.0.0", "scripts": {"install": "node tell.cjs"}}
    files = {"package.json": json.dumps(native).encode(), "tell.cjs": TELL.encode()}
    registry.publish_files("native", "1.0.0", files)
    registry.publish_files("openclaw", "2026.9.5", package("2026.9.5", dependencies={"native": "1.0.0"}))
    slot = SlotWorld(world.root, world.registry, {"TELL": str(told)}).stage("2026.9.5")
    assert ((slot.package_root.parent / "native").is_dir(), told.exists()) == (True, False)


def test_two_stages_at_once_are_refused_by_name(world: SlotWorld) -> None:
    with locked((world.data / "locks" / "slots.lock",), "stage something"), pytest.raises(Busy) as caught:
        world.stage(PLAIN)
    assert caught.value.exit_code == 6


def spoil(path: Path) -> None:
    """Change one byte of a read-only file, keeping its length and mode."""
    mode = stat.S_IMODE(path.stat().st_mode)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(mode)


def test_verify_names_the_first_path_that_differs(world: SlotWorld) -> None:
    slot = world.stage(PLAIN)
    spoil(slot.package_root / "dist" / "index.js")
    with pytest.raises(SlotDamaged) as caught:
        world.store().verify(slot)
    assert "node_modules/openclaw/dist/index.js: its content" in caught.value.why


def test_verify_finds_a_file_more_a_file_less_another_mode_and_another_node(world: SlotWorld) -> None:
    slot, dist = world.stage(PLAIN), "node_modules/openclaw/dist"
    folder = slot.package_root / "dist"

    def damage() -> str:
        with pytest.raises(SlotDamaged) as caught:
            world.store().verify(slot)
        return caught.value.why

    folder.chmod(0o755)
    assert damage() == f"{dist}: its permissions are 0755, not 0555"
    (folder / "aaa.js").write_text("// more\n")
    folder.chmod(0o555)
    assert damage() == f"{dist}/aaa.js: it was not there when the slot was made"
    folder.chmod(0o755)
    (folder / "aaa.js").unlink()
    (folder / "index.js").unlink()
    folder.chmod(0o555)
    assert damage() == f"{dist}/index.js: it is gone"
    folder.chmod(0o755)
    (folder / "index.js").write_bytes(package(PLAIN)["dist/index.js"])
    (folder / "index.js").chmod(0o444)
    folder.chmod(0o555)
    world.store().verify(slot)
    slot.node.path.write_bytes(b"#!/bin/sh\nexit 1\n")
    assert "its Node" in damage()


def test_a_stage_that_is_killed_leaves_nothing_after_the_next_one(world: SlotWorld, registry: FakeRegistry) -> None:
    world.node()
    registry.fault, registry.slow_s = RegistryFault.SLOW, 60.0
    argv = [sys.executable, "-m", "tests.adapters.slot_world", str(world.root), registry.url, PLAIN]
    running = subprocess.Popen(argv, cwd=REPOSITORY, stdout=subprocess.DEVNULL)
    wait_until(lambda: registry.requests, "a request")
    (staging,) = (world.data / "slots").glob("*.staging")
    npm = [process for process in psutil.Process(running.pid).children(recursive=True) if in_folder(process, staging)]
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    assert staging.exists()
    assert any(process.is_running() for process in npm)
    registry.fault = RegistryFault.NONE
    slot = world.stage(PLAIN)
    assert world.left() == [slot.id]
    wait_until(lambda: not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in npm), "the end of npm")


def in_folder(process: psutil.Process, folder: Path) -> bool:
    try:
        return Path(process.cwd()) == folder
    except psutil.Error:
        return False


def test_a_death_between_the_rename_and_the_record_leaves_no_slot(world: SlotWorld) -> None:
    slot = world.stage(PLAIN)
    home = world.data / "slots" / slot.id
    (home / "slot.json").unlink()
    (home / ".upgrader-stage").touch()
    assert world.store().list() == ()
    assert world.stage(PLAIN).id != slot.id
    assert not home.exists()


def test_a_directory_that_is_not_ours_is_left_alone(world: SlotWorld) -> None:
    foreign = world.data / "slots" / "something.staging"
    foreign.mkdir(parents=True, mode=0o700)
    (foreign / "kept.txt").write_text("not ours")
    world.stage(PLAIN)
    assert (foreign / "kept.txt").read_text() == "not ours"


def test_a_full_disk_is_a_clear_error_and_leaves_nothing(world: SlotWorld, registry: FakeRegistry) -> None:
    registry.publish_files("openclaw", "2026.3.2", {**package("2026.3.2"), "big.bin": os.urandom(24 * 1024 * 1024)})
    world.node()
    world.environment()
    (world.root / "data").mkdir(mode=0o700)
    script = (
        f"mount -t tmpfs -o size=16m none '{world.data}' || exit 77; "
        f"'{sys.executable}' -m tests.adapters.slot_world '{world.root}' '{registry.url}' 2026.3.2; ls -A '{world.data}/slots'"
    )
    ran = subprocess.run(["unshare", "-rm", "sh", "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if ran.returncode in (1, 77) and "Class" not in ran.stdout and not ran.stdout:
        pytest.skip(f"no small file system can be mounted here: {ran.stderr.strip()[-200:]}")
    said = ran.stdout.splitlines()
    assert said[0] == "StageFailed stage_no_space 1", ran.stdout + ran.stderr
    assert not [line for line in said if line.endswith(".staging")]
