"""A container without an engine: a root of its own on an overlay, its own processes, `/.dockerenv`, the package in /app."""

import json
import os
import shutil
import subprocess
import sys
from typing import Any

import pytest

from tests.world.devices import Device
from tests.world.fixtures import WorldOf
from tests.world.world import World

pytestmark = pytest.mark.skipif(
    os.getuid() != 0 or shutil.which("unshare") is None, reason="needs root to make a root of its own"
)
# $1 a folder of its own, $2 the package, $3 the state, $4 `volume` or `image`, then the command
_ENTER = """
set -e
mount -t tmpfs none "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
cp -r "$2" app
touch .dockerenv
mkdir -p home/node/.openclaw
if [ "$4" = volume ]; then mount --bind "$3" home/node/.openclaw; else cp -a "$3/." home/node/.openclaw/; fi
mount -t proc proc proc
mount --rbind /dev dev
shift 4
exec chroot . "$@"
"""


def in_a_container(world: World, state_on: str, **environment: str) -> list[dict[str, Any]]:
    """The causes `upgrader diagnose` names there, no gateway running."""
    mount = world.root / f"container-{state_on}"
    mount.mkdir()
    path = f"{world.node.bin}:/usr/local/bin:/usr/bin:/bin"  # as in the image: no npm prefix of a person
    names = {"HOME": "/home/node", "PATH": path, "LANG": "C.UTF-8", "USER": "node", **environment}
    inner = ["env", "-i", *(f"{key}={value}" for key, value in names.items())]
    argv = [
        "unshare",
        "--mount",
        "--pid",
        "--fork",
        "sh",
        "-c",
        _ENTER,
        "enter",
        str(mount),
        str(world.package),
        str(world.state),
    ]
    ended = subprocess.run(
        [*argv, state_on, *inner, sys.executable, "-m", "upgrader", "--json", "diagnose"],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert ended.stdout.startswith("{"), ended.stdout + ended.stderr
    return list(json.loads(ended.stdout)["data"]["causes"])


def test_the_faults_of_a_container_are_told_from_its_root_mounts_and_environment(world_of: WorldOf) -> None:
    world = world_of()
    world.edit_config(lambda c: c["gateway"].pop("port", None))
    reader = Device.new("cli in a container", scopes=("operator.read",))
    world.pair(reader)
    found = {each["code"]: each for each in in_a_container(world, "image", OPENCLAW_GATEWAY_BIND="lan")}
    assert "OPENCLAW_GATEWAY_BIND=lan overrides gateway.bind=loopback" in found["bind-overridden"]["title"]
    assert found["paired-read-only"]["device"] == reader.id[:12]
    assert found["state-not-on-a-volume"]["remedy"] == "mount a volume on /home/node/.openclaw"
    assert "lan-plain-ws" in found


def test_a_state_on_a_volume_is_no_fault(world_of: WorldOf) -> None:
    codes = [each["code"] for each in in_a_container(world_of(), "volume")]
    assert codes == ["no-gateway"]
