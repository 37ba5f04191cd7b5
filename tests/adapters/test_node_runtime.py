"""Copies of Node, and where a Node and an npm come from when the machine has none that fit."""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.adapters.slot_world import SlotWorld
from tests.world.node import find_node
from tests.world.registry import FakeRegistry
from upgrader.adapters.node import packages
from upgrader.adapters.node.npm import NpmProgram
from upgrader.adapters.node.packages import WANTED, NodePackages, fits
from upgrader.adapters.node.runtime import NodeStore
from upgrader.adapters.processes.children import ProcessRunner
from upgrader.domain.installation.facts import NodeRuntime
from upgrader.domain.kept.slot import NodeUnavailable

PACKAGED = "24.16.5"


def small_node(version: str, shared: str = "false") -> bytes:
    """A Node by what it answers; all else it leaves to the real one."""
    answers = f'--version) echo v{version};; -p) echo {shared};; *) exec "{find_node().node}" "$@";;'
    return f'#!/bin/sh\ncase "$1" in {answers} esac\n'.encode()


@pytest.fixture(autouse=True)
def no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    """The development environment has a Node as a wheel; the machines of these tests have not."""
    monkeypatch.setattr(packages, "_wheels", lambda: iter(()))


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    """It has Node as a package, for every machine this may run on."""
    with FakeRegistry.serving() as serving:
        machine = os.uname().machine
        name = f"node-{sys.platform}-{ {'x86_64': 'x64', 'aarch64': 'arm64'}.get(machine, machine) }"
        for version in ("22.22.3", PACKAGED, "26.1.0"):
            manifest = json.dumps({"name": name, "version": version}).encode()
            serving.publish_files(name, version, {"package.json": manifest, "bin/node": small_node(version)})
        yield serving


@pytest.fixture
def world(tmp_path: Path, registry: FakeRegistry) -> SlotWorld:
    return SlotWorld(tmp_path, registry.url)


def installed_node(world: SlotWorld, version: str, shared: str = "false") -> NodeRuntime:
    place = world.root / f"installed-{version}" / "bin" / "node"
    place.parent.mkdir(parents=True)
    place.write_bytes(small_node(version, shared))
    place.chmod(0o755)
    return NodeRuntime(place, version)


def store(world: SlotWorld, present: NodeRuntime | None) -> NodeStore:
    environment = world.environment()
    runner = ProcessRunner(environment)
    return NodeStore(world.data, runner, NodePackages(runner, environment, Path(sys.executable), present, world.data / "nodes"))


def kept(world: SlotWorld) -> list[str]:
    return sorted(path.name.rpartition("-")[0] for path in (world.data / "nodes").iterdir())


def test_the_present_node_is_copied_once_and_outlives_its_removal(world: SlotWorld) -> None:
    present = installed_node(world, "24.18.0")
    first = store(world, present).fitting(">=24.16.0 <25")
    again = store(world, present).fitting(">=22")
    assert first == again
    assert kept(world) == ["24.18.0"]
    present.path.unlink()
    assert store(world, None).fitting(">=24.16.0 <25") == first


def test_a_present_node_that_does_not_fit_is_replaced_by_a_package_of_the_registry(world: SlotWorld) -> None:
    found = store(world, installed_node(world, "20.20.2")).fitting(">=24.16.0 <25 || >=26.1.0")
    assert found.runtime.version == PACKAGED
    assert found.runtime.path.read_bytes() == small_node(PACKAGED)


def test_a_fetched_node_is_used_again_without_the_registry(world: SlotWorld, registry: FakeRegistry) -> None:
    first = store(world, installed_node(world, "20.20.2")).fitting(">=24.16.0 <25")
    registry.requests.clear()
    assert store(world, None).fitting(">=24.16.0 <25") == first
    assert registry.requests == []


def test_a_copy_that_was_damaged_is_made_anew(world: SlotWorld) -> None:
    present = installed_node(world, "24.18.0")
    first = store(world, present).keep(present)
    first.runtime.path.write_bytes(b"")
    assert store(world, present).keep(present) == first
    assert first.runtime.path.read_bytes() == present.path.read_bytes()


def test_a_node_built_on_a_shared_library_is_kept_as_the_package_of_the_same_version(world: SlotWorld) -> None:
    found = store(world, None).keep(installed_node(world, PACKAGED, shared="true"))
    assert found.runtime.path.read_bytes() == small_node(PACKAGED, shared="false")


def test_a_shared_node_without_such_a_package_is_copied_as_it_is(world: SlotWorld) -> None:
    present = installed_node(world, "24.17.9", shared="true")
    assert store(world, None).keep(present).runtime.path.read_bytes() == present.path.read_bytes()


def test_a_node_that_does_not_run_is_not_kept_as_one(world: SlotWorld) -> None:
    broken = world.root / "node"
    broken.write_bytes(b"#!/bin/sh\nexit 1\n")
    with pytest.raises(NodeUnavailable):
        store(world, None).keep(NodeRuntime(broken, "24.18.0"))


def test_a_range_that_no_package_fits_is_a_clear_error(world: SlotWorld) -> None:
    with pytest.raises(NodeUnavailable) as caught:
        store(world, None).fitting(">=99")
    assert ">=99" in caught.value.message
    assert kept(world) == []


def test_without_node_npm_or_index_the_error_says_what_was_tried(world: SlotWorld) -> None:
    bare = replace(world, extra={"PATH": str(world.root / "empty"), "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull})
    with pytest.raises(NodeUnavailable) as caught:
        store(bare, None).fitting(WANTED)
    assert caught.value.hint
    assert "pip could not fetch" in caught.value.why


def test_npm_is_run_with_the_settings_of_the_npm_the_user_has(world: SlotWorld) -> None:
    tools = store(world, installed_node(world, "24.18.0")).with_npm(">=24.16.0 <25")
    settings = dict(tools.configuration)
    assert settings["npm_config_userconfig"] == str(world.home / ".npmrc")
    assert not Path(settings["npm_config_globalconfig"]).is_relative_to(world.data)


def test_an_npm_runs_only_on_the_nodes_it_wants() -> None:
    npm = NpmProgram(Path("npm-cli.js"), "11.19.1", "^20.17.0 || >=22.9.0")
    assert [npm.runs_on(version) for version in ("18.20.0", "20.17.0", "22.8.0", "22.9.0", "24.19.0")] == [
        False,
        True,
        False,
        True,
        True,
    ]


@pytest.mark.parametrize(
    ("version", "engines", "expected"),
    [
        ("24.19.0", ">=24.16.0 <25 || >=26.1.0", True),
        ("25.9.0", ">=24.16.0 <25 || >=26.1.0", False),
        ("22.22.3", ">=22.22.3 <23 || >=24.15.0 <25 || >=25.9.0", True),
        ("20.20.2", ">=22.12.0", False),
        ("24.19.0", "", True),
        ("", "", False),
        ("24.19.0", "not a range", False),
    ],
)
def test_engines_are_npm_ranges(version: str, engines: str, *, expected: bool) -> None:
    assert fits(version, engines) is expected
