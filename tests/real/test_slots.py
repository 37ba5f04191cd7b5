"""A real release staged from the registry npm is set up for, run from its read-only tree, damaged and found damaged."""

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.world.node import NodeHome
from tests.world.processes import wait_until
from tests.world.world import free_port
from upgrader.adapters.clock import SystemClock
from upgrader.adapters.kept.slots import Releases, SlotStore
from upgrader.adapters.node.packages import NodePackages
from upgrader.adapters.node.runtime import NodeStore
from upgrader.adapters.processes.children import ProcessRunner, end_group
from upgrader.domain.installation.facts import NodeRuntime
from upgrader.domain.kept.slot import Slot, SlotDamaged
from upgrader.domain.plan.release import Release
from upgrader.domain.version import Version
from upgrader.services.openclaw import installing

VERSION = "2026.9.6"
ENGINES = ">=24.16.0 <25 || >=26.1.0"
READY_S = 180.0

pytestmark = [pytest.mark.real, pytest.mark.timeout(1500)]


@pytest.fixture
def store(tmp_path: Path, node_home: NodeHome) -> SlotStore:
    """A store that reaches the registry as the person who runs the tests does."""
    environment = {**os.environ, "PATH": f"{node_home.bin}:{os.environ['PATH']}"}
    runner, data = ProcessRunner(environment), tmp_path / "data"
    present = NodeRuntime(node_home.node, node_home.version)
    packages = NodePackages(runner, environment, Path(sys.executable), present, data / "nodes")
    releases = Releases(installing.recipe, installing.read_package)
    return SlotStore(data, runner, environment, SystemClock(), NodeStore(data, runner, packages), releases)


def announced(node_home: NodeHome) -> str:
    """The integrity the registry announces, asked of npm itself."""
    environment = {**os.environ, "PATH": f"{node_home.bin}:{os.environ['PATH']}"}
    argv = (str(node_home.npm), "view", f"openclaw@{VERSION}", "dist.integrity", "--json")
    ran = subprocess.run(argv, env=environment, capture_output=True, check=True, timeout=120)
    return str(json.loads(ran.stdout))


@contextmanager
def gateway(slot: Slot, home: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The release's gateway on a state of its own; without root's power where the tests have it, so that modes count."""
    state = home / ".openclaw"
    state.mkdir(mode=0o700, parents=True)
    config = {
        "gateway": {
            "mode": "local",
            "port": port,
            "bind": "loopback",
            "auth": {"mode": "token", "token": os.urandom(24).hex()},
        },
        "update": {"checkOnStart": False},
    }
    (state / "openclaw.json").write_text(json.dumps(config))
    (home / "tmp").mkdir()
    parts = ("CHANNELS", "CRON", "BROWSER_CONTROL_SERVER", "CANVAS_HOST", "PROVIDERS", "GMAIL_WATCHER")
    quiet = tuple(f"SKIP_{name}" for name in parts)
    environment = {"PATH": f"{slot.node.path.parent}:/usr/bin:/bin", "HOME": str(home), "TMPDIR": str(home / "tmp")}
    environment |= {f"OPENCLAW_SKIP_{name}": "1" for name in quiet} | {
        "OPENCLAW_NO_AUTO_UPDATE": "1",
        "OPENCLAW_DISABLE_BONJOUR": "1",
    }
    argv = [str(slot.node.path), str(slot.package_root / "openclaw.mjs"), "gateway", "run", "--port", str(port)]
    if os.geteuid() == 0 and shutil.which("setpriv"):
        for path in (home, *home.rglob("*")):
            os.chown(path, 65534, 65534)
        argv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *argv]
    with (home / "gateway.log").open("wb") as log:
        running = subprocess.Popen(argv, env=environment, cwd=home, stdout=log, stderr=log, start_new_session=True)
    try:
        yield running
    finally:
        end_group(running.pid)
        running.wait()


def answers(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def open_up(folder: Path) -> None:
    """Let another user reach the slot: tests run as root in places, and the folders are for their owner only."""
    for path in (folder, *folder.parents):
        if path.owner() == folder.owner() and not path.stat().st_mode & 0o001:
            path.chmod(path.stat().st_mode | 0o011)


def test_a_real_release_is_staged_runs_from_its_read_only_tree_and_one_changed_byte_is_found(
    store: SlotStore, node_home: NodeHome, tmp_path: Path
) -> None:
    release = Release(Version.parse(VERSION), engines=ENGINES, integrity=announced(node_home))
    slot = store.stage(release)
    assert (slot.version.text, slot.state_schema, slot.agent_schema) == (VERSION, 18, 23)
    assert not (slot.package_root / ".openclaw-lifecycle-pending").exists()
    assert store.stage(release) == slot

    open_up(slot.package_root.parents[1])
    open_up(slot.node.path.parents[2])
    home, port = tmp_path / "home", free_port()
    with gateway(slot, home, port) as running:
        wait_until(lambda: answers(port, "/readyz") or running.poll() is not None, "an answer, or the end of it", READY_S)
        assert running.poll() is None, (home / "gateway.log").read_text()[-2000:]
        assert answers(port, "/")
        running.send_signal(signal.SIGTERM)
        running.wait(timeout=60)
    refused = [line for line in (home / "gateway.log").read_text().splitlines() if "EACCES" in line or "EROFS" in line]
    assert refused == []
    store.verify(slot)

    victim = slot.package_root / "openclaw.mjs"
    content = bytearray(victim.read_bytes())
    content[-2] ^= 1
    victim.chmod(0o755)
    victim.write_bytes(content)
    victim.chmod(0o555)
    with pytest.raises(SlotDamaged) as caught:
        store.verify(slot)
    assert "node_modules/openclaw/openclaw.mjs: its content" in caught.value.why
