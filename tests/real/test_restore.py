"""What a real `npm install -g` does to the link, and the ways back, on the real OpenClaw."""

import subprocess

import pytest

from tests.real.conftest import MovableWorldOf
from tests.world.node import NodeHome

pytestmark = pytest.mark.real


@pytest.mark.timeout(2400)
def test_what_npm_replaced_is_put_back_without_an_outage_and_with_one_where_it_was_started(
    movable_world_of: MovableWorldOf, node_home: NodeHome
) -> None:
    world, environment = movable_world_of("2026.9.5")
    moved = world.run("--json", "--yes", "upgrade", "2026.9.6", limit_s=1200, environment=environment)
    assert moved.exit_code == 0, moved.text
    kept = world.package.resolve()
    world.start_gateway()
    gateway = world.gateways()

    def npm_replaces_it() -> None:
        command = (str(node_home.npm), "install", "-g", "openclaw@2026.9.6", f"--prefix={world.prefix}")
        subprocess.run(command, env=dict(environment), check=True, capture_output=True, timeout=600)
        assert not world.package.is_symlink()
        watched = world.run("--json", "watch", "--once", environment=environment)
        assert (watched.exit_code, [each["kind"] for each in watched.json["data"]["drift"]]) == (3, ["package"]), watched.text

    npm_replaces_it()
    said = world.run("--json", "--yes", "restore", limit_s=120)
    assert (said.exit_code, world.package.resolve(), world.gateways()) == (0, kept, gateway), said.text
    assert world.run("--json", "watch", "--once", environment=environment).exit_code == 0

    npm_replaces_it()
    world.stop_gateway()
    world.start_gateway()
    rows = world.schema(), world.devices().keys()
    said = world.run("--json", "watch", "--once", "--restore", limit_s=600, environment=environment)
    assert (said.exit_code, world.package.resolve(), world.serving_version()) == (0, kept, "2026.9.6"), said.text
    assert (world.schema(), world.devices().keys()) == rows
    print(f"\n{said.json['data']['done']}")
